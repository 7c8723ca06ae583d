//! The tables against the schema files.

use std::collections::HashSet;

use serde_json::Value;
use sluice_tl::{Schema, Type};

const TEXT: &str = include_str!("../../schema/api-230.tl");

/// Breaks when the parser leaves lines out or counts them as the wrong kind, or when two share an
/// id or a name, so that a table holds only one of them.
#[test]
fn every_line_is_in_the_tables() {
    let (types, functions) = TEXT.split_once("---functions---").unwrap();
    let lines = |text: &str| text.lines().filter(|line| line.ends_with(';')).count();
    let schema = Schema::newest();
    assert!(schema.skipped().is_empty(), "{:?}", schema.skipped());
    assert_eq!(schema.constructors().count(), lines(types));
    assert_eq!(schema.methods().count(), lines(functions));
    assert_eq!((lines(types), lines(functions)), (1704, 850));
    for row in schema.constructors() {
        assert_eq!(schema.constructor_by_id(row.id), Some(row));
        assert_eq!(schema.constructor(row.name), Some(row));
    }
    for row in schema.methods() {
        assert_eq!(schema.method_by_id(row.id), Some(row));
        assert_eq!(schema.method(row.name), Some(row));
    }
    assert!(Schema::mtproto().skipped().is_empty());
    assert!(Schema::mtproto().method("ping").is_some());
}

/// Breaks when grammers moves to another layer: then that schema is to be added here.
#[test]
fn the_newest_layer_is_the_one_grammers_has() {
    assert_eq!(Schema::newest().layer(), grammers_tl_types::LAYER);
    assert!(TEXT.starts_with(&format!("// LAYER {}\n", Schema::newest().layer())));
}

/// Breaks when a type is named that no constructor makes, which could be neither sent nor read.
#[test]
fn every_type_that_is_used_can_be_made() {
    for schema in Schema::layers().map(Schema::for_layer) {
        let known: HashSet<_> = schema.types().into_iter().collect();
        for row in schema.constructors().chain(schema.methods()) {
            for mut ty in row
                .params
                .iter()
                .map(|param| &param.ty)
                .chain([&row.result])
            {
                while let Type::Vector(item) | Type::BareVector(item) = ty {
                    ty = item;
                }
                match ty {
                    Type::Boxed(name) => assert!(known.contains(name), "{}: {name}", row.name),
                    Type::Bare(name) => panic!("{}: {name}", row.name),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_line_is_read_in_full() {
    let schema = Schema::newest();
    let user = schema.constructor("user").unwrap();
    assert_eq!(user.id, 0xb1b8_cc83);
    assert_eq!(user.result, Type::Boxed("User"));
    let flag = user.param("bot_active_users").unwrap().flag.unwrap();
    assert_eq!((flag.field, flag.bit), (1, 12));
    assert_eq!(user.param("id").unwrap().flag, None);
    assert!(user.param("flags").is_none());
    assert_eq!(schema.constructor_by_id(user.id), Some(user));
    let method = schema.method("messages.getMessages").unwrap();
    assert_eq!(method.params[0].ty.to_string(), "Vector<InputMessage>");
    assert_eq!(schema.method_by_id(method.id), Some(method));
    assert!(schema.method("invokeWithLayer").unwrap().generic);
    assert_eq!(
        schema.method("invokeWithLayer").unwrap().result,
        Type::Answer
    );
    assert_eq!(schema.constructors_of("InputPeer").count(), 7);
    assert_eq!(
        schema.parse_type("Vector<User>").unwrap().to_string(),
        "Vector<User>"
    );
    assert_eq!(schema.parse_type("Vector<Nothing>"), None);
    assert_eq!(schema.parse_type(&"Vector<".repeat(100_000)), None);
}

/// The whole promise: any method of the layer can be called from JSON, and a server reads it back.
#[test]
fn every_method_encodes_and_decodes() {
    let schema = Schema::newest();
    let mut methods = 0;
    for method in schema.methods() {
        let body = schema.example(method.name).unwrap();
        let bytes = schema
            .encode_call(method.name, &body)
            .unwrap_or_else(|error| {
                panic!("{}: {error}\n{}", method.name, Value::Object(body.clone()))
            });
        let (found, back) = schema.decode_call(&bytes).unwrap();
        assert_eq!(found.name, method.name);
        assert_eq!(back, body, "{}", method.name);
        methods += 1;
    }
    assert_eq!(methods, 850);
}

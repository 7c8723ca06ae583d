use std::sync::LazyLock;

use serde_json::Value;
use sluice_tl::Schema;

use super::Input;

/// The names of everything that can be decoded.
struct Names {
    types: Vec<&'static str>,
    methods: Vec<&'static str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    types: Schema::newest().types(),
    methods: Schema::newest()
        .methods()
        .map(|method| method.name)
        .collect(),
});

fn named(input: &mut Input<'_>, names: &[&'static str]) -> &'static str {
    names[usize::from(input.short()) % names.len()]
}

/// The capped walk over foreign bytes, as a value of any type, an answer or a call. What it takes
/// can be encoded, and is the same value then.
pub fn schema_decode(data: &[u8]) {
    let schema = Schema::newest();
    let mut input = Input::new(data);
    match input.byte() % 6 {
        0 => there_and_back(named(&mut input, &NAMES.types), input.rest()),
        1 => {
            let ty = format!("Vector<{}>", named(&mut input, &NAMES.types));
            there_and_back(&ty, input.rest());
        }
        2 => call(input.rest()),
        3 => {
            if let Ok((_, inner)) = schema.unwrap_call(input.rest()) {
                assert!(inner.len() <= data.len());
                call(inner);
            }
        }
        4 => {
            let method = named(&mut input, &NAMES.methods);
            let _ = schema.decode_result(method, input.rest());
        }
        _ => {
            let types = Schema::mtproto().types();
            let ty = named(&mut input, &types);
            let _ = Schema::mtproto().decode_boxed(ty, input.rest());
            let _ = Schema::mtproto().decode_call(input.rest());
        }
    }
}

fn there_and_back(ty: &str, bytes: &[u8]) {
    let schema = Schema::newest();
    let Ok(value) = schema.decode_boxed(ty, bytes) else {
        return;
    };
    let encoded = schema
        .encode_boxed(ty, &value)
        .unwrap_or_else(|error| panic!("{error}: {value}"));
    assert_eq!(schema.decode_boxed(ty, &encoded).as_ref(), Ok(&value));
}

fn call(bytes: &[u8]) {
    let schema = Schema::newest();
    let Ok((method, params)) = schema.decode_call(bytes) else {
        return;
    };
    let encoded = schema
        .encode_call(method.name, &params)
        .unwrap_or_else(|error| panic!("{error}: {} {params:?}", method.name));
    let again = schema.decode_call(&encoded).map(|(_, params)| params);
    assert_eq!(again.as_ref(), Ok(&params));
}

/// A caller's JSON as a call, or as a value of any type. What it takes can be decoded, and is the
/// same bytes then.
pub fn schema_encode(data: &[u8]) {
    let schema = Schema::newest();
    let mut input = Input::new(data);
    let ty = named(&mut input, &NAMES.types);
    let Ok(value) = serde_json::from_slice::<Value>(input.rest()) else {
        return;
    };
    if let Ok(encoded) = schema.encode_boxed(ty, &value) {
        let decoded = schema
            .decode_boxed(ty, &encoded)
            .unwrap_or_else(|error| panic!("{error}: {value}"));
        assert_eq!(schema.encode_boxed(ty, &decoded), Ok(encoded));
    }
    let Value::Object(mut params) = value else {
        return;
    };
    let Some(Value::String(method)) = params.get("_").cloned() else {
        return;
    };
    let mut made = 0;
    schema.fill_random_ids(&method, &mut params, &mut || {
        made += 1;
        made
    });
    for shorthand in schema.shorthands(&method, &params) {
        let there = sluice_tl::place(&mut params, &shorthand.pointer, Value::Null);
        assert!(there, "{}", shorthand.pointer);
    }
    if let Ok(encoded) = schema.encode_call(&method, &params) {
        let (found, decoded) = schema
            .decode_call(&encoded)
            .unwrap_or_else(|error| panic!("{error}: {params:?}"));
        assert_eq!(found.name, method);
        assert_eq!(schema.encode_call(&method, &decoded), Ok(encoded));
    }
}

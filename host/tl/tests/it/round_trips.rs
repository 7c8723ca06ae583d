//! Random values of every type and method, there and back.

use proptest::prelude::*;
use serde_json::Value;
use sluice_tl::{Combinator, Schema, Type};

use crate::generate::Generator;

/// Constructors that a type has; `Bool` and `Vector t` are built in.
pub fn boxed() -> Vec<(&'static Combinator, &'static str)> {
    let rows = Schema::newest().constructors();
    rows.filter_map(|row| match row.result {
        Type::Boxed(ty) if row.name != "vector" => Some((row, ty)),
        _ => None,
    })
    .collect()
}

fn there_and_back(row: &Combinator, ty: &str, seed: u64) {
    let schema = Schema::newest();
    let value = Generator::new(seed).object(row, 0);
    let bytes = schema
        .encode_boxed(ty, &value)
        .unwrap_or_else(|error| panic!("{error}: {value}"));
    let back = schema
        .decode_boxed(ty, &bytes)
        .unwrap_or_else(|error| panic!("{error}: {value}"));
    assert_eq!(back, value);
    // And through text, as a caller gets it.
    let text: Value = serde_json::from_str(&back.to_string()).unwrap();
    assert_eq!(schema.encode_boxed(ty, &text).unwrap(), bytes);
}

fn call_there_and_back(method: &Combinator, seed: u64) {
    let schema = Schema::newest();
    let params = Generator::new(seed).fields(method, 0);
    let bytes = schema.encode_call(method.name, &params).unwrap();
    let (found, back) = schema.decode_call(&bytes).unwrap();
    assert_eq!((found.name, &back), (method.name, &params));
    let (_, inner) = schema.unwrap_call(&bytes).unwrap();
    assert_eq!(inner == bytes, !method.generic);
}

#[test]
fn every_constructor_goes_there_and_back() {
    for (seed, (row, ty)) in (0..).zip(boxed()) {
        there_and_back(row, ty, seed);
    }
}

#[test]
fn every_method_goes_there_and_back() {
    for (seed, method) in (0..).zip(Schema::newest().methods()) {
        call_there_and_back(method, seed);
    }
}

proptest! {
    #[test]
    fn any_value_goes_there_and_back(index: prop::sample::Index, seed: u64) {
        let rows = boxed();
        let (row, ty) = rows[index.index(rows.len())];
        there_and_back(row, ty, seed);
    }

    #[test]
    fn any_call_goes_there_and_back(index: prop::sample::Index, seed: u64) {
        let methods: Vec<_> = Schema::newest().methods().collect();
        call_there_and_back(methods[index.index(methods.len())], seed);
    }
}

//! Reading TL objects that are JSON: numbers of 64 bits are strings there.

use serde_json::Value;

/// The constructor of an object.
pub(crate) fn constructor(value: &Value) -> &str {
    text(value, "_").unwrap_or_default()
}

/// A string field.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// An `int` field.
pub(crate) fn int(value: &Value, field: &str) -> Option<i32> {
    i32::try_from(value.get(field)?.as_i64()?).ok()
}

/// A `long` field: a decimal string, or a number.
pub(crate) fn long(value: &Value, field: &str) -> Option<i64> {
    as_long(value.get(field)?)
}

/// A `long`: a decimal string, or a number.
pub(crate) fn as_long(value: &Value) -> Option<i64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// A flag that is true or absent.
pub(crate) fn flag(value: &Value, field: &str) -> bool {
    value.get(field).and_then(Value::as_bool).unwrap_or(false)
}

/// A vector field; empty when it is absent.
pub(crate) fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Takes a vector field out of an object.
pub(crate) fn take_list(value: &mut Value, field: &str) -> Vec<Value> {
    match value.get_mut(field).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

//! Reading what `tl` decoded. The schema has already said that every field is there and of its
//! type, so a missing one reads as the type's empty value.

use base64::Engine as _;
use serde_json::{Map, Value};

static NOTHING: Value = Value::Null;

/// A TL object or the parameters of a call.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> From<&'a Map<String, Value>> for Fields<'a> {
    fn from(map: &'a Map<String, Value>) -> Self {
        Self(Some(map))
    }
}

impl<'a> From<&'a Value> for Fields<'a> {
    fn from(value: &'a Value) -> Self {
        Self(value.as_object())
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn value(self, name: &str) -> &'a Value {
        self.0.and_then(|map| map.get(name)).unwrap_or(&NOTHING)
    }

    pub(crate) fn has(self, name: &str) -> bool {
        !self.value(name).is_null()
    }

    /// The constructor's or method's name.
    pub(crate) fn kind(self) -> &'a str {
        self.text("_")
    }

    pub(crate) fn object(self, name: &str) -> Fields<'a> {
        self.value(name).into()
    }

    pub(crate) fn text(self, name: &str) -> &'a str {
        self.value(name).as_str().unwrap_or_default()
    }

    pub(crate) fn flag(self, name: &str) -> bool {
        self.value(name).as_bool().unwrap_or_default()
    }

    pub(crate) fn int(self, name: &str) -> i32 {
        i32::try_from(self.long(name)).unwrap_or_default()
    }

    pub(crate) fn long(self, name: &str) -> i64 {
        long(self.value(name))
    }

    pub(crate) fn bytes(self, name: &str) -> Vec<u8> {
        base64::engine::general_purpose::STANDARD
            .decode(self.text(name))
            .unwrap_or_default()
    }

    pub(crate) fn list(self, name: &str) -> &'a [Value] {
        self.value(name).as_array().map_or(&[], Vec::as_slice)
    }
}

/// A `long`, which `tl` writes as a decimal string.
pub(crate) fn long(value: &Value) -> i64 {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
        .unwrap_or_default()
}

/// Bytes as `tl` wants them.
pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::String(base64::engine::general_purpose::STANDARD.encode(bytes))
}

use serde_json::{Map, Value};

use crate::{Combinator, DecodeError, Schema};

/// What the wrappers around a query said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wrappers {
    /// The layer of `invokeWithLayer`.
    pub layer: Option<i32>,
    /// The parameters of `initConnection`, without its query.
    pub init: Option<Map<String, Value>>,
    /// Whether there was `invokeWithoutUpdates`.
    pub without_updates: bool,
    /// Message ids of `invokeAfterMsg` and `invokeAfterMsgs`.
    pub after: Vec<i64>,
    /// Any others, outermost first: name and parameters without the query.
    pub others: Vec<(&'static str, Map<String, Value>)>,
}

impl Schema {
    /// Decodes a call: the method and its parameters as JSON; a query in it as
    /// `{"_": "method", …}`.
    pub fn decode_call(
        &self,
        bytes: &[u8],
    ) -> Result<(&Combinator, Map<String, Value>), DecodeError> {
        let _ = bytes;
        todo!()
    }

    /// Takes the wrappers off a call without looking at the query inside, which may be of another
    /// layer (then decode it by `Schema::for_layer(wrappers.layer)`) or packed by gzip.
    pub fn unwrap_call<'a>(&self, bytes: &'a [u8]) -> Result<(Wrappers, &'a [u8]), DecodeError> {
        let _ = bytes;
        todo!()
    }
}

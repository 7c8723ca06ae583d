use serde_json::{Map, Value};

use crate::{Combinator, DecodeError, Schema, Type, decode::Decoder, limits::MAX_WRAPPERS};

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
        let mut decoder = Decoder::new(self, bytes)?;
        let method = decoder.method()?;
        let mut params = Map::new();
        decoder.fields(method, &mut params)?;
        decoder.reader.end()?;
        Ok((method, params))
    }

    /// Takes the wrappers off a call without looking at the query inside, which may be of another
    /// layer (then decode it by `Schema::for_layer(wrappers.layer)`) or packed by gzip.
    pub fn unwrap_call<'a>(&self, bytes: &'a [u8]) -> Result<(Wrappers, &'a [u8]), DecodeError> {
        let mut wrappers = Wrappers::default();
        let mut decoder = Decoder::new(self, bytes)?;
        for _ in 0..=MAX_WRAPPERS {
            let inner = decoder.reader.rest();
            let wrapper = decoder.method().ok().filter(|method| method.generic);
            let Some(wrapper) = wrapper else {
                return Ok((wrappers, inner));
            };
            let mut params = Map::new();
            decoder.fields_until(wrapper, &mut params, |ty| *ty == Type::Query)?;
            wrappers.add(wrapper.name, params);
        }
        Err(DecodeError::TooManyWrappers)
    }
}

impl Wrappers {
    fn add(&mut self, name: &'static str, params: Map<String, Value>) {
        let layer = params.get("layer").and_then(Value::as_i64);
        match name {
            "invokeWithLayer" => self.layer = layer.and_then(|layer| i32::try_from(layer).ok()),
            "initConnection" => self.init = Some(params),
            "invokeWithoutUpdates" => self.without_updates = true,
            "invokeAfterMsg" => self.after.extend(params.get("msg_id").and_then(long)),
            "invokeAfterMsgs" => {
                let ids = params
                    .get("msg_ids")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                self.after.extend(ids.filter_map(long));
            }
            _ => self.others.push((name, params)),
        }
    }
}

fn long(value: &Value) -> Option<i64> {
    value.as_str()?.parse().ok()
}

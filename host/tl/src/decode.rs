use serde_json::{Map, Value};

use crate::{DecodeError, Schema};

/// How many `#` fields a combinator may have; the schema has two at most.
pub(crate) const MAX_FLAG_FIELDS: usize = 4;

impl Schema {
    /// Decodes a value of the type named by TL text, like `Updates` or `Vector<User>`.
    pub fn decode_boxed(&self, ty: &str, bytes: &[u8]) -> Result<Value, DecodeError> {
        let _ = (ty, bytes);
        todo!()
    }

    /// Decodes what a method answered. A method that answers what its query answers needs
    /// [`decode_result_of`](Self::decode_result_of); here its answer is read by its own id.
    pub fn decode_result(&self, method: &str, bytes: &[u8]) -> Result<Value, DecodeError> {
        let _ = (method, bytes);
        todo!()
    }

    /// As [`decode_result`](Self::decode_result), following nested queries in `params`.
    pub fn decode_result_of(
        &self,
        method: &str,
        params: &Map<String, Value>,
        bytes: &[u8],
    ) -> Result<Value, DecodeError> {
        let _ = (method, params, bytes);
        todo!()
    }
}

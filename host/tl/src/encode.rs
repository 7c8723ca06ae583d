use serde_json::{Map, Value};

use crate::{EncodeError, Schema};

impl Schema {
    /// Encodes a call: the method's id and its parameters.
    pub fn encode_call(
        &self,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Vec<u8>, EncodeError> {
        let _ = (method, params);
        todo!()
    }

    /// Encodes a value of the type named by TL text, like `Updates` or `Vector<User>`.
    pub fn encode_boxed(&self, ty: &str, value: &Value) -> Result<Vec<u8>, EncodeError> {
        let _ = (ty, value);
        todo!()
    }
}

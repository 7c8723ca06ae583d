//! What is said to a client, in the layer that it named.
//!
//! The world speaks the newest layer only; an older one gets of it what it knows.

use bytes::Bytes;
use serde_json::Value;
use sluice_tl::Schema;

use crate::{refusal::Refusal, value::Fields};

/// The answer to a call of `method`, of the type named by TL text.
pub(super) fn answer(
    schema: &Schema,
    method: &str,
    ty: &str,
    value: &Value,
) -> Result<Vec<u8>, Refusal> {
    let Some(fitted) = schema.fit(ty, value) else {
        tracing::warn!(
            method,
            layer = schema.layer(),
            "an answer that the layer cannot say"
        );
        return Err(Refusal::new(406, "UPDATE_APP_REQUIRED"));
    };
    schema.encode_boxed(ty, &fitted).map_err(|error| {
        tracing::error!(method, layer = schema.layer(), %error, "an answer does not fit the schema");
        Refusal::new(500, "ANSWER_UNENCODABLE")
    })
}

/// An `Updates`; `None` if the layer knows nothing of what happened, as then nothing is sent.
pub(super) fn updates(schema: &Schema, body: &Value) -> Option<Bytes> {
    let fitted = schema.fit("Updates", body)?;
    let empty = |body| Fields::from(body).list("updates").is_empty();
    if empty(&*fitted) && !empty(body) {
        return None;
    }
    match schema.encode_boxed("Updates", &fitted) {
        Ok(bytes) => Some(Bytes::from(bytes)),
        Err(error) => {
            tracing::error!(layer = schema.layer(), %error, "an update does not fit the schema");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sluice_tl::Schema;

    use super::{answer, updates};

    /// An update that came with layer 230.
    fn unknown() -> Value {
        let mut update = json!({"_": "updateWalletState"});
        let row = Schema::newest().constructor("updateWalletState").unwrap();
        for param in row.visible().filter(|param| param.flag.is_none()) {
            let value = Schema::newest().example_of(&param.ty.to_string()).unwrap();
            update[param.name] = value;
        }
        update
    }

    fn container(list: &[Value]) -> Value {
        json!({"_": "updates", "updates": list, "users": [], "chats": [], "date": 1, "seq": 0})
    }

    #[test]
    fn an_update_of_an_unknown_kind_is_not_pushed() {
        let (old, new) = (Schema::for_layer(229), Schema::for_layer(230));
        let short = json!({"_": "updateShort", "update": unknown(), "date": 1});
        for body in [short, container(&[unknown()])] {
            assert_eq!(updates(old, &body), None);
            assert!(updates(new, &body).is_some());
        }
        let known = json!({"_": "updatePtsChanged"});
        let bytes = updates(old, &container(&[unknown(), known.clone()]));
        let read = old.decode_boxed("Updates", &bytes.unwrap()).unwrap();
        assert_eq!(read["updates"], json!([known]));
        // Nothing was left out of what was empty before.
        assert!(updates(old, &container(&[])).is_some());
    }

    #[test]
    fn an_answer_that_cannot_be_said_is_refused() {
        let body = json!({"_": "updateShort", "update": unknown(), "date": 1});
        let refused = answer(Schema::for_layer(227), "m", "Updates", &body).unwrap_err();
        assert_eq!(refused.code, 406);
        let nonsense = json!({"_": "updateShort", "update": {"_": "nothing"}, "date": 1});
        let refused = answer(Schema::for_layer(227), "m", "Updates", &nonsense).unwrap_err();
        assert_eq!(refused.code, 500);
    }
}

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_domain::DeviceIdentity;
use sluice_tl::{EncodeError, Schema};

/// The innermost query of a wrapper while it is encoded. Any method without parameters does: its
/// four bytes are cut off again.
const MARK: &str = "help.getConfig";

/// The bytes that stand before a method: who calls, in which layer, and whether updates are wanted.
#[derive(Debug)]
pub(crate) struct Wrapping {
    init: Bytes,
    quiet: Bytes,
    greeting: Bytes,
    layer: i32,
}

impl Wrapping {
    pub(crate) fn new(api_id: i32, device: &DeviceIdentity) -> Result<Self, EncodeError> {
        let schema = Schema::newest();
        let layer = schema.layer();
        let init = json!({
            "_": "initConnection",
            "api_id": api_id,
            "device_model": device.device_model,
            "system_version": device.system_version,
            "app_version": device.app_version,
            "system_lang_code": device.system_lang_code,
            "lang_pack": "",
            "lang_code": device.lang_code,
            "query": {"_": MARK},
        });
        Ok(Self {
            init: before_mark(
                schema,
                "invokeWithLayer",
                json!({"layer": layer, "query": init}),
            )?,
            quiet: before_mark(
                schema,
                "invokeWithoutUpdates",
                json!({"query": {"_": MARK}}),
            )?,
            greeting: schema.encode_call(MARK, &serde_json::Map::new())?.into(),
            layer,
        })
    }

    /// `invokeWithLayer` and `initConnection`: before the first calls of a session.
    pub(crate) fn preamble(&self) -> Bytes {
        self.init.clone()
    }

    /// The method without updates, for links that are not the main one.
    pub(crate) fn quiet(&self, body: &[u8]) -> Bytes {
        [&self.quiet, body].concat().into()
    }

    /// The call a main link begins a session with (`help.getConfig`): from then on Telegram sends
    /// updates there.
    pub(crate) fn greeting(&self) -> Bytes {
        self.greeting.clone()
    }

    pub(crate) const fn layer(&self) -> i32 {
        self.layer
    }
}

fn before_mark(schema: &Schema, method: &str, params: Value) -> Result<Bytes, EncodeError> {
    let Value::Object(params) = params else {
        return Ok(Bytes::new());
    };
    let mut bytes = schema.encode_call(method, &params)?;
    bytes.truncate(bytes.len().saturating_sub(4));
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_finds_the_device_and_the_query_in_what_is_sent() {
        let device = DeviceIdentity {
            device_model: "Desk".to_owned(),
            ..DeviceIdentity::default()
        };
        let wrapping = Wrapping::new(6, &device).unwrap();
        let query = wrapping.greeting();
        let sent = [wrapping.preamble(), wrapping.quiet(&query)].concat();
        let (wrappers, inner) = Schema::newest().unwrap_call(&sent).unwrap();
        assert_eq!(wrappers.layer, Some(wrapping.layer()));
        assert!(wrappers.without_updates);
        let init = wrappers.init.unwrap();
        assert_eq!(init["api_id"], 6);
        assert_eq!(init["device_model"], "Desk");
        assert_eq!(inner, query);
    }
}

use serde_json::{Map, Value};

use crate::Schema;

/// What kind of peer the schema wants at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// `InputPeer`.
    InputPeer,
    /// `InputUser`.
    InputUser,
    /// `InputChannel`.
    InputChannel,
}

/// A place where a peer is expected and the body has a string or a number instead of an object:
/// `"me"`, `"@name"`, `"+phone"`, `"123"`, `-100123`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shorthand {
    /// JSON pointer to the place.
    pub pointer: String,
    /// What must stand there before encoding.
    pub expected: Expected,
    /// What stands there, as text.
    pub text: String,
}

/// Puts a value at a JSON pointer; `false` when there is no such place.
pub fn place(params: &mut Map<String, Value>, pointer: &str, value: Value) -> bool {
    let _ = (params, pointer, value);
    todo!()
}

impl Schema {
    /// Finds the shorthands in a method's parameters, vectors and nested objects included. The
    /// caller resolves each and puts an object there ([`place`]) before it encodes.
    pub fn shorthands(&self, method: &str, params: &Map<String, Value>) -> Vec<Shorthand> {
        let _ = (method, params);
        todo!()
    }
}

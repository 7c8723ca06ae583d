use serde_json::{Map, Value};

use crate::{Combinator, Schema, Type, limits::MAX_DEPTH, path::Path};

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

impl Expected {
    pub(crate) fn by(ty: &Type) -> Option<Self> {
        match ty {
            Type::Boxed("InputPeer") => Some(Self::InputPeer),
            Type::Boxed("InputUser") => Some(Self::InputUser),
            Type::Boxed("InputChannel") => Some(Self::InputChannel),
            _ => None,
        }
    }
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
    let Some(pointer) = pointer.strip_prefix('/') else {
        return false;
    };
    let (key, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
    let key = key.replace("~1", "/").replace("~0", "~");
    let there = params
        .get_mut(&key)
        .and_then(|inner| inner.pointer_mut(rest));
    there.map(|slot| *slot = value).is_some()
}

impl Schema {
    /// Finds the shorthands in a method's parameters, vectors and nested objects included. The
    /// caller resolves each and puts an object there ([`place`]) before it encodes. What does not
    /// fit the schema is passed over; encoding tells it.
    pub fn shorthands(&self, method: &str, params: &Map<String, Value>) -> Vec<Shorthand> {
        let mut search = Search {
            schema: self,
            path: Path::default(),
            depth: 0,
            found: Vec::new(),
        };
        if let Some(method) = self.method(method) {
            search.fields(method, params);
        }
        search.found
    }
}

struct Search<'a> {
    schema: &'a Schema,
    path: Path<'a>,
    depth: usize,
    found: Vec<Shorthand>,
}

impl<'a> Search<'a> {
    fn fields(&mut self, combinator: &'a Combinator, fields: &'a Map<String, Value>) {
        if self.depth == MAX_DEPTH {
            return;
        }
        self.depth += 1;
        for param in combinator.visible() {
            if let Some(value) = fields.get(param.name) {
                self.path.key(param.name);
                self.value(&param.ty, value);
                self.path.up();
            }
        }
        self.depth -= 1;
    }

    fn value(&mut self, ty: &Type, value: &'a Value) {
        match (ty, value) {
            (Type::Vector(item) | Type::BareVector(item), Value::Array(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.path.index(index);
                    self.value(item, value);
                    self.path.up();
                }
            }
            (Type::Boxed(name), Value::Object(fields)) => {
                if let Some(constructor) = self.schema.choose(name, fields) {
                    self.fields(constructor, fields);
                }
            }
            (Type::Query, Value::Object(fields)) => {
                let name = fields.get("_").and_then(Value::as_str).unwrap_or_default();
                if let Some(method) = self.schema.method(name) {
                    self.fields(method, fields);
                }
            }
            (_, Value::String(text)) => self.peer(ty, text.clone()),
            (_, Value::Number(number)) => self.peer(ty, number.to_string()),
            _ => {}
        }
    }

    fn peer(&mut self, ty: &Type, text: String) {
        if let Some(expected) = Expected::by(ty) {
            self.found.push(Shorthand {
                pointer: self.path.pointer(),
                expected,
                text,
            });
        }
    }
}

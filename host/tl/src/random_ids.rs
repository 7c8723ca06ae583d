use serde_json::{Map, Value};

use crate::{Combinator, Schema, Type, limits::MAX_DEPTH};

/// The field by which Telegram recognises a repeated call.
const FIELD: &str = "random_id";

impl Schema {
    /// Puts a number where a call requires a `random_id` and has none, nested objects included:
    /// one from `make` for each `long` or `int` (its low half), and for a vector of them as many as
    /// `id` has elements (`messages.forwardMessages`). Those that are `bytes` come from Telegram
    /// and stay missing. Answers how many were made. The same numbers from `make` give the same
    /// call, so that a repetition is recognised.
    pub fn fill_random_ids(
        &self,
        method: &str,
        params: &mut Map<String, Value>,
        make: &mut dyn FnMut() -> i64,
    ) -> usize {
        let mut fill = Fill {
            schema: self,
            make,
            depth: 0,
            made: 0,
        };
        if let Some(method) = self.method(method) {
            fill.fields(method, params);
        }
        fill.made
    }
}

struct Fill<'a> {
    schema: &'a Schema,
    make: &'a mut dyn FnMut() -> i64,
    depth: usize,
    made: usize,
}

impl<'a> Fill<'a> {
    fn fields(&mut self, combinator: &'a Combinator, fields: &mut Map<String, Value>) {
        if self.depth == MAX_DEPTH {
            return;
        }
        self.depth += 1;
        for param in combinator.visible() {
            match fields.get_mut(param.name).filter(|value| !value.is_null()) {
                Some(value) => self.value(&param.ty, value),
                None if param.name == FIELD && param.flag.is_none() => {
                    let ids = fields
                        .get("id")
                        .and_then(Value::as_array)
                        .map_or(0, Vec::len);
                    if let Some(value) = self.number(&param.ty, ids) {
                        fields.insert(FIELD.to_owned(), value);
                    }
                }
                None => {}
            }
        }
        self.depth -= 1;
    }

    fn value(&mut self, ty: &Type, value: &mut Value) {
        match (ty, value) {
            (Type::Vector(item) | Type::BareVector(item), Value::Array(items)) => {
                for value in items {
                    self.value(item, value);
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
            _ => {}
        }
    }

    fn number(&mut self, ty: &Type, count: usize) -> Option<Value> {
        match ty {
            Type::Long => {
                self.made += 1;
                Some((self.make)().to_string().into())
            }
            Type::Int => {
                self.made += 1;
                let [a, b, c, d, ..] = (self.make)().to_le_bytes();
                Some(i32::from_le_bytes([a, b, c, d]).into())
            }
            Type::Vector(item) => (0..count).map(|_| self.number(item, 0)).collect(),
            _ => None,
        }
    }
}

//! The schema as documents for people: parameters, shapes, an example.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{Combinator, Param, Schema, Type, shorthand::Expected};

/// Below this depth an example's vectors are empty instead of holding one element.
const EXAMPLE_DEPTH: usize = 4;

impl Schema {
    /// A method as a document: `{name, id, layer, params: [{name, type, optional, flag?, shape,
    /// constructors?}], result: {type, shape, constructors?}, example}`. `flag` is there when
    /// parameters share one: they go together. `None` for an unknown method.
    pub fn describe(&self, method: &str) -> Option<Value> {
        let method = self.method(method)?;
        Some(json!({
            "name": method.name,
            "id": format!("{:#010x}", method.id),
            "layer": self.layer(),
            "params": self.describe_params(method),
            "result": self.describe_type_of(&method.result),
            "example": self.example_fields(method, 0),
        }))
    }

    /// A type as a document: `{type, constructors: [{name, id, params: […]}]}`, parameters as in
    /// [`describe`](Self::describe). `None` for an unknown type.
    pub fn describe_type(&self, ty: &str) -> Option<Value> {
        let constructors: Vec<_> = self
            .constructors_of(ty)
            .map(|row| {
                json!({
                    "name": row.name,
                    "id": format!("{:#010x}", row.id),
                    "params": self.describe_params(row),
                })
            })
            .collect();
        (!constructors.is_empty()).then(|| json!({"type": ty, "constructors": constructors}))
    }

    /// A small valid body for a method: required parameters only, each as small as it can be.
    pub fn example(&self, method: &str) -> Option<Map<String, Value>> {
        self.method(method)
            .map(|method| self.example_fields(method, 0))
    }

    /// A small valid value of a type named by TL text.
    pub fn example_of(&self, ty: &str) -> Option<Value> {
        self.parse_type(ty).map(|ty| self.example_value(&ty, 0))
    }

    fn describe_params(&self, combinator: &Combinator) -> Vec<Value> {
        combinator
            .visible()
            .map(|param| self.describe_param(combinator, param))
            .collect()
    }

    fn describe_param(&self, combinator: &Combinator, param: &Param) -> Value {
        let mut about = Map::new();
        about.insert("name".to_owned(), param.name.into());
        about.extend(self.describe_type_of(&param.ty));
        about.insert("optional".to_owned(), param.flag.is_some().into());
        if let Some(flag) = param.flag {
            let sharing = combinator
                .params
                .iter()
                .filter(|other| other.flag == Some(flag))
                .count();
            if sharing > 1 {
                let name = format!("{}.{}", flag.field, flag.bit);
                about.insert("flag".to_owned(), name.into());
            }
        }
        Value::Object(about)
    }

    fn describe_type_of(&self, ty: &Type) -> Map<String, Value> {
        let mut about = Map::new();
        about.insert("type".to_owned(), ty.to_string().into());
        about.insert("shape".to_owned(), shape(ty).into());
        let mut inner = ty;
        while let Type::Vector(item) | Type::BareVector(item) = inner {
            inner = item;
        }
        if let Type::Boxed(name) = inner {
            let names: Vec<_> = self.constructors_of(name).map(|row| row.name).collect();
            about.insert("constructors".to_owned(), names.into());
        }
        about
    }

    fn example_fields(&self, combinator: &Combinator, depth: usize) -> Map<String, Value> {
        combinator
            .visible()
            .filter(|param| param.flag.is_none())
            .map(|param| (param.name.to_owned(), self.example_value(&param.ty, depth)))
            .collect()
    }

    fn example_value(&self, ty: &Type, depth: usize) -> Value {
        let object = |combinator: &Combinator| {
            let mut object = Map::new();
            object.insert("_".to_owned(), combinator.name.into());
            object.extend(self.example_fields(combinator, depth + 1));
            Value::Object(object)
        };
        match ty {
            Type::Int | Type::Flags => 0.into(),
            Type::Long => "0".into(),
            Type::Double => 0.0.into(),
            Type::Int128 => "AAAAAAAAAAAAAAAAAAAAAA==".into(),
            Type::Int256 => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
            Type::String | Type::Bytes => "".into(),
            Type::Bool => false.into(),
            Type::True => true.into(),
            Type::Vector(_) | Type::BareVector(_) if depth >= EXAMPLE_DEPTH => json!([]),
            Type::Vector(item) | Type::BareVector(item) => {
                json!([self.example_value(item, depth + 1)])
            }
            Type::Boxed(name) => self
                .costs()
                .cheapest(self, name)
                .map_or(Value::Null, object),
            Type::Bare(name) => self.constructor(name).map_or(Value::Null, object),
            Type::Query | Type::Answer => self.method("help.getConfig").map_or(Value::Null, object),
        }
    }
}

/// The cheapest constructor of each type, where a constructor costs one and what it requires; so
/// examples are small and end, though types refer to each other in circles.
#[derive(Debug)]
pub(crate) struct Costs(HashMap<&'static str, (usize, &'static str)>);

impl Costs {
    /// Repeats until nothing gets cheaper; a few rounds, as deep as the deepest example.
    pub fn of(schema: &Schema) -> Self {
        let mut costs = Self(HashMap::new());
        loop {
            let mut changed = false;
            for row in schema.constructors() {
                let Type::Boxed(ty) = row.result else {
                    continue;
                };
                let Some(cost) = costs.constructor(row) else {
                    continue;
                };
                if costs.0.get(ty).is_none_or(|(least, _)| cost < *least) {
                    costs.0.insert(ty, (cost, row.name));
                    changed = true;
                }
            }
            if !changed {
                return costs;
            }
        }
    }

    fn constructor(&self, row: &Combinator) -> Option<usize> {
        // `inputUserEmpty` is valid and useless: anything small is a better example.
        let mut cost = if row.name.ends_with("Empty") { 10 } else { 1 };
        for param in row.visible().filter(|param| param.flag.is_none()) {
            cost += match param.ty {
                Type::Boxed(ty) => self.0.get(ty)?.0,
                _ => 1,
            };
        }
        Some(cost)
    }

    fn cheapest<'s>(&self, schema: &'s Schema, ty: &str) -> Option<&'s Combinator> {
        schema.constructor(self.0.get(ty)?.1)
    }
}

/// How a type looks in JSON, in words.
fn shape(ty: &Type) -> String {
    match ty {
        Type::Flags | Type::Int => "number (whole, 32 bits, signed)".to_owned(),
        Type::Long => "decimal string (64 bits, signed); a number is accepted".to_owned(),
        Type::Double => "number".to_owned(),
        Type::Int128 => "base64 string of 16 bytes".to_owned(),
        Type::Int256 => "base64 string of 32 bytes".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "base64 string".to_owned(),
        Type::Bool => "true or false".to_owned(),
        Type::True => "true, or left out".to_owned(),
        Type::Vector(item) | Type::BareVector(item) => format!("array of: {}", shape(item)),
        Type::Boxed(_) if Expected::by(ty).is_some() => {
            "object, or \"me\", \"@username\", \"+phone\" or a known numeric id".to_owned()
        }
        Type::Boxed(_) | Type::Bare(_) => "object with its constructor in `_`".to_owned(),
        Type::Query => "object with a method's name in `_` and its parameters".to_owned(),
        Type::Answer => "what the query answers".to_owned(),
    }
}

//! The wording of faults in a body.

use serde_json::Value;

use crate::{
    Combinator, Schema,
    error::did_you_mean,
    suggest::{nearest, shown},
};

/// How many names an error lists.
const LISTED: usize = 8;

impl Schema {
    /// Why an object's `_` does not name a constructor of the type.
    pub(crate) fn no_constructor(&self, ty: &str, name: Option<&Value>) -> String {
        let mut names: Vec<_> = self.constructors_of(ty).map(|row| row.name).collect();
        let near = name
            .and_then(Value::as_str)
            .and_then(|name| nearest(name, names.iter().copied()));
        let problem = match name {
            None | Some(Value::Null) => "missing".to_owned(),
            Some(Value::String(name)) => match self.constructor(name) {
                Some(other) => format!("`{}` is of type {}", other.name, other.result),
                None => format!("unknown constructor `{}`", shown(name)),
            },
            Some(other) => format!("got {}", kind(other)),
        };
        if let Some(near) = near {
            return format!("{problem}{}", did_you_mean(Some(near)));
        }
        let more = if names.len() > LISTED { ", …" } else { "" };
        names.truncate(LISTED);
        format!(
            "{problem}; expected a constructor of {ty}: {}{more}",
            names.join(", ")
        )
    }

    /// Why a query's `_` does not name a method.
    pub(crate) fn no_method(&self, name: &str) -> String {
        if name.is_empty() {
            return "missing; expected a method's name".to_owned();
        }
        let hint = did_you_mean(self.nearest_method(name));
        format!("unknown method `{}`{hint}", shown(name))
    }
}

/// Why a field is not one of the combinator's.
pub(crate) fn unknown_field(combinator: &Combinator, key: &str) -> String {
    if combinator.params.iter().any(|param| param.name == key) {
        return "leave it out; flags follow from what is present".to_owned();
    }
    let near = nearest(key, combinator.visible().map(|param| param.name));
    let hint = did_you_mean(near);
    format!("`{}` has no field `{}`{hint}", combinator.name, shown(key))
}

/// What a value is, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

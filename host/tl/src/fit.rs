//! What an older layer can say of a value of the newest.
//!
//! Telegram's server has one world and answers each client in the layer that the client named: a
//! constructor keeps its name while its fields grow, and things that a layer does not know are left
//! out or stood in for. So a server here makes its answers once, as JSON of the newest layer, and
//! [`Schema::fit`] reduces them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{Combinator, Flag, Schema, Type, limits::MAX_DEPTH};

/// Endings of constructors that stand for what a layer cannot say, the better one first: Telegram
/// shows old clients `messageMediaUnsupported`, not `messageMediaEmpty`.
const STAND_INS: [&str; 2] = ["Unsupported", "Empty"];

impl Schema {
    /// Reduces a value of the newest layer, of the type named by TL text, to what this layer can
    /// say of it:
    ///
    /// - fields that this layer's constructor does not have are left out;
    /// - an object that it cannot say becomes the type's `…Unsupported` or `…Empty`, if it has all
    ///   that this needs; else it is dropped where it is optional or an element of a vector;
    /// - what required it cannot be said either, and so on outwards;
    /// - a `TextWithEntities` where there was a `string` before becomes its text.
    ///
    /// `None` if nothing is left. What is wrong in the newest layer too stays as it is, so that
    /// encoding reports it.
    pub fn fit<'v>(&self, ty: &str, value: &'v Value) -> Option<Cow<'v, Value>> {
        match self.parse_type(ty) {
            Some(ty) if self.layer() != Self::newest().layer() => {
                let newer = Self::newest().parse_type(&ty.to_string());
                let fitted = self.fit_value(&ty, newer.as_ref().unwrap_or(&ty), value, 0);
                fitted.map(Cow::Owned)
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    /// `newer` is the type in the newest layer, which a field may have changed.
    fn fit_value(&self, ty: &Type, newer: &Type, value: &Value, depth: usize) -> Option<Value> {
        match (ty, newer, value) {
            // Encoding refuses what is so deep.
            _ if depth > MAX_DEPTH => Some(value.clone()),
            (Type::Vector(item), Type::Vector(newer), Value::Array(items))
            | (Type::BareVector(item), Type::BareVector(newer), Value::Array(items)) => {
                let fitting = items
                    .iter()
                    .filter_map(|value| self.fit_value(item, newer, value, depth + 1));
                Some(fitting.collect())
            }
            (Type::Boxed(ty), Type::Boxed(newer), Value::Object(object)) => {
                match Self::newest().choose(newer, object) {
                    Some(newest) => self.fit_object(ty, newest, object, depth),
                    None => Some(value.clone()),
                }
            }
            (Type::String, Type::Boxed("TextWithEntities"), Value::Object(object)) => {
                object.get("text").cloned()
            }
            _ => Some(value.clone()),
        }
    }

    fn fit_object(
        &self,
        ty: &str,
        newest: &Combinator,
        object: &Map<String, Value>,
        depth: usize,
    ) -> Option<Value> {
        self.choose(ty, object)
            .and_then(|row| self.fit_fields(row, newest, object, depth))
            .or_else(|| self.stand_in(ty, newest, object, depth))
    }

    /// The object as this layer's constructor; `None` if a required field cannot be said.
    fn fit_fields(
        &self,
        row: &Combinator,
        newest: &Combinator,
        object: &Map<String, Value>,
        depth: usize,
    ) -> Option<Value> {
        let mut fitted = Map::new();
        fitted.insert("_".to_owned(), row.name.into());
        let mut unsaid: Vec<Flag> = Vec::new();
        for param in row.visible() {
            let Some(value) = object.get(param.name).filter(|value| !value.is_null()) else {
                // Missing in the newest layer too: a mistake, which encoding reports.
                let mistake = newest.param(param.name).is_some_and(|p| p.flag.is_none());
                if param.flag.is_none() && !mistake {
                    return None;
                }
                continue;
            };
            let newer = newest
                .param(param.name)
                .map_or(&param.ty, |param| &param.ty);
            let fitted_value = self.fit_value(&param.ty, newer, value, depth + 1);
            match (fitted_value, param.flag) {
                (Some(value), _) => {
                    fitted.insert(param.name.to_owned(), value);
                }
                (None, Some(flag)) => unsaid.push(flag),
                (None, None) => return None,
            }
        }
        // Fields of one flag go together.
        for param in row.visible() {
            if param.flag.is_some_and(|flag| unsaid.contains(&flag)) {
                fitted.remove(param.name);
            }
        }
        let unknown = object
            .iter()
            .filter(|(key, _)| *key != "_" && newest.param(key).is_none());
        fitted.extend(unknown.map(|(key, value)| (key.clone(), value.clone())));
        Some(Value::Object(fitted))
    }

    fn stand_in(
        &self,
        ty: &str,
        newest: &Combinator,
        object: &Map<String, Value>,
        depth: usize,
    ) -> Option<Value> {
        STAND_INS.iter().find_map(|ending| {
            let row = self
                .constructors_of(ty)
                .find(|row| row.name.ends_with(ending) && row.name != newest.name)?;
            self.fit_fields(row, newest, object, depth)
        })
    }
}

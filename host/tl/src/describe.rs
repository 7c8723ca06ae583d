use serde_json::{Map, Value};

use crate::Schema;

/// What the cheapest value of each type takes; see [`Schema::example`].
#[derive(Debug)]
pub(crate) struct Costs;

impl Costs {
    pub fn of(_schema: &Schema) -> Self {
        Self
    }
}

impl Schema {
    /// A method as a document: `{name, id, params: [{name, type, optional, shape, …}], result, example}`.
    pub fn describe(&self, method: &str) -> Option<Value> {
        let _ = (method, self.costs());
        todo!()
    }

    /// A small valid body for a method: required parameters only.
    pub fn example(&self, method: &str) -> Option<Map<String, Value>> {
        let _ = method;
        todo!()
    }
}

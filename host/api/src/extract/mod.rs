//! What handlers take from a request, with errors that say what was wrong.

mod body;
mod deadline;
mod query;
mod range;
mod stream;

pub use body::{Json, JsonOrDefault, bytes};
pub use deadline::CallHeaders;
pub use query::{AccountQuery, Query, wrong_query};
pub use range::{Wanted, wanted};
pub use stream::incoming;

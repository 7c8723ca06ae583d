//! `sluice-tl` as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the functions that tests share are tests too"
)]

mod bytes;
mod calls;
mod documents;
mod generate;
mod grammers;
mod layers;
mod random_ids;
mod round_trips;
mod schema;
mod shorthands;

use serde_json::{Map, Value};

/// The map of a JSON object written in place.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is called with json! in place"
)]
fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

//! Telegram's schemas as data: JSON to TL and back for every method and every type.
//!
//! The schema files in `schema/`, one for each layer, are parsed once, at first use, into tables;
//! nothing is generated and no list of methods is kept by hand. Owns the JSON shapes of Telegram's objects and the
//! *capped walk*: foreign bytes are decoded with a bound on depth, on elements and on size
//! ([`limits`]), so that no body can exhaust stack or memory. Owns neither transport nor messages
//! (`mtproto` does) and no I/O.
//!
//! # JSON shapes
//!
//! | TL | JSON |
//! |---|---|
//! | object | `{"_": "constructor", field: value, …}`; `_` may be left out where a type has only one constructor |
//! | `int` | number |
//! | `long` | decimal string; a number is accepted too |
//! | `double` | number; `"NaN"`, `"Infinity"`, `"-Infinity"` for what JSON cannot write |
//! | `string` | string (bytes that are not UTF-8 are replaced on decoding) |
//! | `bytes`, `int128`, `int256` | base64, standard and padded; unpadded and URL-safe are accepted |
//! | `Bool` | `true` or `false` |
//! | `flags.N?true` | `true`, or absent |
//! | `flags.N?T` | as `T`, or absent; `null` means absent |
//! | `#` | never there: flags follow from what is present |
//! | `Vector<T>` | array |
//! | `!X` | `{"_": "method", parameter: value, …}` |

mod call;
mod combinator;
mod decode;
mod describe;
mod encode;
mod error;
mod fault;
mod fit;
pub mod limits;
mod parse;
mod path;
mod random_ids;
mod schema;
mod shorthand;
mod suggest;
pub mod tail;
mod wire;

pub use {
    call::Wrappers,
    combinator::{Combinator, Flag, Param, Type},
    error::{DecodeError, EncodeError},
    schema::Schema,
    shorthand::{Expected, Shorthand, place},
};

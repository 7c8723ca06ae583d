//! The caps of the walk, each with its reason.

/// How deep objects and vectors may nest, on the way in and out. Telegram's deepest real answers
/// (rich text of an instant view inside a message inside updates) stay under 30; a generated
/// recursive decoder overflows the stack on nested text, and that ends the process.
pub const MAX_DEPTH: usize = 64;

/// How many values one body may hold, set `true` flags included; an object counts four more for its
/// map. Eight bytes of flags can stand for thirty fields of more than 100 bytes each in memory, so
/// the length of a body does not bound what it takes: this keeps the worst case near 100 MB. Real
/// answers (about 250,000 for 5,000 contacts) stay below.
pub const MAX_ELEMENTS: usize = 1 << 19;

/// The longest body that is looked at. Telegram's answers are below 1 MiB but for a few lists;
/// the framing stops at the same size.
pub const MAX_BYTES: usize = 16 << 20;

/// The longest `string` or `bytes` TL can express (a length of 24 bits).
pub const MAX_STRING: usize = (1 << 24) - 1;

/// How many wrappers (`invokeWithLayer`, `initConnection`, …) may stand around one query. Real
/// clients nest three or four.
pub const MAX_WRAPPERS: usize = 16;

/// How many faults of one JSON body are listed; a wrong array must not make a huge answer.
pub const MAX_FAULTS: usize = 32;

//! Compressed bodies, with a cap on what they may grow to.

use bytes::Bytes;

use crate::Violation;

/// Inflates a gzip stream to at most `cap` bytes.
pub fn inflate(_packed: &[u8], _cap: usize) -> Result<Bytes, Violation> {
    todo!()
}

/// Compresses to a gzip stream.
pub fn deflate(_data: &[u8]) -> Vec<u8> {
    todo!()
}

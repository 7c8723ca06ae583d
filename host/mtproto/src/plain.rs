//! Unencrypted messages, which only the key exchange uses.
//!
//! Source: <https://core.telegram.org/mtproto/description#unencrypted-message>.

use thiserror::Error;

use crate::wire::{BadValue, Reader, Writer};

/// A plain message that broke the envelope's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("malformed plain message")]
pub struct BadPlain;

impl From<BadValue> for BadPlain {
    fn from(BadValue: BadValue) -> Self {
        Self
    }
}

/// Puts a body into the plain envelope: key id 0, message id, length.
pub fn seal(msg_id: i64, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    Writer::default()
        .long(0)
        .long(msg_id)
        .id(length)
        .raw(body)
        .finish()
}

/// Message id and body of a plain message. Bytes after the body are tolerated: padding of the
/// padded transports.
pub fn open(packet: &[u8]) -> Result<(i64, &[u8]), BadPlain> {
    let mut reader = Reader::new(packet);
    if reader.long()? != 0 {
        return Err(BadPlain);
    }
    let msg_id = reader.long()?;
    let length = reader.id()? as usize;
    Ok((msg_id, reader.take(length)?))
}

#[cfg(test)]
mod tests {
    use super::{BadPlain, open, seal};

    /// Breaks when the envelope does not open again, or opens although something is wrong.
    #[test]
    fn round_trip() {
        let mut packet = seal(4, b"12345678");
        assert_eq!(open(&packet), Ok((4, &b"12345678"[..])));
        assert_eq!(open(&packet[..27]), Err(BadPlain));
        packet[0] = 1;
        assert_eq!(open(&packet), Err(BadPlain));
        assert_eq!(open(&[]), Err(BadPlain));
    }
}

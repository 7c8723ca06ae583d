//! Fake TLS: what a proxy with an `ee` secret wants to hear, so that an onlooker sees a TLS 1.3
//! connection to the domain that the secret names. Nothing here encrypts; the obfuscated stream
//! travels inside records of application data.
//!
//! The client's 32 random bytes are an HMAC-SHA256 of the rest of its hello under the secret, the
//! last four of them with the time of day mixed in; the server's are the same over the client's and
//! the whole of its own answer. So both know that the other knows the secret, and a probe that does
//! not is none the wiser.
//!
//! Sources: TDLib's `TlsInit`, mtg's and mtcute's fake TLS, RFC 8446 for what a hello looks like,
//! RFC 8701 for GREASE. Telegram has no page about it.

mod client;
mod curve;
mod read;
mod records;
mod server;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::SecretKey;

pub use client::ClientHandshake;
pub use records::Records;
pub use server::Doorkeeper;

/// What is wrong with a handshake or a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TlsError {
    /// No record where one must be.
    #[error("no TLS record")]
    NotRecord,
    /// The other end gave up.
    #[error("a TLS alert")]
    Alert,
    /// A record beyond what TLS allows.
    #[error("a TLS record of {0} bytes")]
    TooLong(usize),
    /// Not a hello as it must be.
    #[error("not a TLS hello")]
    Hello,
    /// The other end does not know the secret.
    #[error("the other end does not know the secret")]
    Digest,
    /// The hello asks for another domain.
    #[error("a hello for another domain")]
    Domain,
    /// The hello is too old, or from the future, by so many seconds.
    #[error("a hello that is {0} s off")]
    Time(u64),
    /// The hello was seen before.
    #[error("a hello that was seen before")]
    Replayed,
}

/// The longest record: 2^14 bytes and what encryption may add. RFC 8446, 5.2.
const LONGEST: usize = (1 << 14) + 256;
/// Type, version, length.
const RECORD: usize = 5;
/// Types of records.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// The version that records of TLS 1.2 and 1.3 bear.
const VERSION: [u8; 2] = [3, 3];
/// In the first record of a client.
const FIRST_VERSION: [u8; 2] = [3, 1];
/// A whole record that says nothing; TLS 1.3 sends it for the sake of middleboxes.
const NOTHING: [u8; 6] = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1];

/// Where the 32 random bytes of either hello are: after the headers of record and handshake and the
/// version.
const RANDOM: std::ops::Range<usize> = RECORD + 6..RECORD + 6 + 32;
/// The last bytes of a client's random have the time mixed in.
const TIMED: usize = 28;

/// HMAC-SHA256 of the parts in a row.
fn digest(key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
    // Keys of every length are taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Sets a range of bytes, as far as they are there.
fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (place, byte) in bytes.iter_mut().skip(at).zip(new) {
        *place = *byte;
    }
}

/// The first record of a buffer, if it is all there: its type, its version, and its length with
/// header.
fn record(buffer: &[u8]) -> Result<Option<(u8, [u8; 2], usize)>, TlsError> {
    let Some(&[kind, a, b, length @ ..]) = buffer.first_chunk::<RECORD>() else {
        return match buffer.first() {
            // Something else altogether may be shorter than a header, and nothing more comes.
            Some(first) if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(first) => {
                Err(TlsError::NotRecord)
            }
            _ => Ok(None),
        };
    };
    if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind) {
        return Err(TlsError::NotRecord);
    }
    let length = usize::from(u16::from_be_bytes(length));
    if length > LONGEST {
        return Err(TlsError::TooLong(length));
    }
    let whole = RECORD + length;
    Ok((buffer.len() >= whole).then_some((kind, [a, b], whole)))
}

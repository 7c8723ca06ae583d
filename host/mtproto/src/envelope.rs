//! The encrypted envelope: key id, message key, AES-IGE over header, body and padding.
//!
//! Source: <https://core.telegram.org/mtproto/description#encrypted-message>.

use bytes::{Bytes, BytesMut};
use sluice_domain::Random;

use crate::{AuthKey, Violation};

/// Who encrypted a packet: the two directions use different parts of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A client.
    Client,
    /// A data center.
    Server,
}

/// What stands before the body of an encrypted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The salt.
    pub salt: i64,
    /// The session.
    pub session_id: i64,
    /// The message's id.
    pub msg_id: i64,
    /// The message's sequence number.
    pub seq_no: i32,
}

/// A packet that was decrypted and whose shape was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What stands before the body.
    pub header: Header,
    /// The body, without padding. Shares memory with the packet.
    pub body: Bytes,
}

/// The id of the key that a packet names; 0 for a plain message, `None` if the packet is too short.
pub fn packet_key_id(packet: &[u8]) -> Option<u64> {
    packet.first_chunk().map(|id| u64::from_le_bytes(*id))
}

/// Encrypts one message into a packet.
pub fn seal(
    _key: &AuthKey,
    _sender: Sender,
    _header: Header,
    _body: &[u8],
    _rng: &dyn Random,
) -> Vec<u8> {
    todo!()
}

/// Decrypts a packet in place. The message key is compared, in constant time, before anything else
/// is looked at.
pub fn open(_key: &AuthKey, _sender: Sender, _packet: BytesMut) -> Result<Opened, Violation> {
    todo!()
}

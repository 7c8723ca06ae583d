//! The encrypted envelope: key id, message key, AES-IGE over header, body and padding.
//!
//! Source: <https://core.telegram.org/mtproto/description#encrypted-message> and
//! <https://core.telegram.org/mtproto/security_guidelines#mtproto-encrypted-messages>.

use bytes::{Bytes, BytesMut};
use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use sha2::{Digest, Sha256};
use sluice_domain::Random;
use subtle::ConstantTimeEq;

use crate::{AuthKey, Violation, wire::Reader};

/// Key id and message key.
const OUTER: usize = 24;
/// Salt, session, message id, sequence number and length.
const INNER: usize = 32;
/// What padding may be, in bytes.
const PADDING: std::ops::RangeInclusive<usize> = 12..=1024;

/// Who encrypted a packet: the two directions use different parts of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A client.
    Client,
    /// A data center.
    Server,
}

impl Sender {
    /// Telegram's `x`.
    const fn offset(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 8,
        }
    }
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

/// Encrypts one message into a packet. The body's length is a multiple of 4.
pub fn seal(
    key: &AuthKey,
    sender: Sender,
    header: Header,
    body: &[u8],
    rng: &dyn Random,
) -> Vec<u8> {
    let mut draft = Draft::new(body.len());
    draft.body().extend_from_slice(body);
    draft.seal(key, sender, header, rng)
}

/// Encrypts a plaintext as it is: header, body and padding, whatever they say. Its length is a
/// multiple of 16. For test servers that break the rules which [`open`] checks.
pub fn encrypt(key: &AuthKey, sender: Sender, plaintext: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; OUTER];
    packet.extend_from_slice(plaintext);
    encrypt_in_place(key, sender, &mut packet);
    packet
}

/// Encrypts what stands behind the outer header, which is filled in.
fn encrypt_in_place(key: &AuthKey, sender: Sender, packet: &mut [u8]) {
    let Some((outer, inner)) = packet.split_first_chunk_mut::<OUTER>() else {
        return;
    };
    let msg_key = msg_key(key, sender, inner);
    let (aes_key, iv) = message_keys(key, sender, &msg_key);
    ige_encrypt(inner, &aes_key, &iv);
    let (key_id, key_part) = outer.split_at_mut(8);
    key_id.copy_from_slice(&key.id().to_le_bytes());
    key_part.copy_from_slice(&msg_key);
}

/// A packet in the making: its body is written where it will be encrypted, without a copy between.
pub(crate) struct Draft(Vec<u8>);

impl Draft {
    /// A packet for a body of so many bytes.
    pub(crate) fn new(body: usize) -> Self {
        let mut packet = Vec::with_capacity(OUTER + INNER + body + *PADDING.start() + 16);
        packet.resize(OUTER + INNER, 0);
        Self(packet)
    }

    /// Where the body is appended.
    pub(crate) const fn body(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Pads and encrypts what was written.
    pub(crate) fn seal(
        self,
        key: &AuthKey,
        sender: Sender,
        header: Header,
        rng: &dyn Random,
    ) -> Vec<u8> {
        let Self(mut packet) = self;
        let length = packet.len().saturating_sub(OUTER + INNER);
        debug_assert!(length.is_multiple_of(4));
        let message = INNER + length;
        let end = OUTER + (message + *PADDING.start()).next_multiple_of(16);
        packet.resize(end, 0);
        if let Some(padding) = packet.get_mut(OUTER + message..) {
            rng.fill(padding);
        }
        if let Some(head) = packet.get_mut(OUTER..).and_then(<[u8]>::first_chunk_mut) {
            // Bodies are far below 4 GiB.
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            write_header(head, header, length);
        }
        encrypt_in_place(key, sender, &mut packet);
        packet
    }
}

fn write_header(head: &mut [u8; INNER], header: Header, length: u32) {
    let fields: [&[u8]; 5] = [
        &header.salt.to_le_bytes(),
        &header.session_id.to_le_bytes(),
        &header.msg_id.to_le_bytes(),
        &header.seq_no.to_le_bytes(),
        &length.to_le_bytes(),
    ];
    let bytes = fields.iter().copied().flatten();
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
}

/// Decrypts a packet in place. The message key is compared, in constant time, before anything else
/// is looked at.
pub fn open(key: &AuthKey, sender: Sender, mut packet: BytesMut) -> Result<Opened, Violation> {
    if packet.len() < OUTER + INNER + *PADDING.start() {
        return Err(Violation::TooShort);
    }
    let outer = packet.split_to(OUTER);
    let mut reader = Reader::new(&outer);
    let key_id = reader.array::<8>().map_err(|_| Violation::TooShort)?;
    let claimed = reader.array::<16>().map_err(|_| Violation::TooShort)?;
    if !bool::from(key_id.ct_eq(&key.id().to_le_bytes())) {
        return Err(Violation::ForeignKey);
    }
    if !packet.len().is_multiple_of(16) {
        return Err(Violation::Unaligned);
    }
    let (aes_key, iv) = message_keys(key, sender, &claimed);
    ige_decrypt(&mut packet, &aes_key, &iv);
    if !bool::from(msg_key(key, sender, &packet).ct_eq(&claimed)) {
        return Err(Violation::MsgKey);
    }
    let inner = packet.split_to(INNER);
    let (header, length) = read_header(&inner).ok_or(Violation::TooShort)?;
    if length > packet.len() || !length.is_multiple_of(4) {
        return Err(Violation::Length);
    }
    if !PADDING.contains(&(packet.len() - length)) {
        return Err(Violation::Padding);
    }
    packet.truncate(length);
    Ok(Opened {
        header,
        body: packet.freeze(),
    })
}

fn read_header(inner: &[u8]) -> Option<(Header, usize)> {
    let mut reader = Reader::new(inner);
    let header = Header {
        salt: reader.long().ok()?,
        session_id: reader.long().ok()?,
        msg_id: reader.long().ok()?,
        seq_no: reader.int().ok()?,
    };
    Some((header, reader.id().ok()? as usize))
}

/// A part of the key. All ranges used are constants within its 256 bytes.
fn part(key: &AuthKey, start: usize, length: usize) -> &[u8] {
    key.expose().get(start..start + length).unwrap_or_default()
}

/// The middle 128 bits of a SHA-256 over 32 bytes of the key and the padded plaintext.
fn msg_key(key: &AuthKey, sender: Sender, plaintext: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(part(key, 88 + sender.offset(), 32))
        .chain_update(plaintext)
        .finalize()
        .into();
    slice16(&digest)
}

/// Bytes 8 to 24.
fn slice16(digest: &[u8; 32]) -> [u8; 16] {
    let mut middle = [0; 16];
    for (to, from) in middle.iter_mut().zip(digest.iter().skip(8)) {
        *to = *from;
    }
    middle
}

/// AES key and IV of one message.
fn message_keys(key: &AuthKey, sender: Sender, msg_key: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let x = sender.offset();
    let a: [u8; 32] = Sha256::new()
        .chain_update(msg_key)
        .chain_update(part(key, x, 36))
        .finalize()
        .into();
    let b: [u8; 32] = Sha256::new()
        .chain_update(part(key, 40 + x, 36))
        .chain_update(msg_key)
        .finalize()
        .into();
    (weave(a, &b), weave(b, &a))
}

/// The first and last 8 bytes of one digest around the middle 16 of the other.
fn weave(outer: [u8; 32], inner: &[u8; 32]) -> [u8; 32] {
    let mut woven = outer;
    for (to, from) in woven.iter_mut().zip(inner).skip(8).take(16) {
        *to = *from;
    }
    woven
}

#[cfg(test)]
mod tests;

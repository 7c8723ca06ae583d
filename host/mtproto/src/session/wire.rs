//! Service messages and containers, as bytes.

use bytes::Bytes;
use sluice_domain::Random;

use crate::{
    AuthKey, Header, Sender, Violation,
    envelope::Draft,
    gzip,
    wire::{BadValue, Reader, Writer},
};

pub(super) const CONTAINER: u32 = 0x73f1_f8dc;
pub(super) const GZIP_PACKED: u32 = 0x3072_cfa1;
pub(super) const RPC_RESULT: u32 = 0xf35c_6d01;
pub(super) const RPC_ERROR: u32 = 0x2144_ca19;
pub(super) const MSGS_ACK: u32 = 0x62d6_b459;
pub(super) const BAD_MSG: u32 = 0xa7ef_f811;
pub(super) const BAD_SALT: u32 = 0xedab_447b;
pub(super) const STATE_REQ: u32 = 0xda69_fb52;
pub(super) const STATE_INFO: u32 = 0x04de_b57d;
pub(super) const ALL_INFO: u32 = 0x8cc0_d131;
pub(super) const DETAILED_INFO: u32 = 0x276d_3ec6;
pub(super) const NEW_DETAILED_INFO: u32 = 0x809d_b6df;
pub(super) const RESEND_REQ: u32 = 0x7d86_1a08;
pub(super) const RESEND_ANS_REQ: u32 = 0x8610_baeb;
pub(super) const DROP_ANSWER: u32 = 0x58e4_a740;
pub(super) const ANSWER_UNKNOWN: u32 = 0x5e2a_d36e;
pub(super) const ANSWER_DROPPED_RUNNING: u32 = 0xcd78_e586;
pub(super) const ANSWER_DROPPED: u32 = 0xa43a_d8b7;
pub(super) const GET_FUTURE_SALTS: u32 = 0xb921_bd04;
pub(super) const FUTURE_SALTS: u32 = 0xae50_0895;
pub(super) const PING: u32 = 0x7abe_77ec;
pub(super) const PING_DELAY: u32 = 0xf342_7b8c;
pub(super) const PONG: u32 = 0x3477_73c5;
pub(super) const DESTROY_SESSION: u32 = 0xe751_2126;
pub(super) const DESTROY_SESSION_OK: u32 = 0xe220_45fc;
pub(super) const DESTROY_SESSION_NONE: u32 = 0x62d3_50c9;
pub(super) const DESTROY_KEY: u32 = 0xd143_5160;
pub(super) const DESTROY_KEY_OK: u32 = 0xf660_e1d4;
pub(super) const DESTROY_KEY_NONE: u32 = 0x0a9f_2259;
pub(super) const DESTROY_KEY_FAIL: u32 = 0xea10_9b13;
pub(super) const NEW_SESSION: u32 = 0x9ec2_0908;
pub(super) const HTTP_WAIT: u32 = 0x9299_359f;

/// Messages put into one container.
const MAX_MESSAGES: usize = 1020;
/// Bytes put into one container; longer ones have been seen to earn the transport error 429.
const MAX_CONTAINER: usize = 1 << 15;
/// Messages accepted in one container.
const MAX_RECEIVED: usize = 1024;
/// Ids in one acknowledgement, state or resend message.
pub(super) const MAX_IDS: usize = 8192;
/// Message id, sequence number and length of a message in a container.
const MESSAGE_HEAD: usize = 16;

impl From<BadValue> for Violation {
    fn from(BadValue: BadValue) -> Self {
        Self::Malformed
    }
}

/// A message as it was received.
pub(super) struct Message {
    pub(super) msg_id: i64,
    pub(super) seq_no: i32,
    pub(super) body: Bytes,
}

/// The constructor of a body, and a reader of what follows.
pub(super) fn constructor(body: &[u8]) -> Result<(u32, Reader<'_>), Violation> {
    let mut reader = Reader::new(body);
    Ok((reader.id()?, reader))
}

/// A part of `body` that a reader of it stands before.
pub(super) fn slice_rest(body: &Bytes, reader: &Reader<'_>) -> Bytes {
    body.slice(body.len() - reader.rest().len()..)
}

/// The messages of a container. All of it is checked before any is given out.
pub(super) fn read_container(body: &Bytes) -> Result<Vec<Message>, Violation> {
    let mut reader = Reader::new(body);
    let mut messages = || -> Result<Vec<Message>, BadValue> {
        reader.expect(CONTAINER)?;
        let count = reader.id()? as usize;
        if count > MAX_RECEIVED {
            return Err(BadValue);
        }
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            let (msg_id, seq_no) = (reader.long()?, reader.int()?);
            let length = reader.id()? as usize;
            let start = slice_rest(body, &reader);
            reader.take(length)?;
            if !length.is_multiple_of(4) {
                return Err(BadValue);
            }
            messages.push(Message {
                msg_id,
                seq_no,
                body: start.slice(..length),
            });
        }
        reader.rest().is_empty().then_some(messages).ok_or(BadValue)
    };
    messages().map_err(|BadValue| Violation::Container)
}

/// Inflates `gzip_packed`, and takes its size off the budget of the packet it came in.
pub(super) fn inflate(mut packed: Reader<'_>, budget: &mut usize) -> Result<Bytes, Violation> {
    let inflated = gzip::inflate(packed.bytes()?, *budget)?;
    *budget -= inflated.len().min(*budget);
    Ok(inflated)
}

/// `Vector<long>` of message ids.
pub(super) fn read_ids(reader: &mut Reader<'_>) -> Result<Vec<i64>, Violation> {
    let mut peek = *reader;
    peek.id()?;
    if peek.id()? as usize > MAX_IDS {
        return Err(Violation::TooManyIds);
    }
    Ok(reader.longs(MAX_IDS)?)
}

/// A service message that consists of ids.
pub(super) fn ids_message(id: u32, ids: &[i64]) -> Bytes {
    Writer::boxed(id, 12 + ids.len() * 8)
        .longs(ids)
        .finish()
        .into()
}

/// A message about to be sent. The body follows the prefix.
pub(super) struct Outgoing {
    pub(super) msg_id: i64,
    pub(super) seq_no: i32,
    pub(super) prefix: Bytes,
    pub(super) body: Bytes,
}

impl Outgoing {
    fn length(&self) -> usize {
        self.prefix.len() + self.body.len()
    }
}

/// What is known of a packet while it is filled: one container's worth of messages.
#[derive(Default)]
pub(super) struct Load {
    pub(super) messages: Vec<Outgoing>,
    bytes: usize,
    repeats: bool,
}

impl Load {
    /// Whether a message of so many bytes may join.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.messages.is_empty()
            || (self.messages.len() < MAX_MESSAGES
                && self.bytes + MESSAGE_HEAD + length <= MAX_CONTAINER)
    }

    pub(super) fn add(&mut self, message: Outgoing) {
        self.bytes += MESSAGE_HEAD + message.length();
        self.messages.push(message);
    }

    /// Adds a message that was sent before. Its id may be so old by now that only a container may
    /// carry it.
    pub(super) fn add_again(&mut self, message: Outgoing) {
        self.repeats = true;
        self.add(message);
    }

    /// Encrypts the messages into one packet: a single new one as it is, others in a container that
    /// `container` names.
    pub(super) fn seal(
        &self,
        key: &AuthKey,
        sender: Sender,
        (salt, session_id): (i64, i64),
        container: impl FnOnce() -> (i64, i32),
        rng: &dyn Random,
    ) -> Vec<u8> {
        let (draft, (msg_id, seq_no)) =
            if let ([message], false) = (&self.messages[..], self.repeats) {
                let mut draft = Draft::new(message.length());
                draft.body().extend_from_slice(&message.prefix);
                draft.body().extend_from_slice(&message.body);
                (draft, (message.msg_id, message.seq_no))
            } else {
                (self.container(), container())
            };
        let header = Header {
            salt,
            session_id,
            msg_id,
            seq_no,
        };
        draft.seal(key, sender, header, rng)
    }

    fn container(&self) -> Draft {
        let mut draft = Draft::new(8 + self.bytes);
        let body = draft.body();
        let mut put = |bytes: &[u8]| body.extend_from_slice(bytes);
        put(&CONTAINER.to_le_bytes());
        // At most `MAX_MESSAGES`, and each below 4 GiB.
        put(&u32::try_from(self.messages.len())
            .unwrap_or(0)
            .to_le_bytes());
        for message in &self.messages {
            put(&message.msg_id.to_le_bytes());
            put(&message.seq_no.to_le_bytes());
            put(&u32::try_from(message.length()).unwrap_or(0).to_le_bytes());
            put(&message.prefix);
            put(&message.body);
        }
        draft
    }
}

//! What a rule does to the packets that carry an answer.

use bytes::BytesMut;
use sluice_domain::Random;
use sluice_mtproto::{AuthKey, Opened, Sender};

use super::session::Session;
use crate::rules::Forgery;

/// What happens to the packets that are sent next on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bend {
    /// So many bytes of them leave; then the connection is closed.
    Cut(usize),
    /// They do not leave, and nothing comes or goes any more.
    Freeze,
    /// Their messages are sent once more in packets of their own.
    Repeat,
    /// They are sent twice.
    Replay,
    /// They follow after the next ones.
    Hold,
    /// They break a rule.
    Forge(Forgery),
}

/// So many bytes of padding are too many, with up to 15 more.
const TOO_MUCH: usize = 1_025;
/// Salt, session, message id, sequence number and length.
const HEAD: usize = 32;

/// Makes a packet of a session break a rule.
pub(super) fn forge(
    session: &Session,
    packet: Vec<u8>,
    forgery: Forgery,
    rng: &dyn Random,
) -> Vec<u8> {
    let key = &session.key.secret;
    match forgery {
        Forgery::Truncated => {
            let mut packet = packet;
            packet.truncate(packet.len().saturating_sub(16));
            return packet;
        }
        Forgery::FlippedBit => return flip(packet, rng),
        _ => {}
    }
    // It was sealed by this very key.
    let Ok(opened) = sluice_mtproto::open(key, Sender::Server, BytesMut::from(&packet[..])) else {
        return packet;
    };
    let Opened { mut header, body } = opened;
    let seconds = |s: i64| s << 32;
    match forgery {
        Forgery::ForeignSession => header.session_id = rng.u64().cast_signed(),
        Forgery::StaleSession => {
            let former = session.key.former_session();
            header.session_id = former.unwrap_or_else(|| rng.u64().cast_signed());
        }
        Forgery::EvenMsgId => header.msg_id &= !1,
        Forgery::OldMsgId => header.msg_id -= seconds(302),
        Forgery::FutureMsgId => header.msg_id += seconds(32),
        Forgery::SeqNo => header.seq_no = -1,
        Forgery::ForeignKey => {
            let mut other = [0; 256];
            rng.fill(&mut other);
            let other = AuthKey::from_bytes(other);
            return sluice_mtproto::seal(&other, Sender::Server, header, &body, rng);
        }
        Forgery::LongPadding
        | Forgery::ShortPadding
        | Forgery::Length
        | Forgery::OddLength
        | Forgery::Truncated
        | Forgery::FlippedBit => {
            let plaintext = misshapen(header, &body, forgery);
            return sluice_mtproto::encrypt(key, Sender::Server, &plaintext);
        }
    }
    sluice_mtproto::seal(key, Sender::Server, header, &body, rng)
}

fn flip(mut packet: Vec<u8>, rng: &dyn Random) -> Vec<u8> {
    let key_id = 8;
    let bits = packet.len().saturating_sub(key_id) * 8;
    let bit = usize::try_from(rng.u64() >> 32).unwrap_or(0) % bits.max(1);
    if let Some(byte) = packet.get_mut(key_id + bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    packet
}

/// A plaintext whose length or padding is wrong.
fn misshapen(header: sluice_mtproto::Header, body: &[u8], forgery: Forgery) -> Vec<u8> {
    let mut length = body.len();
    let end = HEAD + length;
    let whole = match forgery {
        Forgery::LongPadding => (end + TOO_MUCH).next_multiple_of(16),
        // Where 12 bytes would be right, a longer body leaves 8.
        Forgery::ShortPadding if end.next_multiple_of(16) - end == 12 => {
            length += 4;
            end.next_multiple_of(16)
        }
        Forgery::ShortPadding => end.next_multiple_of(16),
        _ => (end + 12).next_multiple_of(16),
    };
    match forgery {
        Forgery::Length => length = whole,
        Forgery::OddLength => length = length.saturating_sub(1),
        _ => {}
    }
    let mut plaintext = Vec::with_capacity(whole);
    plaintext.extend(header.salt.to_le_bytes());
    plaintext.extend(header.session_id.to_le_bytes());
    plaintext.extend(header.msg_id.to_le_bytes());
    plaintext.extend(header.seq_no.to_le_bytes());
    plaintext.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    plaintext.extend_from_slice(body);
    plaintext.resize(whole, 0);
    plaintext
}

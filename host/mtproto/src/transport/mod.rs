//! Transport framings: where one packet ends on a stream and the next begins.
//!
//! Source: <https://core.telegram.org/mtproto/mtproto-transports>. Padded intermediate and
//! obfuscation are not spoken yet and are refused as [`FramingError::Unknown`].

mod abridged;
mod full;
mod intermediate;

use bytes::{Buf, BytesMut};
use thiserror::Error;

/// How packets are delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One length byte for short packets.
    Abridged,
    /// Four length bytes.
    Intermediate,
    /// Length, number and CRC-32.
    Full,
}

/// A stream that is not framed as it must be. The connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FramingError {
    /// A frame beyond the cap.
    #[error("frame of {0} bytes exceeds the cap")]
    TooLong(usize),
    /// A length that no frame can have.
    #[error("impossible frame length")]
    Length,
    /// `full`: a frame out of order.
    #[error("frame out of order")]
    Order,
    /// `full`: a damaged frame.
    #[error("frame with a wrong checksum")]
    Checksum,
    /// The first bytes of a client name no transport that is known.
    #[error("unknown transport")]
    Unknown,
}

/// One thing that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A packet. Shares memory with the buffer it was read from.
    Packet(BytesMut),
    /// Client role: the server's complaint, positive (404, 429, 444, ...).
    TransportError(i32),
    /// Client role: a quick acknowledgement, which nothing here asks for.
    QuickAck(u32),
}

/// What a client accepts: answers with file parts stay far below, and so does anything honest.
const CLIENT_CAP: usize = 16 << 20;
/// What a server accepts: the longest call carries a file part of 512 KiB.
const SERVER_CAP: usize = 1 << 20;

/// One complete piece of the stream, as the three transports see it: bytes to skip before and after
/// the payload, or a quick acknowledgement.
enum Piece {
    Payload {
        before: usize,
        length: usize,
        after: usize,
    },
    QuickAck {
        consumed: usize,
        token: u32,
    },
}

/// Both directions of one connection.
#[derive(Debug)]
pub struct Framing {
    kind: Kind,
    client: bool,
    announced: bool,
    cap: usize,
    /// `full`: numbers of the next frames.
    sent: u32,
    received: u32,
}

impl Framing {
    /// The client's end. The first [`encode`](Self::encode) announces the transport. Frames up to
    /// 16 MiB are accepted.
    pub const fn client(kind: Kind) -> Self {
        Self {
            kind,
            client: true,
            announced: false,
            cap: CLIENT_CAP,
            sent: 0,
            received: 0,
        }
    }

    /// The server's end of a known transport. Frames up to 1 MiB are accepted.
    pub const fn server(kind: Kind) -> Self {
        Self {
            kind,
            client: false,
            announced: true,
            cap: SERVER_CAP,
            sent: 0,
            received: 0,
        }
    }

    /// The server's end, found by a client's first bytes, of which the announcement is consumed.
    /// `None` while there are too few.
    pub fn detect(buffer: &mut BytesMut) -> Result<Option<Self>, FramingError> {
        if buffer.first() == Some(&abridged::TAG) {
            buffer.advance(1);
            return Ok(Some(Self::server(Kind::Abridged)));
        }
        let Some(first) = buffer.first_chunk::<8>() else {
            return Ok(None);
        };
        let [a, b, c, d, number @ ..] = *first;
        if [a, b, c, d] == intermediate::TAG {
            buffer.advance(4);
            return Ok(Some(Self::server(Kind::Intermediate)));
        }
        // `full` has no announcement: its first frame has a possible length and the number 0.
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if number == [0; 4] && full::possible(length, SERVER_CAP).is_ok() {
            return Ok(Some(Self::server(Kind::Full)));
        }
        Err(FramingError::Unknown)
    }

    /// Which transport this is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Appends a framed packet to `out`. The payload's length is a multiple of 4, as every packet's
    /// is.
    pub fn encode(&mut self, payload: &[u8], out: &mut BytesMut) {
        debug_assert!(payload.len().is_multiple_of(4));
        out.reserve(payload.len() + full::OVERHEAD + intermediate::TAG.len());
        let announce = !std::mem::replace(&mut self.announced, true);
        match self.kind {
            Kind::Abridged => abridged::encode(payload, announce, out),
            Kind::Intermediate => intermediate::encode(payload, announce, out),
            Kind::Full => {
                full::encode(payload, self.sent, out);
                self.sent = self.sent.wrapping_add(1);
            }
        }
    }

    /// Appends a transport error, by its positive code, to `out`.
    pub fn encode_error(&mut self, code: i32, out: &mut BytesMut) {
        self.encode(&code.wrapping_neg().to_le_bytes(), out);
    }

    /// Takes the next frame off the buffer, `None` while it is incomplete.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        let piece = match self.kind {
            Kind::Abridged => abridged::decode(buffer, self.client, self.cap)?,
            Kind::Intermediate => intermediate::decode(buffer, self.client, self.cap)?,
            Kind::Full => full::decode(buffer, self.received, self.cap)?,
        };
        let (before, length, after) = match piece {
            None => return Ok(None),
            Some(Piece::QuickAck { consumed, token }) => {
                buffer.advance(consumed);
                return Ok(Some(Frame::QuickAck(token)));
            }
            Some(Piece::Payload {
                before,
                length,
                after,
            }) => (before, length, after),
        };
        self.received = self.received.wrapping_add(1);
        buffer.advance(before);
        let payload = buffer.split_to(length);
        buffer.advance(after);
        if let (true, Some(code)) = (self.client, transport_error(&payload)) {
            return Ok(Some(Frame::TransportError(code)));
        }
        Ok(Some(Frame::Packet(payload)))
    }
}

/// A payload of four bytes is no packet but a negative status.
fn transport_error(payload: &[u8]) -> Option<i32> {
    let code = i32::from_le_bytes(payload.try_into().ok()?);
    (code < 0).then(|| code.saturating_neg())
}

/// The checks that all lengths have to pass.
const fn possible(length: usize, cap: usize) -> Result<(), FramingError> {
    if length > cap {
        Err(FramingError::TooLong(length))
    } else if length == 0 || !length.is_multiple_of(4) {
        Err(FramingError::Length)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Transport framings: where one packet ends on a stream and the next begins.
//!
//! Source: <https://core.telegram.org/mtproto/mtproto-transports>.

use bytes::BytesMut;
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

/// One direction pair of one connection.
#[derive(Debug)]
pub struct Framing {}

impl Framing {
    /// The client's end. The first [`encode`](Self::encode) announces the transport. Frames up to
    /// 16 MiB are accepted.
    pub fn client(_kind: Kind) -> Self {
        todo!()
    }

    /// The server's end, found by a client's first bytes, of which the announcement is consumed.
    /// `None` while there are too few. Frames up to 1 MiB are accepted.
    pub fn detect(_buffer: &mut BytesMut) -> Result<Option<Self>, FramingError> {
        todo!()
    }

    /// Which transport this is.
    pub fn kind(&self) -> Kind {
        todo!()
    }

    /// Appends a framed packet to `out`. The payload's length is a multiple of 4.
    pub fn encode(&mut self, _payload: &[u8], _out: &mut BytesMut) {
        todo!()
    }

    /// Appends a transport error, by its positive code, to `out`.
    pub fn encode_error(&mut self, _code: i32, _out: &mut BytesMut) {
        todo!()
    }

    /// Takes the next frame off the buffer, `None` while it is incomplete.
    pub fn decode(&mut self, _buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        todo!()
    }
}

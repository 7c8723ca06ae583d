//! Transport framings: where one packet ends on a stream and the next begins.
//!
//! Source: <https://core.telegram.org/mtproto/mtproto-transports>. A stream may be hidden besides:
//! by obfuscation ([`obfuscated`]), and within that way to a proxy by what looks like TLS ([`tls`]).

mod abridged;
mod cover;
mod full;
mod intermediate;
pub mod obfuscated;
mod padding;
pub mod tls;

use bytes::{Buf, BytesMut};
use sluice_domain::Random;
use thiserror::Error;

use cover::Cover;
pub use obfuscated::SecretKey;
use obfuscated::{Announced, HEADER, Obfuscation};
use padding::Noise;
use tls::{Records, TlsError};

/// How packets are delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One length byte for short packets.
    Abridged,
    /// Four length bytes.
    Intermediate,
    /// Four length bytes, and up to 15 random ones behind the packet.
    Padded,
    /// Length, number and CRC-32.
    Full,
}

impl Kind {
    /// What names the framing: first of all on a plain stream, in the header of a hidden one. `full`
    /// has no name.
    const fn tag(self) -> [u8; 4] {
        match self {
            Self::Abridged => [abridged::TAG; 4],
            Self::Intermediate | Self::Full => [0xee; 4],
            Self::Padded => [0xdd; 4],
        }
    }

    /// What a client begins a plain stream with; nothing for `full`.
    pub const fn announcement(self) -> &'static [u8] {
        match self {
            Self::Abridged => &[abridged::TAG],
            Self::Intermediate => &[0xee; 4],
            Self::Padded => &[0xdd; 4],
            Self::Full => &[],
        }
    }

    fn of_tag(tag: &[u8]) -> Option<Self> {
        [Self::Abridged, Self::Intermediate, Self::Padded]
            .into_iter()
            .find(|kind| kind.tag() == tag)
    }
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
    /// What hides the stream is broken.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    /// `padded`: where the padding comes from; without it there is none.
    noise: Option<Noise>,
    cover: Option<Box<Cover>>,
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
            noise: None,
            cover: None,
        }
    }

    /// The client's end of a hidden stream: the first [`encode`](Self::encode) sends the header.
    /// The secret is that of a proxy, who also reads the data center's number. `full` cannot be
    /// hidden and becomes `intermediate`.
    pub fn hidden(kind: Kind, dc: i16, secret: Option<&SecretKey>, random: &dyn Random) -> Self {
        let kind = match kind {
            Kind::Full => Kind::Intermediate,
            kind => kind,
        };
        let (cipher, header) = Obfuscation::client(Announced { kind, dc }, secret, random);
        Self::client(kind)
            .seeded(random)
            .covered(Cover::new(cipher, Some(header)))
    }

    /// Within records of TLS, after the handshake.
    #[must_use]
    pub fn in_records(mut self, records: Records) -> Self {
        self.cover = self
            .cover
            .map(|cover| Box::new(cover.within(Some(records))));
        self
    }

    /// Pads by this randomness, if its transport does.
    #[must_use]
    pub fn seeded(mut self, random: &dyn Random) -> Self {
        self.noise = (self.kind == Kind::Padded).then(|| Noise::new(random));
        self
    }

    fn covered(mut self, cover: Cover) -> Self {
        self.announced = true;
        self.cover = Some(Box::new(cover));
        self
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
            noise: None,
            cover: None,
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
        for kind in [Kind::Intermediate, Kind::Padded] {
            if [a, b, c, d] == kind.tag() {
                buffer.advance(4);
                return Ok(Some(Self::server(kind)));
            }
        }
        // `full` has no announcement: its first frame has a possible length and the number 0.
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if number == [0; 4] && full::possible(length, SERVER_CAP).is_ok() {
            return Ok(Some(Self::server(Kind::Full)));
        }
        if !obfuscated::may_begin(first) {
            return Err(FramingError::Unknown);
        }
        let Some(header) = buffer.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let (cipher, announced) = Obfuscation::server(header, None)?;
        buffer.advance(HEADER);
        Ok(Some(
            Self::server(announced.kind).covered(Cover::new(cipher, None)),
        ))
    }

    /// Which transport this is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Appends a framed packet to `out`. The payload's length is a multiple of 4, as every packet's
    /// is.
    pub fn encode(&mut self, payload: &[u8], out: &mut BytesMut) {
        debug_assert!(payload.len().is_multiple_of(4));
        match self.cover.take() {
            None => self.frame(payload, out),
            Some(mut cover) => {
                let mut framed = BytesMut::new();
                self.frame(payload, &mut framed);
                cover.put(framed, out);
                self.cover = Some(cover);
            }
        }
    }

    fn frame(&mut self, payload: &[u8], out: &mut BytesMut) {
        out.reserve(payload.len() + full::OVERHEAD + padding::MOST);
        let announce = !std::mem::replace(&mut self.announced, true);
        match self.kind {
            Kind::Abridged => abridged::encode(payload, announce, out),
            Kind::Intermediate | Kind::Padded => {
                let drawn = self.noise.as_mut().map(|noise| noise.padding(self.client));
                let (length, bytes) = drawn.unwrap_or_default();
                let pad = bytes.get(..length).unwrap_or_default();
                intermediate::encode(payload, pad, announce.then(|| self.kind.tag()), out);
            }
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

    /// Takes the next frame off the buffer, `None` while it is incomplete. What was hidden is kept
    /// here until it is a whole frame: the buffer may be dropped when it is empty.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        let Some(mut cover) = self.cover.take() else {
            return self.unframe(buffer);
        };
        let taken = cover.take(buffer);
        let frame = taken.and_then(|()| self.unframe(&mut cover.clear));
        if cover.clear.is_empty() {
            // An idle connection holds no buffer.
            cover.clear = BytesMut::new();
        }
        self.cover = Some(cover);
        frame
    }

    fn unframe(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        let padded = self.kind == Kind::Padded;
        let piece = match self.kind {
            Kind::Abridged => abridged::decode(buffer, self.client, self.cap)?,
            Kind::Intermediate | Kind::Padded => {
                intermediate::decode(buffer, self.client, padded, self.cap)?
            }
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

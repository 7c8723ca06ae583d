use bytes::BufMut;

use super::{FramingError, Piece, possible};

/// A client's first byte.
pub(super) const TAG: u8 = 0xef;
/// In the first byte of a frame: of a client, please acknowledge quickly; of a server, this is such
/// an acknowledgement.
const QUICK_ACK: u8 = 0x80;
/// A first byte that announces three more of length.
const LONG: u8 = 0x7f;

pub(super) fn encode(payload: &[u8], announce: bool, out: &mut impl BufMut) {
    if announce {
        out.put_u8(TAG);
    }
    let words = payload.len() / 4;
    match u8::try_from(words) {
        Ok(short) if short < LONG => out.put_u8(short),
        _ => {
            out.put_u8(LONG);
            out.put_uint_le(words as u64, 3);
        }
    }
    out.put_slice(payload);
}

pub(super) fn decode(
    buffer: &[u8],
    client: bool,
    cap: usize,
) -> Result<Option<Piece>, FramingError> {
    let Some(&first) = buffer.first() else {
        return Ok(None);
    };
    if client && first & QUICK_ACK != 0 {
        return Ok(buffer.first_chunk().map(|token| Piece::QuickAck {
            consumed: token.len(),
            token: u32::from_be_bytes(*token),
        }));
    }
    let (before, words) = match first & !QUICK_ACK {
        LONG => match buffer {
            [_, a, b, c, ..] => (4, u32::from_le_bytes([*a, *b, *c, 0]) as usize),
            _ => return Ok(None),
        },
        short => (1, usize::from(short)),
    };
    let length = words * 4;
    possible(length, cap)?;
    Ok((buffer.len() >= before + length).then_some(Piece::Payload {
        before,
        length,
        after: 0,
    }))
}

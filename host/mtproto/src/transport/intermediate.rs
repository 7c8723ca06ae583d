use bytes::BufMut;

use super::{FramingError, Piece, possible};

/// A client's first bytes.
pub(super) const TAG: [u8; 4] = [0xee; 4];
/// In the length of a client: please acknowledge quickly; of a server: this is such an
/// acknowledgement.
const QUICK_ACK: u32 = 1 << 31;

pub(super) fn encode(payload: &[u8], announce: bool, out: &mut impl BufMut) {
    if announce {
        out.put_slice(&TAG);
    }
    // No payload comes near 4 GiB: the largest upload part is 512 KiB.
    out.put_uint_le(payload.len() as u64, 4);
    out.put_slice(payload);
}

pub(super) fn decode(
    buffer: &[u8],
    client: bool,
    cap: usize,
) -> Result<Option<Piece>, FramingError> {
    let Some(first) = buffer.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) else {
        return Ok(None);
    };
    if client && first & QUICK_ACK != 0 {
        return Ok(Some(Piece::QuickAck {
            consumed: 4,
            token: first,
        }));
    }
    let length = (first & !QUICK_ACK) as usize;
    possible(length, cap)?;
    Ok((buffer.len() - 4 >= length).then_some(Piece::Payload {
        before: 4,
        length,
        after: 0,
    }))
}

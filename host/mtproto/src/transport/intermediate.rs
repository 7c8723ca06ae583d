use bytes::BufMut;

use super::{FramingError, Piece, padding, possible};

/// In the length of a client: please acknowledge quickly; of a server: this is such an
/// acknowledgement.
const QUICK_ACK: u32 = 1 << 31;

pub(super) fn encode(payload: &[u8], pad: &[u8], tag: Option<[u8; 4]>, out: &mut impl BufMut) {
    if let Some(tag) = tag {
        out.put_slice(&tag);
    }
    // No payload comes near 4 GiB: the largest upload part is 512 KiB.
    out.put_uint_le((payload.len() + pad.len()) as u64, 4);
    out.put_slice(payload);
    out.put_slice(pad);
}

pub(super) fn decode(
    buffer: &[u8],
    client: bool,
    padded: bool,
    cap: usize,
) -> Result<Option<Piece>, FramingError> {
    let Some((first, rest)) = buffer.split_first_chunk() else {
        return Ok(None);
    };
    let first = u32::from_le_bytes(*first);
    if client && first & QUICK_ACK != 0 {
        return Ok(Some(Piece::QuickAck {
            consumed: 4,
            token: first,
        }));
    }
    let framed = (first & !QUICK_ACK) as usize;
    if padded {
        if framed > cap + padding::MOST {
            return Err(FramingError::TooLong(framed));
        }
        if framed < 4 {
            return Err(FramingError::Length);
        }
    } else {
        possible(framed, cap)?;
    }
    let Some(payload) = rest.get(..framed) else {
        return Ok(None);
    };
    let length = if padded {
        padding::real_length(payload)
    } else {
        framed
    };
    Ok(Some(Piece::Payload {
        before: 4,
        length,
        after: framed - length,
    }))
}

use bytes::BufMut;

use super::{FramingError, Piece};

/// Length, number and checksum.
pub(super) const OVERHEAD: usize = 12;

pub(super) fn encode(payload: &[u8], number: u32, out: &mut impl BufMut) {
    // No payload comes near 4 GiB: the largest upload part is 512 KiB.
    let length = u32::try_from(payload.len() + OVERHEAD).unwrap_or(u32::MAX);
    let mut sum = crc32fast::Hasher::new();
    for part in [&length.to_le_bytes()[..], &number.to_le_bytes(), payload] {
        sum.update(part);
        out.put_slice(part);
    }
    out.put_u32_le(sum.finalize());
}

/// Whether a frame of so many bytes, overhead included, can be.
pub(super) fn possible(length: usize, cap: usize) -> Result<usize, FramingError> {
    let payload = length.checked_sub(OVERHEAD).ok_or(FramingError::Length)?;
    super::possible(payload, cap).map(|()| payload)
}

pub(super) fn decode(
    buffer: &[u8],
    number: u32,
    cap: usize,
) -> Result<Option<Piece>, FramingError> {
    let Some(length) = buffer.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) else {
        return Ok(None);
    };
    let payload = possible(length as usize, cap)?;
    let Some((framed, sum)) = buffer
        .get(..length as usize)
        .and_then(<[u8]>::split_last_chunk::<4>)
    else {
        return Ok(None);
    };
    if crc32fast::hash(framed) != u32::from_le_bytes(*sum) {
        return Err(FramingError::Checksum);
    }
    if framed.get(4..8) != Some(&number.to_le_bytes()) {
        return Err(FramingError::Order);
    }
    Ok(Some(Piece::Payload {
        before: 8,
        length: payload,
        after: 4,
    }))
}

//! Compressed bodies, with a cap on what they may grow to.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{
    Compression,
    read::{GzDecoder, ZlibDecoder},
    write::GzEncoder,
};

use crate::Violation;

/// The first byte of a zlib stream with the usual window of 32 KiB (RFC 1950); gzip's is 0x1f.
const ZLIB: u8 = 0x78;

/// Inflates a gzip stream to at most `cap` bytes, or a zlib stream, which mtcute sends under the same
/// name. Memory grows with what was really inflated, never with what a header claims.
pub fn inflate(packed: &[u8], cap: usize) -> Result<Bytes, Violation> {
    let mut inflated = Vec::with_capacity(packed.len().saturating_mul(4).min(cap));
    let beyond = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    let read = if packed.first() == Some(&ZLIB) {
        ZlibDecoder::new(packed)
            .take(beyond)
            .read_to_end(&mut inflated)
    } else {
        GzDecoder::new(packed)
            .take(beyond)
            .read_to_end(&mut inflated)
    };
    read.map_err(|_| Violation::Gzip)?;
    if inflated.len() > cap {
        return Err(Violation::GzipBomb);
    }
    Ok(inflated.into())
}

/// Compresses to a gzip stream.
pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(data);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    use super::{Violation, deflate, inflate};

    /// Breaks when a client's zlib streams are refused, or inflated beyond the cap, or unchecked.
    #[test]
    fn zlib() {
        for level in 0..=9 {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(&[7; 1000]).unwrap();
            let mut packed = encoder.finish().unwrap();
            assert_eq!(inflate(&packed, 1000).unwrap(), vec![7; 1000]);
            assert_eq!(inflate(&packed, 999), Err(Violation::GzipBomb));
            *packed.last_mut().unwrap() ^= 1;
            assert_eq!(inflate(&packed, 1000), Err(Violation::Gzip));
        }
    }

    /// Breaks when the cap is off by one, or a bomb is inflated beyond it.
    #[test]
    fn capped() {
        let packed = deflate(&[7; 1000]);
        assert_eq!(inflate(&packed, 1000).unwrap(), vec![7; 1000]);
        assert_eq!(inflate(&packed, 999), Err(Violation::GzipBomb));
        let bomb = deflate(&vec![0; 4 << 20]);
        assert!(bomb.len() < 32 << 10);
        assert_eq!(inflate(&bomb, 1 << 20), Err(Violation::GzipBomb));
    }

    /// Breaks when damaged data is taken for inflated data.
    #[test]
    fn damaged() {
        let mut packed = deflate(b"some text that is compressed");
        let last = packed.len() - 6;
        packed[last] ^= 1;
        assert_eq!(inflate(&packed, 1000), Err(Violation::Gzip));
        assert_eq!(inflate(&packed[..9], 1000), Err(Violation::Gzip));
        assert_eq!(inflate(b"", 1000), Err(Violation::Gzip));
    }
}

//! The bytes of TL's primitives (<https://core.telegram.org/mtproto/serialize>).

use crate::{DecodeError, limits::MAX_BYTES};

/// The id of `vector`.
pub(crate) const VECTOR: u32 = 0x1cb5_c415;
/// The id of `boolTrue`.
pub(crate) const BOOL_TRUE: u32 = 0x9972_75b5;
/// The id of `boolFalse`.
pub(crate) const BOOL_FALSE: u32 = 0xbc79_9737;

/// Reads primitives off bytes; never past their end.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_BYTES {
            return Err(DecodeError::TooLarge(bytes.len()));
        }
        Ok(Self { bytes, at: 0 })
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self.rest().get(..length).ok_or(DecodeError::Truncated {
            at: self.bytes.len(),
        })?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let at = self.at;
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| DecodeError::Truncated { at })
    }

    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        self.array().map(f64::from_le_bytes)
    }

    /// The contents of a `string` or `bytes`, without length and padding.
    pub fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let at = self.at;
        let [first] = self.array()?;
        let (prefix, length) = match first {
            0..=253 => (1, usize::from(first)),
            254 => {
                let [low, mid, high] = self.array()?;
                (
                    4,
                    usize::from(low) | usize::from(mid) << 8 | usize::from(high) << 16,
                )
            }
            255 => return Err(DecodeError::BadLength { at }),
        };
        let contents = self.take(length)?;
        self.take(padding(prefix + length))?;
        Ok(contents)
    }

    /// Refuses what is left over.
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing { at: self.at })
        }
    }
}

/// Appends a `string` or `bytes` of at most [`MAX_STRING`](crate::limits::MAX_STRING) bytes.
pub(crate) fn put_string(out: &mut Vec<u8>, contents: &[u8]) {
    let [low, mid, high, ..] = contents.len().to_le_bytes();
    let prefix = if contents.len() < 254 {
        out.push(low);
        1
    } else {
        out.extend_from_slice(&[254, low, mid, high]);
        4
    };
    out.extend_from_slice(contents);
    out.resize(out.len() + padding(prefix + contents.len()), 0);
}

fn padding(length: usize) -> usize {
    length.next_multiple_of(4) - length
}

//! Reading and writing TL's primitive values.
//!
//! Source: <https://core.telegram.org/mtproto/serialize>.

use thiserror::Error;

/// The bytes ended, or a value was malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("malformed TL value")]
pub struct BadValue;

/// The constructor id of a boxed vector.
const VECTOR: u32 = 0x1cb5_c415;
/// The first byte of `bytes` with three bytes of length.
const LONG_BYTES: u8 = 254;

/// Reads values off the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// So many raw bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], BadValue> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(BadValue)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A fixed number of raw bytes: `int128`, `int256` and the like.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], BadValue> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(BadValue)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A constructor id, or `#`.
    pub fn id(&mut self) -> Result<u32, BadValue> {
        self.array().map(u32::from_le_bytes)
    }

    /// Nothing but this constructor id.
    pub fn expect(&mut self, id: u32) -> Result<(), BadValue> {
        if self.id()? == id {
            Ok(())
        } else {
            Err(BadValue)
        }
    }

    /// `int`.
    pub fn int(&mut self) -> Result<i32, BadValue> {
        self.array().map(i32::from_le_bytes)
    }

    /// `long`.
    pub fn long(&mut self) -> Result<i64, BadValue> {
        self.array().map(i64::from_le_bytes)
    }

    /// `bytes` or `string`.
    pub fn bytes(&mut self) -> Result<&'a [u8], BadValue> {
        let (head, length) = match *self.0 {
            [LONG_BYTES, a, b, c, ..] => (4, u32::from_le_bytes([a, b, c, 0]) as usize),
            [short, ..] if short < LONG_BYTES => (1, usize::from(short)),
            _ => return Err(BadValue),
        };
        let framed = self.take((head + length).next_multiple_of(4))?;
        framed.get(head..head + length).ok_or(BadValue)
    }

    /// `Vector<long>` of at most `cap` elements; the cap is checked before anything is allocated.
    pub fn longs(&mut self, cap: usize) -> Result<Vec<i64>, BadValue> {
        self.expect(VECTOR)?;
        let count = self.id()? as usize;
        if count > cap || count > self.0.len() / 8 {
            return Err(BadValue);
        }
        (0..count).map(|_| self.long()).collect()
    }
}

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A writer of a boxed value, with room for about so many bytes.
    pub fn boxed(id: u32, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&id.to_le_bytes());
        Self(bytes)
    }

    /// Raw bytes.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A constructor id, or `#`.
    #[must_use]
    pub fn id(self, id: u32) -> Self {
        self.raw(&id.to_le_bytes())
    }

    /// `int`.
    #[must_use]
    pub fn int(self, value: i32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// `long`.
    #[must_use]
    pub fn long(self, value: i64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// `bytes` or `string`, below 16 MiB.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        debug_assert!(value.len() < 1 << 24);
        let [a, b, c, ..] = (value.len() as u64).to_le_bytes();
        let head: &[u8] = if value.len() < usize::from(LONG_BYTES) {
            &[a]
        } else {
            &[LONG_BYTES, a, b, c]
        };
        let framed = (head.len() + value.len()).next_multiple_of(4);
        let end = self.0.len() + framed;
        self.0.extend_from_slice(head);
        self.0.extend_from_slice(value);
        self.0.resize(end, 0);
        self
    }

    /// `Vector<long>`.
    #[must_use]
    pub fn longs(self, values: &[i64]) -> Self {
        let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
        values
            .iter()
            .fold(self.id(VECTOR).id(count), |writer, value| {
                writer.long(*value)
            })
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BadValue, Reader, Writer};

    proptest! {
        /// Breaks when a reader does not give back what a writer wrote, or loses its place.
        #[test]
        fn read_what_was_written(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            longs in proptest::collection::vec(any::<i64>(), 0..20),
            int in any::<i32>(),
        ) {
            let written = Writer::boxed(7, 64).bytes(&bytes).longs(&longs).int(int).finish();
            prop_assert!(written.len().is_multiple_of(4));
            let mut reader = Reader::new(&written);
            prop_assert_eq!(reader.expect(7), Ok(()));
            prop_assert_eq!(reader.bytes(), Ok(&bytes[..]));
            prop_assert_eq!(reader.longs(20), Ok(longs));
            prop_assert_eq!(reader.int(), Ok(int));
            prop_assert_eq!(reader.rest(), &[] as &[u8]);
        }

        /// Breaks when foreign bytes make the reader panic.
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Reader::new(&bytes).bytes();
            let _ = Reader::new(&bytes).longs(8);
            let _ = Reader::new(&bytes).take(9);
        }
    }

    /// Breaks when a vector is believed before its length is checked.
    #[test]
    fn vectors_are_capped() {
        let written = Writer::default().longs(&[1, 2, 3]).finish();
        assert_eq!(Reader::new(&written).longs(2), Err(BadValue));
        let lie = Writer::default()
            .id(super::VECTOR)
            .id(u32::MAX)
            .long(1)
            .finish();
        assert_eq!(Reader::new(&lie).longs(usize::MAX), Err(BadValue));
    }
}

//! Large `bytes` at the end of a body, kept out of JSON, where they would have to be base64.
//!
//! A body is cut into what the schema reads (with empty bytes at its end) and the bytes themselves,
//! and put together again.

use crate::{DecodeError, wire};

/// What empty `bytes` look like.
const EMPTY: [u8; 4] = [0; 4];

/// Cuts the `bytes` that begin at `at` and end the body out of it: the body with empty bytes
/// instead, and their contents.
pub fn cut(body: &[u8], at: usize) -> Result<(Vec<u8>, &[u8]), DecodeError> {
    let mut reader = wire::Reader::new(body)?;
    let mut short = reader.take(at)?.to_vec();
    let contents = reader.string()?;
    reader.end()?;
    short.extend_from_slice(&EMPTY);
    Ok((short, contents))
}

/// Puts contents in the place of the empty `bytes` that end the body. `false`, and nothing is done,
/// if it does not end so or the contents are longer than TL can say.
pub fn put(body: &mut Vec<u8>, contents: &[u8]) -> bool {
    if !body.ends_with(&EMPTY) || contents.len() > crate::limits::MAX_STRING {
        return false;
    }
    body.truncate(body.len() - EMPTY.len());
    body.reserve(contents.len() + 8);
    wire::put_string(body, contents);
    true
}

#[cfg(test)]
mod tests {
    use super::{cut, put};

    #[test]
    fn what_is_cut_can_be_put_back() {
        for length in [0, 1, 3, 253, 254, 255, 70_000] {
            let contents: Vec<u8> = (0..length)
                .map(|i| u8::try_from(i % 251).unwrap())
                .collect();
            let mut body = vec![7; 12];
            body.extend_from_slice(&[0; 4]);
            assert!(put(&mut body, &contents));
            let (short, found) = cut(&body, 12).unwrap();
            assert_eq!(found, contents);
            assert_eq!(short.len(), 16);
            body.push(0);
            assert!(cut(&body, 12).is_err(), "something is left over");
            assert!(cut(&body[..13], 12).is_err(), "it is cut off");
        }
        assert!(!put(&mut vec![1, 2, 3, 4], b"x"));
    }
}

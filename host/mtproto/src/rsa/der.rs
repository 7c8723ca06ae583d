//! The little DER and PEM that RSA keys need.

use base64::{Engine, engine::general_purpose::STANDARD};
use num_bigint::BigUint;

use super::{KeyError, Numbers};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// One after the other, the elements of a DER sequence.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn next(&mut self, tag: u8) -> Result<&'a [u8], KeyError> {
        let (head, length) = match *self.0 {
            [found, short @ ..=0x7f, ..] if found == tag => (2, usize::from(short)),
            [found, 0x81, a, ..] if found == tag => (3, usize::from(a)),
            [found, 0x82, a, b, ..] if found == tag => (4, usize::from(u16::from_be_bytes([a, b]))),
            _ => return Err(KeyError::NotRsa),
        };
        let (element, rest) = self
            .0
            .split_at_checked(head + length)
            .ok_or(KeyError::NotRsa)?;
        self.0 = rest;
        element.get(head..).ok_or(KeyError::NotRsa)
    }

    fn integer(&mut self) -> Result<BigUint, KeyError> {
        self.next(INTEGER).map(BigUint::from_bytes_be)
    }
}

fn sequence(der: &[u8]) -> Result<Elements<'_>, KeyError> {
    Elements(der).next(SEQUENCE).map(Elements)
}

/// The DER inside of a PEM block.
fn unwrap(pem: &str) -> Result<Vec<u8>, KeyError> {
    let (_, rest) = pem.split_once("-----BEGIN ").ok_or(KeyError::NotPem)?;
    let (_, rest) = rest.split_once("-----").ok_or(KeyError::NotPem)?;
    let (body, _) = rest.split_once("-----END ").ok_or(KeyError::NotPem)?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| KeyError::NotPem)
}

/// Modulus and exponent of a public key.
pub(super) fn public(pem: &str) -> Result<(BigUint, BigUint), KeyError> {
    let der = unwrap(pem)?;
    let mut key = sequence(&der)?;
    if key.0.first() == Some(&SEQUENCE) {
        // SPKI: the algorithm, then PKCS#1 in a bit string, behind its count of unused bits.
        key.next(SEQUENCE)?;
        let [0, inner @ ..] = key.next(BIT_STRING)? else {
            return Err(KeyError::NotRsa);
        };
        key = sequence(inner)?;
    }
    Ok((key.integer()?, key.integer()?))
}

/// Modulus, exponent and the secret numbers of a private key.
pub(super) fn private(pem: &str) -> Result<(BigUint, BigUint, Numbers), KeyError> {
    let der = unwrap(pem)?;
    let mut key = sequence(&der)?;
    key.next(INTEGER)?;
    if key.0.first() == Some(&SEQUENCE) {
        // PKCS#8: the algorithm, then PKCS#1 in an octet string.
        key.next(SEQUENCE)?;
        key = sequence(key.next(OCTET_STRING)?)?;
        key.next(INTEGER)?;
    }
    let (n, e) = (key.integer()?, key.integer()?);
    let _d = key.integer()?;
    let numbers = Numbers {
        p: key.integer()?,
        q: key.integer()?,
        d_p: key.integer()?,
        d_q: key.integer()?,
        q_inverse: key.integer()?,
    };
    Ok((n, e, numbers))
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut element = match (high, low) {
        (0, short @ ..=0x7f) => vec![tag, short],
        (0, low) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    element.extend_from_slice(content);
    element
}

fn integer(value: &BigUint) -> Vec<u8> {
    let mut bytes = value.to_bytes_be();
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        // Without it, the number would be negative.
        bytes.insert(0, 0);
    }
    element(INTEGER, &bytes)
}

/// A public key as PKCS#1.
pub(super) fn write_public(n: &BigUint, e: &BigUint) -> String {
    let der = element(SEQUENCE, &[integer(n), integer(e)].concat());
    let mut pem = String::from("-----BEGIN RSA PUBLIC KEY-----\n");
    let mut text = &STANDARD.encode(der)[..];
    while let Some((line, rest)) = text.split_at_checked(64) {
        pem.push_str(line);
        pem.push('\n');
        text = rest;
    }
    if !text.is_empty() {
        pem.push_str(text);
        pem.push('\n');
    }
    pem.push_str("-----END RSA PUBLIC KEY-----\n");
    pem
}

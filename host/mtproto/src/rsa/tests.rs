use num_bigint::BigUint;
use sha1::{Digest, Sha1};

use super::{KeyError, PrivateKey, PublicKey, Unpadded, encrypt};
use crate::{dh::padded, testing::Dice};

/// A key made for these tests and used nowhere else, as OpenSSL writes it.
const PKCS1: &str = include_str!("../../testdata/pkcs1.pem");

pub(crate) fn private() -> PrivateKey {
    PrivateKey::from_pem(PKCS1).unwrap()
}

/// SHA1(data) + data + padding in 255 bytes, as older clients encrypt.
pub(crate) fn encrypt_older(data: &[u8], key: &PublicKey) -> Vec<u8> {
    let mut block = vec![0];
    block.extend_from_slice(&Sha1::digest(data));
    block.extend_from_slice(data);
    block.resize(256, 0x55);
    let encrypted = BigUint::from_bytes_be(&block).modpow(&key.e, &key.n);
    padded(&encrypted).unwrap().to_vec()
}

/// Breaks when one of the four forms in which OpenSSL writes the same key is read differently.
#[test]
fn every_form_of_a_key() {
    let public = private().public().clone();
    let pkcs8 = PrivateKey::from_pem(include_str!("../../testdata/pkcs8.pem")).unwrap();
    assert_eq!(*pkcs8.public(), public);
    let pem = include_str!("../../testdata/public.pem");
    assert_eq!(PublicKey::from_pem(pem).as_ref(), Ok(&public));
    let spki = include_str!("../../testdata/spki.pem");
    assert_eq!(PublicKey::from_pem(spki).as_ref(), Ok(&public));
    assert_eq!(public.to_pem(), pem);
}

/// Breaks when a damaged key is accepted.
#[test]
fn bad_keys() {
    assert_eq!(PublicKey::from_pem(""), Err(KeyError::NotPem));
    assert_eq!(
        PublicKey::from_pem("-----BEGIN X-----\n?\n-----END X-----"),
        Err(KeyError::NotPem)
    );
    assert_eq!(
        PublicKey::from_pem("-----BEGIN X-----\nMAYCAQ8CAQM=\n-----END X-----"),
        Err(KeyError::Size)
    );
    assert_eq!(
        PublicKey::from_pem("-----BEGIN X-----\nMAYC\n-----END X-----"),
        Err(KeyError::NotRsa)
    );
}

/// Breaks when the padding of one role is not undone by the other.
#[test]
fn rsa_pad_round_trip() {
    let key = private();
    let dice = Dice::new(1);
    for length in [0, 1, 96, 144] {
        let data = vec![7; length];
        let encrypted = encrypt(&data, key.public(), &dice).unwrap();
        let unpadded = key.decrypt(&encrypted).unwrap();
        assert!(matches!(unpadded, Unpadded::Padded(_)));
        assert_eq!(&unpadded.data()[..length], &data);
    }
    assert!(encrypt(&[7; 145], key.public(), &dice).is_none());
}

/// Breaks when the older padding is not understood, or not checked.
#[test]
fn older_padding() {
    let key = private();
    let data = b"what the client says";
    let unpadded = key.decrypt(&encrypt_older(data, key.public())).unwrap();
    assert!(matches!(unpadded, Unpadded::Older(_)));
    assert_eq!(&unpadded.data()[..data.len()], data);
    assert!(unpadded.proves(data.len()));
    assert!(!unpadded.proves(data.len() + 1));
    assert!(!unpadded.proves(1000));
}

/// Breaks when a number beyond the modulus is worked on.
#[test]
fn beyond_the_modulus() {
    assert!(private().decrypt(&[0xff; 256]).is_none());
    assert!(private().decrypt(&[0xff; 300]).is_none());
    assert!(private().decrypt(&[]).is_some());
}

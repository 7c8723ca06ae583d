use base64::{Engine, engine::general_purpose::STANDARD};
use sluice_mtproto::{
    gzip::{deflate, inflate},
    rsa::{PrivateKey, PublicKey},
};

/// Compressed data: never more than the cap, and what was inflated goes there and back.
pub fn gzip(data: &[u8]) {
    const CAP: usize = 1 << 16;
    if let Ok(inflated) = inflate(data, CAP) {
        assert!(inflated.len() <= CAP);
        assert_eq!(inflate(&deflate(&inflated), CAP).as_ref(), Ok(&inflated));
        if let Some(less) = inflated.len().checked_sub(1) {
            assert!(inflate(data, less).is_err());
        }
    }
    assert_eq!(inflate(&deflate(data), data.len()).as_deref(), Ok(data));
}

/// RSA keys as PEM, and as DER inside of PEM.
pub fn keys(data: &[u8]) {
    let wrapped = format!(
        "-----BEGIN KEY-----\n{}\n-----END KEY-----\n",
        STANDARD.encode(data)
    );
    for pem in [&*String::from_utf8_lossy(data), &*wrapped] {
        if let Ok(key) = PublicKey::from_pem(pem) {
            assert_eq!(PublicKey::from_pem(&key.to_pem()).as_ref(), Ok(&key));
        }
        if let Ok(key) = PrivateKey::from_pem(pem) {
            assert_eq!(
                PublicKey::from_pem(&key.public().to_pem()).as_ref(),
                Ok(key.public())
            );
        }
    }
}

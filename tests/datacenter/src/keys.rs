//! The data center's RSA key pair: fixed, so that clients can be configured ahead of time. Its
//! fingerprint has no zero nibble at either end, because some clients misread those.

/// What a client needs, PKCS#1 PEM.
pub const PUBLIC_PEM: &str = include_str!("../keys/public.pem");

/// Worth nothing outside tests, which is why it may lie in a repository.
pub const PRIVATE_PEM: &str = include_str!("../keys/private.pem");

//! Signing in, step by step.

pub(crate) mod bot;
pub(crate) mod cancel_code;
pub(crate) mod password;
pub(crate) mod qr;
pub(crate) mod resend_code;
pub(crate) mod send_code;
pub(crate) mod sign_in;

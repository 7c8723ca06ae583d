//! One file per operation: what it takes, its documentation, its handler.

pub(crate) mod accounts;
pub(crate) mod decisions;
pub(crate) mod keys;
pub(crate) mod monitoring;
pub(crate) mod plugins;
pub(crate) mod session;
pub(crate) mod signin;
pub(crate) mod system;
pub(crate) mod telegram;

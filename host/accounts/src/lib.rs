//! Accounts: what the API calls.
//!
//! Owns an account's state and everything that happens in its name: sign-in, calls, the order of
//! its updates, known waits, rotation of its session, and the probes that prove what is shown.
//! Refuses to own sockets (`links`), bytes (`mtproto`, `tl`), rows (`store`) and HTTP (`api`).

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once per failed request, next to a network round trip"
)]

mod account;
mod accounts;
mod actor;
mod call;
mod entrance;
mod error;
mod fate;
mod files;
mod fill;
mod flood;
mod follow;
mod health;
mod jobs;
mod json;
mod lifecycle;
mod monitoring;
mod password;
mod peers;
mod probe;
mod problems;
mod qr;
mod recent;
mod rotation;
mod sends;
mod session;
mod settings;
mod shared;
mod sign_in;
mod updates;
mod views;
mod way;

pub use accounts::Accounts;
pub use error::AccountsError;
pub use files::{BrokenOff, Download, FileInfo, Incoming, Uploaded};
pub use settings::{
    AccountChange, CallOptions, CustomDc, CustomEnvironment, Deps, NewAccount, RotateRequest,
    Settings,
};
pub use views::*;

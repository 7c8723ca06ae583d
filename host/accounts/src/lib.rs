//! Accounts: what the API calls.
//!
//! Owns an account's state and everything that happens in its name: sign-in, calls, the order of
//! its updates, known waits, rotation of its session, and the probes that prove what is shown.
//! Refuses to own sockets (`links`), bytes (`mtproto`, `tl`), rows (`store`) and HTTP (`api`).

mod accounts;
mod error;
mod flood;
mod json;
mod settings;
mod updates;
mod views;

pub use accounts::Accounts;
pub use error::AccountsError;
pub use settings::{
    CallOptions, CustomDc, CustomEnvironment, Deps, NewAccount, RotateRequest, Settings,
};
pub use views::*;

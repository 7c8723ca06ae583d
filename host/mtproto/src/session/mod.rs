//! Sessions over an authorization key: message ids, sequence numbers, salts, acknowledgements,
//! containers and the service messages.
//!
//! Sources: <https://core.telegram.org/mtproto/description>,
//! <https://core.telegram.org/mtproto/service_messages>,
//! <https://core.telegram.org/mtproto/service_messages_about_messages>.

mod client;
mod clock;
mod salts;
mod server;
mod window;
mod wire;

pub use client::{CallId, ClientEvent, ClientSession};
pub use salts::{FutureSalt, ServerSalts};
pub use server::{ServerEvent, ServerSession};

/// `rpc_error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// Like an HTTP status.
    pub code: i32,
    /// `SCREAMING_SNAKE_CASE`, sometimes with a number.
    pub message: String,
}

#[cfg(test)]
mod tests;

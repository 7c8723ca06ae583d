//! Calls to Telegram, and what stands in their way.

pub(crate) mod call;
pub(crate) mod file;
pub(crate) mod history;
pub(crate) mod limits;
pub(crate) mod method;
pub(crate) mod methods;
pub(crate) mod pool_cleanup;
pub(crate) mod pool_status;
pub(crate) mod remove_limit;
pub(crate) mod send_file;
pub(crate) mod send_message;
pub(crate) mod upload;

mod dangerous;
mod formatted;

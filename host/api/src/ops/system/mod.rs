//! The gateway itself.

pub(crate) mod livez;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod problem_page;
pub(crate) mod readyz;
pub(crate) mod version;
pub(crate) mod ws_ticket;

//! Figures for people and dashboards.

pub(crate) mod sessions;
pub(crate) mod telegram;

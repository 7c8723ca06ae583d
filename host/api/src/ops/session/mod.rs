//! The session of an account.

pub(crate) mod connect;
pub(crate) mod disconnect;
pub(crate) mod health;
pub(crate) mod me;
pub(crate) mod rotate;
pub(crate) mod rotation;
pub(crate) mod rotations;
pub(crate) mod status;

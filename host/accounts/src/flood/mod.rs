//! Known waits: what Telegram asked to wait for is answered here until it is over, and Telegram
//! is not bothered. Kept by account and method, for slow mode by chat too; persistent.
//!
//! Telegram speaks of the method "with the given input parameters", so by method is the careful
//! reading. Calls that are willing to wait stand in lines ([`line`]) and leave them one by one.

mod ledger;
mod line;
mod meaning;

pub(crate) use ledger::{FloodLedger, Standing};
pub(crate) use line::{Full, Pass};
pub(crate) use meaning::wait_of;

#[cfg(test)]
mod tests;

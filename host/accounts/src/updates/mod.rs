//! The order of updates, by Telegram's rules (<https://core.telegram.org/api/updates>).
//!
//! Owns pts, qts, seq and each channel's pts: what is next, what came twice, what is missing and
//! has to be fetched. Does no I/O and reads no clock: updates, answers and the time are handed in;
//! what to fetch and what to commit are handed out.

mod answers;
mod channels;
mod fetches;
mod fetching;
mod gaps;
mod output;
mod place;
mod results;
mod sequence;
mod strangers;

pub(crate) use fetches::{Fetch, FetchFailure};
pub(crate) use gaps::Gaps;
pub(crate) use output::{Batch, Gap, Output};
pub(crate) use results::{affects, carried};
pub(crate) use strangers::strangers;

#[cfg(test)]
mod tests;

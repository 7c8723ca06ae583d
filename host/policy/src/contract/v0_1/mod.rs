//! Release 0.1.0, which still serves. What it has and the newest has not (a failure's name, a
//! verdict's advice) comes from the gateway's own records.

mod categorize;
mod export;
mod retry;

pub(super) use categorize::CategorizePolicyPre;
pub(super) use export::ExportPolicyPre;
pub(super) use retry::RetryPolicyPre;

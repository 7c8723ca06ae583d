//! What the result of a call means for the sequences: it is part of them like an update is.

use serde_json::Value;

use crate::json::{constructor, int};

const UPDATES: [&str; 7] = [
    "updates",
    "updatesCombined",
    "updateShort",
    "updateShortMessage",
    "updateShortChatMessage",
    "updateShortSentMessage",
    "updatesTooLong",
];

/// The `Updates` of a result: it is one, or carries one as a field (`messages.invitedUsers`,
/// `payments.paymentResult` and others).
pub(crate) fn carried(result: &Value) -> Option<&Value> {
    let is_updates = |value: &&Value| UPDATES.contains(&constructor(value));
    let fields = || result.as_object()?.values().find(is_updates);
    Some(result).filter(is_updates).or_else(fields)
}

/// pts and count of a result that moves a sequence without an update.
pub(crate) fn affects(result: &Value) -> Option<(i32, i32)> {
    let affected = matches!(
        constructor(result),
        "messages.affectedMessages" | "messages.affectedHistory" | "messages.affectedFoundMessages"
    );
    let numbers = (int(result, "pts")?, int(result, "pts_count")?);
    affected.then_some(numbers)
}

//! What the gap logic hands out, and which users and chats go with an update.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use sluice_domain::UpdateStep;

use crate::json::{as_long, long};

/// Something for the event log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// An update in its place.
    Update {
        update: Value,
        users: Vec<Value>,
        chats: Vec<Value>,
    },
    /// What is known to be lost.
    Gap(Gap),
}

/// A hole in a sequence that Telegram does not fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) reason: &'static str,
    /// The channel; None for the account's own sequences.
    pub(crate) channel: Option<i64>,
    /// Up to here everything is there.
    pub(crate) from: Option<i32>,
    /// From here on everything is there again.
    pub(crate) to: Option<i32>,
}

/// Outputs and the state they lead to, for one transaction.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) outputs: Vec<Output>,
    pub(crate) step: UpdateStep,
}

/// Users and chats of one container.
#[derive(Debug, Default)]
pub(super) struct Peers {
    pub(super) users: Vec<Value>,
    pub(super) chats: Vec<Value>,
}

impl Peers {
    fn is_empty(&self) -> bool {
        self.users.is_empty() && self.chats.is_empty()
    }
}

/// An update that waits for its turn; None moves a sequence and is told to nobody.
#[derive(Debug)]
pub(super) struct Item(Option<(Value, Arc<Peers>)>);

impl Item {
    pub(super) fn update(update: Value, peers: &Arc<Peers>) -> Self {
        Self(Some((update, Arc::clone(peers))))
    }

    pub(super) const fn silent() -> Self {
        Self(None)
    }

    pub(super) fn into_output(self) -> Option<Output> {
        let (update, peers) = self.0?;
        let (users, chats) = if peers.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let mut mentioned = HashSet::new();
            collect_ids(&update, &mut mentioned);
            let about = |peer: &Value| long(peer, "id").is_some_and(|id| mentioned.contains(&id));
            let pick = |all: &[Value]| all.iter().filter(|peer| about(peer)).cloned().collect();
            (pick(&peers.users), pick(&peers.chats))
        };
        Some(Output::Update {
            update,
            users,
            chats,
        })
    }
}

/// Every 64-bit number in a tree; ids are among them. A chance match adds a user too many, which
/// does no harm. The tree came through the schema walk: its depth is capped.
fn collect_ids(value: &Value, into: &mut HashSet<i64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| collect_ids(field, into)),
        // No number of 64 bits is longer; texts need not be tried.
        Value::String(text) if text.len() <= 20 => into.extend(as_long(value)),
        _ => {}
    }
}

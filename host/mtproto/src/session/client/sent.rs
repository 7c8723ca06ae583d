use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use super::CallId;

/// So many service messages that nobody answered are remembered, for the case that the server
/// refuses them.
const SERVICE: usize = 64;
/// So many containers are remembered, for the case that the server refuses one: it does so at once,
/// or when the connection comes back.
const CONTAINERS: usize = 256;

/// What a message of ours was about.
pub(super) enum What {
    Call(CallId),
    Acks(Vec<i64>),
    Ping {
        ping_id: i64,
        disconnect_delay: Option<i32>,
        at: Duration,
    },
    Salts(i32),
    StateReq(Vec<i64>),
    Resend(Vec<i64>),
    ResendAnswers(Vec<i64>),
    /// An answer to the server's own question.
    Info(Bytes),
    DestroySession(i64),
    DestroyKey,
}

/// The messages that were sent and not answered.
#[derive(Default)]
pub(super) struct Sent {
    messages: HashMap<i64, What>,
    service: VecDeque<i64>,
    containers: VecDeque<(i64, Box<[i64]>)>,
}

impl Sent {
    pub(super) fn add(&mut self, msg_id: i64, what: What) {
        if !matches!(what, What::Call(_)) {
            self.service.push_back(msg_id);
            if self.service.len() > SERVICE
                && let Some(oldest) = self.service.pop_front()
            {
                self.messages.remove(&oldest);
            }
        }
        self.messages.insert(msg_id, what);
    }

    pub(super) fn add_container(&mut self, container: i64, messages: &[i64]) {
        if self.containers.len() >= CONTAINERS {
            self.containers.pop_front();
        }
        self.containers.push_back((container, messages.into()));
    }

    pub(super) fn look(&self, msg_id: i64) -> Option<&What> {
        self.messages.get(&msg_id)
    }

    pub(super) fn take(&mut self, msg_id: i64) -> Option<What> {
        self.messages.remove(&msg_id)
    }

    /// Takes the first message that `wanted` finds among the service messages.
    pub(super) fn take_service(&mut self, wanted: impl Fn(&What) -> bool) -> Option<What> {
        let found = self
            .service
            .iter()
            .find(|msg_id| self.messages.get(msg_id).is_some_and(&wanted))?;
        self.messages.remove(found)
    }

    /// Takes the message, or all messages of the container, of this id.
    pub(super) fn take_all(&mut self, id: i64) -> Vec<What> {
        if let Some(what) = self.messages.remove(&id) {
            return vec![what];
        }
        let Some(at) = self.containers.iter().position(|(known, _)| *known == id) else {
            return Vec::new();
        };
        let (_, messages) = self.containers.remove(at).unwrap_or_default();
        messages
            .iter()
            .filter_map(|msg_id| self.messages.remove(msg_id))
            .collect()
    }
}

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use super::CallId;
use crate::{
    session::wire::{
        DESTROY_KEY, DESTROY_SESSION, DROP_ANSWER, GET_FUTURE_SALTS, MSGS_ACK, PING, PING_DELAY,
        RESEND_ANS_REQ, RESEND_REQ, STATE_REQ, ids_message,
    },
    wire::Writer,
};

/// So many service messages that nobody answered are remembered, for the case that the server
/// refuses them. So many acknowledgements too, apart: nobody answers those, and a busy session
/// sends more of them than this within the round trip of a ping.
const SERVICE: usize = 64;
/// So many containers are remembered, for the case that the server refuses one: it does so at once,
/// or when the connection comes back.
const CONTAINERS: usize = 256;

/// For which reasons a message was sent again. Each is good for one resend: it should be gone then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Causes(u128);

impl Causes {
    /// Whether this reason is new; it is not the next time. Codes of `bad_msg_notification` are
    /// below 128, and those beyond share one place.
    pub(super) fn add(&mut self, code: i32) -> bool {
        let bit = 1_u128 << code.clamp(0, 127).unsigned_abs();
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }
}

/// What a message of ours was about.
pub(super) enum What {
    Call(CallId),
    /// The answer to this message is not wanted any more.
    DropAnswer(i64),
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

impl What {
    /// Whether it means nothing in another session.
    pub(super) const fn is_of_session(&self) -> bool {
        matches!(
            self,
            Self::Acks(_)
                | Self::DropAnswer(_)
                | Self::StateReq(_)
                | Self::Resend(_)
                | Self::ResendAnswers(_)
                | Self::Info(_)
        )
    }

    /// Whether the other side has to acknowledge it. Acknowledgements and states acknowledge
    /// themselves.
    pub(super) const fn is_content(&self) -> bool {
        !matches!(self, Self::Acks(_) | Self::Info(_))
    }

    /// The message's bytes.
    pub(super) fn body(&self) -> Bytes {
        let written = match self {
            Self::Call(_) => return Bytes::new(),
            Self::Info(body) => return body.clone(),
            Self::Acks(ids) => return ids_message(MSGS_ACK, ids),
            Self::StateReq(ids) => return ids_message(STATE_REQ, ids),
            Self::Resend(ids) => return ids_message(RESEND_REQ, ids),
            Self::ResendAnswers(ids) => return ids_message(RESEND_ANS_REQ, ids),
            Self::Ping {
                ping_id,
                disconnect_delay: None,
                ..
            } => Writer::boxed(PING, 12).long(*ping_id),
            Self::Ping {
                ping_id,
                disconnect_delay: Some(delay),
                ..
            } => Writer::boxed(PING_DELAY, 16).long(*ping_id).int(*delay),
            Self::DropAnswer(id) => Writer::boxed(DROP_ANSWER, 12).long(*id),
            Self::Salts(count) => Writer::boxed(GET_FUTURE_SALTS, 8).int(*count),
            Self::DestroySession(id) => Writer::boxed(DESTROY_SESSION, 12).long(*id),
            Self::DestroyKey => Writer::boxed(DESTROY_KEY, 4),
        };
        written.finish().into()
    }

    /// An upper bound of the message's length.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Acks(ids)
            | Self::StateReq(ids)
            | Self::Resend(ids)
            | Self::ResendAnswers(ids) => 12 + ids.len() * 8,
            Self::Info(body) => body.len(),
            _ => 16,
        }
    }
}

/// The messages that were sent and not answered.
#[derive(Default)]
pub(super) struct Sent {
    messages: HashMap<i64, (What, Causes)>,
    service: VecDeque<i64>,
    acks: VecDeque<i64>,
    containers: VecDeque<(i64, Box<[i64]>)>,
}

impl Sent {
    pub(super) fn add(&mut self, msg_id: i64, what: What, causes: Causes) {
        let bounded = match what {
            What::Call(_) => None,
            What::Acks(_) => Some(&mut self.acks),
            _ => Some(&mut self.service),
        };
        if let Some(bounded) = bounded {
            bounded.push_back(msg_id);
            if bounded.len() > SERVICE
                && let Some(oldest) = bounded.pop_front()
            {
                self.messages.remove(&oldest);
            }
        }
        self.messages.insert(msg_id, (what, causes));
    }

    pub(super) fn add_container(&mut self, container: i64, messages: &[i64]) {
        if self.containers.len() >= CONTAINERS {
            self.containers.pop_front();
        }
        self.containers.push_back((container, messages.into()));
    }

    pub(super) fn look(&self, msg_id: i64) -> Option<&What> {
        self.messages.get(&msg_id).map(|(what, _)| what)
    }

    pub(super) fn take(&mut self, msg_id: i64) -> Option<What> {
        self.messages.remove(&msg_id).map(|(what, _)| what)
    }

    /// Takes the first message that `wanted` finds among the service messages.
    pub(super) fn take_service(&mut self, wanted: impl Fn(&What) -> bool) -> Option<What> {
        let found = self
            .service
            .iter()
            .find(|msg_id| self.look(**msg_id).is_some_and(&wanted))?;
        self.messages.remove(found).map(|(what, _)| what)
    }

    /// Takes the message, or all messages of the container, of this id.
    pub(super) fn take_all(&mut self, id: i64) -> Vec<(What, Causes)> {
        if let Some(message) = self.messages.remove(&id) {
            return vec![message];
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

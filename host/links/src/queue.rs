use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::CallError;

/// Orders that may wait for a link; more are not taken.
const COMMANDS: usize = 64;

/// Whether a call has left this machine. Shared by the caller, who may give up, and the link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(crate) fn mark(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The error of a call that ends without an answer.
    pub(crate) fn died(&self, reason: &str) -> CallError {
        let reason = reason.to_owned();
        if self.get() {
            CallError::MaybeExecuted { reason }
        } else {
            CallError::NeverSent { reason }
        }
    }
}

/// One call on its way to a link. Not printable: its body may carry a code or a token.
pub(crate) struct Call {
    /// The method's bytes, without wrappers.
    pub(crate) body: Bytes,
    pub(crate) sent: Sent,
    pub(crate) reply: oneshot::Sender<Result<Bytes, CallError>>,
    /// When it was given to the session, or asked for.
    pub(crate) at: Instant,
    /// How often it was sent again because the server wanted `initConnection` first.
    pub(crate) inits: u8,
}

impl Call {
    pub(crate) fn fail(self, reason: &str) {
        let error = self.sent.died(reason);
        self.end(Err(error));
    }

    pub(crate) fn end(self, result: Result<Bytes, CallError>) {
        // The caller may have gone: then nobody wants the result.
        let _ = self.reply.send(result);
    }
}

/// What the pool asks of a link besides calls.
#[derive(Debug)]
pub(crate) enum Command {
    /// Ping, and say how long it took.
    Probe(oneshot::Sender<Duration>),
    /// Close or recycle if there is nothing in flight, or in any case.
    Cleanup {
        force: bool,
        done: oneshot::Sender<Cleaned>,
    },
    /// Do not wait for the next try; forget that the key was lost.
    Retry,
    /// Have the key destroyed, and say whether it is gone.
    Destroy(oneshot::Sender<bool>),
}

/// What became of a link in a cleanup.
#[derive(Debug)]
pub(crate) enum Cleaned {
    Closed(String),
    Kept,
}

/// The bounded queues before a link. They outlive the link's task, so that a panic there loses no
/// call that was not sent.
pub(crate) struct Inbox {
    calls: Mutex<VecDeque<Call>>,
    commands: Mutex<VecDeque<Command>>,
    bound: usize,
    woken: Notify,
}

impl Inbox {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            calls: Mutex::default(),
            commands: Mutex::default(),
            bound,
            woken: Notify::new(),
        }
    }

    /// Appends the call, unless the queue is full of calls that are still wanted.
    pub(crate) fn push(&self, call: Call) -> Result<(), CallError> {
        let mut calls = self.calls.lock();
        if calls.len() >= self.bound {
            calls.retain(|call| !call.reply.is_closed());
        }
        if calls.len() >= self.bound {
            return Err(CallError::Overloaded);
        }
        calls.push_back(call);
        drop(calls);
        self.woken.notify_one();
        Ok(())
    }

    /// Has the link look around.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Puts a call back that was taken and did not leave.
    pub(crate) fn push_front(&self, call: Call) {
        self.calls.lock().push_front(call);
    }

    /// The next call that is still wanted.
    pub(crate) fn call(&self) -> Option<Call> {
        let mut calls = self.calls.lock();
        while let Some(call) = calls.pop_front() {
            if !call.reply.is_closed() {
                return Some(call);
            }
        }
        None
    }

    /// Calls that wait and are still wanted.
    pub(crate) fn waiting(&self) -> usize {
        let calls = self.calls.lock();
        calls.iter().filter(|c| !c.reply.is_closed()).count()
    }

    /// Gives the link an order. If too many wait, it is dropped, which whoever waits for it sees.
    pub(crate) fn order(&self, command: Command) {
        let mut commands = self.commands.lock();
        if commands.len() < COMMANDS {
            commands.push_back(command);
        }
        drop(commands);
        self.woken.notify_one();
    }

    pub(crate) fn command(&self) -> Option<Command> {
        self.commands.lock().pop_front()
    }

    /// Whether anything in it is still to be taken: calls that are wanted, or orders.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.commands.lock().is_empty()
    }

    /// Waits until something was put in. May wake without.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Ends all that is in it.
    pub(crate) fn clear(&self, reason: &str) {
        self.commands.lock().clear();
        let calls = std::mem::take(&mut *self.calls.lock());
        for call in calls {
            call.fail(reason);
        }
    }
}

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::{
    CallError, Cleanup, DestroyedKey, LinkStatus, PoolError, PoolEvent, PoolParams, PoolState,
    Target,
};

/// The links of one authorization. Cheap to clone; the links stay until [`Pool::close`].
#[derive(Clone)]
pub struct Pool {}

impl Pool {
    /// Makes a closed pool from what the store has. [`Pool::open`] opens it.
    pub async fn start(params: PoolParams) -> Result<(Self, mpsc::Receiver<PoolEvent>), PoolError> {
        let _ = params;
        todo!()
    }

    /// Opens the main link, and keeps it open. Told again, it tries at once instead of waiting,
    /// and forgets that the key was lost.
    pub fn open(&self) {
        todo!()
    }

    /// Closes every link and keeps the keys. Calls without an answer end. Returns when the
    /// sockets are closed, in less than 2 s.
    pub async fn close(&self) {
        todo!()
    }

    /// Calls a method, given as its TL bytes without any wrapper, and returns the bytes of the
    /// result. Waits for the link to be connected, until the deadline.
    pub async fn call(
        &self,
        target: Target,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, CallError> {
        let _ = (target, body, deadline);
        todo!()
    }

    /// Pings over the main link and returns the round trip.
    pub async fn probe(&self, deadline: Instant) -> Result<Duration, CallError> {
        let _ = deadline;
        todo!()
    }

    /// Every link, main first.
    pub fn status(&self) -> Vec<LinkStatus> {
        todo!()
    }

    /// Closes idle media links and broken links, and recycles an idle main link. Links with calls
    /// in flight are kept, unless forced.
    pub async fn cleanup(&self, force: bool) -> Cleanup {
        let _ = force;
        todo!()
    }

    /// Moves an authorization that is not signed in yet to another data center (after
    /// PHONE_MIGRATE, USER_MIGRATE, NETWORK_MIGRATE or a MigrateTo): the old main link is closed, a
    /// new one opened there, with a new key if there is none.
    pub async fn set_home_dc(&self, dc: i32) -> Result<(), PoolError> {
        let _ = dc;
        todo!()
    }

    /// Where the authorization lives.
    pub fn home_dc(&self) -> i32 {
        todo!()
    }

    /// Marks the home key as signed in, in the store: from then on it is never replaced.
    pub async fn mark_authorized(&self) -> Result<(), PoolError> {
        todo!()
    }

    /// Whether the home key is marked as signed in.
    pub fn authorized(&self) -> bool {
        todo!()
    }

    /// The id of the home key in hexadecimal, once there is one.
    pub fn key_fingerprint(&self) -> Option<String> {
        todo!()
    }

    /// Whether the main link stands.
    pub fn main_connected(&self) -> bool {
        todo!()
    }

    /// Follows the state of the links.
    pub fn watch(&self) -> watch::Receiver<PoolState> {
        todo!()
    }

    /// Has Telegram destroy each key of the authorization, over its own link, then closes the
    /// pool. For after `auth.logOut`.
    pub async fn destroy_keys(&self, deadline: Instant) -> Vec<DestroyedKey> {
        let _ = deadline;
        todo!()
    }

    /// The schema's layer in which the pool speaks.
    pub fn layer(&self) -> i32 {
        todo!()
    }
}

//! What an account's actor asks of Telegram beside its loop.

use core::time::Duration;

use serde_json::{Value, json};
use sluice_domain::{AccountKind, Execution, Failure, Layer, PeerKind};
use sluice_links::CallError;
use tokio::time::Instant;

use crate::account::Account;
use crate::probe::AUTHORIZED_FOR;
use crate::session::Session;
use crate::updates::Fetch;

/// What a probe saw.
pub(crate) struct Probed {
    /// Round trip of a ping.
    pub(crate) pong: Result<Duration, CallError>,
    /// `updates.getState`, if it was asked.
    pub(crate) state: Option<Result<Value, Failure>>,
}

const STATE: &str = "updates.getState";

/// The method that fetches this.
pub(crate) const fn method(fetch: &Fetch) -> &'static str {
    match fetch {
        Fetch::State => STATE,
        Fetch::Difference { .. } => "updates.getDifference",
        Fetch::Channel { .. } => "updates.getChannelDifference",
    }
}

/// Seconds for which Telegram does not want to hear this method from the account; None when it may.
pub(crate) fn held(account: &Account, method: &str) -> Option<u64> {
    let (ledger, now) = (&account.shared.ledger, account.shared.now());
    ledger
        .standing(&account.name, method, None, now, None)
        .map(|standing| standing.left_ms.div_ceil(1_000))
}

/// Pings, and tries the authorization when it was not tried for a while.
pub(crate) async fn probe(account: &Account, session: &Session) -> Probed {
    let (interval, within) = {
        let settings = account.shared.settings();
        (settings.probe_interval, settings.internal_timeout)
    };
    let pong = session.pool.probe(Instant::now() + interval).await;
    let now = account.shared.deps.clock.monotonic();
    let proven = {
        let mut probe = account.probe.lock();
        let doubted = core::mem::take(&mut probe.doubted);
        let fresh = |at: Duration| now.saturating_sub(at) < AUTHORIZED_FOR / 2;
        !doubted && probe.authorized_failed.is_none() && probe.authorized.is_some_and(fresh)
    };
    let state = if pong.is_ok() && !proven && held(account, STATE).is_none() {
        Some(session.invoke(STATE, json!({}), within).await)
    } else {
        None
    };
    Probed { pong, state }
}

/// Asks Telegram for what the gap logic wants.
pub(crate) async fn fetch(
    account: &Account,
    session: &Session,
    wanted: &Fetch,
) -> Result<Value, Failure> {
    let within = account.shared.settings().internal_timeout;
    let method = method(wanted);
    if held(account, method).is_some() {
        return Err(Failure::local(
            Layer::Gateway,
            "WAIT_IN_FORCE",
            method,
            session.kind,
            Execution::NeverSent,
        ));
    }
    let params = match wanted {
        Fetch::State => json!({}),
        Fetch::Difference { pts, date, qts } => json!({"pts": pts, "date": date, "qts": qts}),
        Fetch::Channel { channel, pts } => {
            let (name, id) = (account.name.clone(), *channel);
            let peer = account
                .shared
                .store(move |store| store.peer(&name, PeerKind::Channel, id))
                .await;
            let Ok(Some(peer)) = peer else {
                return Err(Failure::local(
                    Layer::Gateway,
                    "PEER_UNKNOWN",
                    method,
                    session.kind,
                    Execution::NeverSent,
                ));
            };
            let limit = if session.kind == AccountKind::Bot {
                100_000
            } else {
                100
            };
            let channel = json!({
                "_": "inputChannel",
                "channel_id": peer.id.to_string(),
                "access_hash": peer.access_hash.to_string(),
            });
            let filter = json!({"_": "channelMessagesFilterEmpty"});
            json!({"channel": channel, "filter": filter, "pts": pts, "limit": limit})
        }
    };
    session.invoke(method, params, within).await
}

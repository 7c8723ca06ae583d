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

/// Pings, and tries the authorization when it was not tried for a while.
pub(crate) async fn probe(account: &Account, session: &Session) -> Probed {
    let (interval, within) = {
        let settings = account.shared.settings();
        (settings.probe_interval, settings.internal_timeout)
    };
    let pong = session.pool.probe(Instant::now() + interval).await;
    let now = account.shared.deps.clock.monotonic();
    let proven = {
        let probe = account.probe.lock();
        let fresh = |at: Duration| now.saturating_sub(at) < AUTHORIZED_FOR / 2;
        probe.authorized_failed.is_none() && probe.authorized.is_some_and(fresh)
    };
    let state = if pong.is_ok() && !proven {
        Some(session.invoke("updates.getState", json!({}), within).await)
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
    let (method, params) = match wanted {
        Fetch::State => ("updates.getState", json!({})),
        Fetch::Difference { pts, date, qts } => (
            "updates.getDifference",
            json!({"pts": pts, "date": date, "qts": qts}),
        ),
        Fetch::Channel { channel, pts } => {
            let method = "updates.getChannelDifference";
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
            let params = json!({"channel": channel, "filter": filter, "pts": pts, "limit": limit});
            (method, params)
        }
    };
    session.invoke(method, params, within).await
}

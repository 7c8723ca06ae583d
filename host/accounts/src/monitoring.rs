//! What is measured of accounts: links, traffic, waits.

use sluice_domain::EventBody;

use crate::account::Account;
use crate::{
    AccountTrafficView, ConnectionMetricsView, ConnectionView, MethodTrafficView, PoolStatusView,
    PoolTotalsView, QuantilesView,
};

/// The links of an account.
pub(crate) fn connections(account: &Account) -> Vec<ConnectionView> {
    let Some(session) = account.session() else {
        return Vec::new();
    };
    session
        .pool
        .status()
        .into_iter()
        .map(|link| ConnectionView {
            id: link.id,
            account: account.name.clone(),
            dc: link.dc,
            role: link.role.as_str().to_owned(),
            status: link.status.as_str().to_owned(),
            metrics: ConnectionMetricsView {
                latency: link.latency_ms.map(whole),
                errors: link.errors,
                last_used: link.last_used,
                in_flight: link.in_flight,
                bytes_in: link.bytes_in,
                bytes_out: link.bytes_out,
                connected_since: link.connected_since,
            },
        })
        .collect()
}

/// Rounded up: a link on this machine takes less than a millisecond, but not none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a round trip is neither negative nor longer than a deadline"
)]
fn whole(millis: f64) -> u64 {
    millis.max(0.0).ceil() as u64
}

/// Links with their sums.
pub(crate) fn pool_status(connections: Vec<ConnectionView>) -> PoolStatusView {
    let mut totals = PoolTotalsView {
        connections: connections.len(),
        ..PoolTotalsView::default()
    };
    for link in &connections {
        match link.status.as_str() {
            "active" => totals.active += 1,
            "idle" => totals.idle += 1,
            _ => totals.error += 1,
        }
        totals.in_flight += link.metrics.in_flight;
    }
    PoolStatusView {
        connections,
        totals,
    }
}

/// Tells the readers of live state about the links.
pub(crate) fn publish_pool(account: &Account) {
    match serde_json::to_value(connections(account)) {
        Ok(connections) => {
            let body = EventBody::PoolStatus { connections };
            let event = account.shared.event(&account.name, body);
            account.shared.deps.live.publish(&event);
        }
        Err(error) => tracing::error!(account = %account.name, %error, "links cannot be shown"),
    }
}

/// Calls, errors, latencies and waits of an account.
pub(crate) fn traffic(account: &Account) -> AccountTrafficView {
    let stats = account.shared.deps.telemetry.calls().account(&account.name);
    let (bytes_in, bytes_out) = connections(account).iter().fold((0, 0), |sum, link| {
        (
            sum.0 + link.metrics.bytes_in,
            sum.1 + link.metrics.bytes_out,
        )
    });
    AccountTrafficView {
        account: account.name.clone(),
        methods: stats
            .methods
            .into_iter()
            .map(|method| MethodTrafficView {
                method: method.method,
                calls: method.calls,
                errors: method
                    .errors
                    .into_iter()
                    .map(|(category, count)| (category.as_str().to_owned(), count))
                    .collect(),
                latency_ms: QuantilesView {
                    p50: method.latency_ms.p50,
                    p95: method.latency_ms.p95,
                    p99: method.latency_ms.p99,
                },
                retries: method.retries,
                waits: method.waits,
            })
            .collect(),
        limits: account
            .shared
            .ledger
            .list(Some(&account.name), account.shared.now()),
        bytes_in,
        bytes_out,
        updates: stats.updates,
        gaps: stats.gaps,
    }
}

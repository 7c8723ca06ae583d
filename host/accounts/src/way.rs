//! How an account's links leave.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sluice_domain::{FieldError, Problem, Proxy, Secret, Way};
use sluice_links::ConnectGate;

use crate::account::Account;
use crate::session::Session;
use crate::{ProxyView, problems};

/// Instead of a proxy: none, whatever the configuration says.
const DIRECT: &str = "direct";

/// The limits on connects: one for all links that leave by one address, which is that of the
/// proxy.
#[derive(Default)]
pub(crate) struct Gates(Mutex<BTreeMap<Option<String>, Arc<ConnectGate>>>);

impl Gates {
    /// The limit of a way out.
    pub(crate) fn of(&self, way: &Way) -> Arc<ConnectGate> {
        let exit = way.proxy.as_ref().map(ToString::to_string);
        let mut gates = self.0.lock();
        // Nobody leaves there any more.
        gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        Arc::clone(gates.entry(exit).or_default())
    }
}

/// The sessions of an account that have links, or may have.
#[derive(Default)]
pub(crate) struct Leaving {
    sessions: Mutex<Vec<Weak<Session>>>,
    /// The way is changed by one at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Account {
    /// How the links leave: by the account's own proxy, else as the configuration says.
    pub(crate) fn way(&self) -> Result<Way, Problem> {
        let mut way = self.shared.settings().way.clone();
        let own = self.record().proxy.clone();
        if let Some(own) = own {
            way.proxy = chosen(&own).map_err(|_| {
                // It was readable when it was stored. Going straight instead could be just what
                // nobody wants.
                problems::configuration("the account's proxy cannot be read; set it again")
                    .of(&self.name)
            })?;
        }
        Ok(way)
    }

    /// What may be shown of the proxy.
    pub(crate) fn proxy(&self) -> Option<ProxyView> {
        let proxy = self.way().ok()?.proxy?;
        Some(ProxyView {
            kind: proxy.kind_name(),
            host: proxy.host,
            port: proxy.port,
            own: self.record().proxy.is_some(),
        })
    }

    /// A session begins to have links.
    pub(crate) async fn entered(&self, session: &Arc<Session>) {
        {
            let mut sessions = self.leaving.sessions.lock();
            sessions.retain(|session| session.strong_count() > 0);
            sessions.push(Arc::downgrade(session));
        }
        // The way may have been changed since it was read.
        self.take_way().await;
    }

    /// Has every link leave as it is to now. Returns when none leaves by another way.
    pub(crate) async fn take_way(&self) {
        let _turn = self.leaving.turn.lock().await;
        let way = match self.way() {
            Ok(way) => way,
            Err(problem) => {
                tracing::error!(account = %self.name, problem = problem.detail, "the way out stays");
                return;
            }
        };
        let sessions: Vec<_> = self.leaving.sessions.lock().clone();
        for session in sessions.iter().filter_map(Weak::upgrade) {
            let gate = self.shared.gates.of(&way);
            session.pool.set_way(way.clone(), gate).await;
        }
    }
}

/// Refuses what is neither a proxy nor `direct`.
pub(crate) fn check(proxy: &Secret<String>) -> Result<(), Problem> {
    chosen(proxy).map(drop).map_err(|detail| {
        problems::bad_parameters(vec![FieldError {
            pointer: "/proxy".to_owned(),
            detail,
        }])
    })
}

fn chosen(proxy: &Secret<String>) -> Result<Option<Proxy>, String> {
    if proxy.expose().trim() == DIRECT {
        return Ok(None);
    }
    let proxy = proxy.expose().parse::<Proxy>();
    proxy.map(Some).map_err(|error| error.to_string())
}

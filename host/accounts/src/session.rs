//! One authorization with its links, and calls the gateway makes by itself.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_domain::{
    AccountKind, AuthorizationId, AuthorizationRecord, Execution, Failure, Layer, Problem,
    UnixMillis,
};
use sluice_links::{CallError, DcAddress, Limits, Pool, PoolEvent, PoolParams, Target, Topology};
use sluice_tl::Schema;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::Account;
use crate::problems;

/// One authorization with its links.
pub(crate) struct Session {
    pub(crate) id: AuthorizationId,
    pub(crate) pool: Pool,
    pub(crate) created_at: UnixMillis,
    pub(crate) kind: AccountKind,
}

/// Calls that may sign in the key they are made with.
const SIGNS_IN: [&str; 7] = [
    "auth.signIn",
    "auth.checkPassword",
    "auth.recoverPassword",
    "auth.sendCode",
    "auth.exportLoginToken",
    "auth.importLoginToken",
    "auth.importBotAuthorization",
];

/// Answers to them that say that they did.
const SIGNED_IN: [&str; 3] = [
    "auth.authorization",
    "auth.loginTokenSuccess",
    "auth.sentCodeSuccess",
];

/// What the pool tells; whoever serves the session reads it.
pub(crate) type PoolEvents = mpsc::Receiver<PoolEvent>;

impl Session {
    /// Makes the (closed) pool of an authorization.
    pub(crate) async fn start(
        account: &Account,
        authorization: &AuthorizationRecord,
    ) -> Result<(Arc<Self>, PoolEvents), Problem> {
        let deps = &account.shared.deps;
        let (api_id, _) = account.api()?;
        let (device, kind) = {
            let record = account.record();
            (record.device.clone(), record.kind)
        };
        let way = account.way()?;
        let params = PoolParams {
            account: account.name.clone(),
            authorization: authorization.id,
            api_id,
            device,
            topology: topology(account)?,
            home_dc: authorization.home_dc,
            store: Arc::clone(&deps.store),
            clock: Arc::clone(&deps.clock),
            random: Arc::clone(&deps.random),
            tracker: deps.tracker.clone(),
            gate: account.shared.gates.of(&way),
            way,
            limits: Limits::default(),
        };
        let (pool, events) = Pool::start(params)
            .await
            .map_err(|error| problems::pool(&error).of(&account.name))?;
        let session = Arc::new(Self {
            id: authorization.id,
            pool,
            created_at: authorization.created_at,
            kind,
        });
        account.entered(&session).await;
        Ok((session, events))
    }

    /// Calls a method over the main link. Nothing is repeated here. A key that the call may sign in
    /// is marked as such before it leaves: an answer that is lost, or a process that is killed
    /// before it is kept, must not leave a key that counts as replaceable.
    pub(crate) async fn invoke(
        &self,
        method: &str,
        params: Value,
        within: Duration,
    ) -> Result<Value, Failure> {
        if !SIGNS_IN.contains(&method) || self.pool.authorized() {
            return self.send(method, params, within).await;
        }
        let deadline = Instant::now() + within;
        if let Err(error) = self.pool.about_to_sign_in(deadline).await {
            tracing::warn!(method, %error, "the key cannot be marked before the sign-in");
            return Err(self.local(
                Layer::Network,
                "NOT_CONNECTED",
                method,
                Execution::NeverSent,
            ));
        }
        let answer = self.send(method, params, within).await;
        let signed_in = match &answer {
            Ok(answer) => SIGNED_IN.contains(&crate::json::constructor(answer)),
            Err(failure) => failure.execution == Execution::MaybeExecuted,
        };
        if !signed_in && let Err(error) = self.pool.not_signed_in().await {
            tracing::warn!(method, %error, "the key stays marked as one that may be signed in");
        }
        answer
    }

    async fn send(&self, method: &str, params: Value, within: Duration) -> Result<Value, Failure> {
        let schema = Schema::newest();
        let params = match params {
            Value::Object(params) => params,
            _ => Map::new(),
        };
        let body = schema.encode_call(method, &params).map_err(|error| {
            tracing::error!(method, %error, "a call of the gateway's own does not fit the schema");
            self.local(
                Layer::Gateway,
                "ENCODING_FAILED",
                method,
                Execution::NeverSent,
            )
        })?;
        let answer = self
            .pool
            .call(Target::Main, Bytes::from(body), Instant::now() + within)
            .await
            .map_err(|error| failure(error, method, self.kind))?;
        schema.decode_result(method, &answer).map_err(|error| {
            tracing::warn!(method, %error, "an answer does not fit the schema");
            self.local(
                Layer::Gateway,
                "UNREADABLE_ANSWER",
                method,
                Execution::MaybeExecuted,
            )
        })
    }

    fn local(&self, layer: Layer, name: &str, method: &str, execution: Execution) -> Failure {
        Failure::local(layer, name, method, self.kind, execution)
    }
}

/// A failed call as policies see it.
pub(crate) fn failure(error: CallError, method: &str, kind: AccountKind) -> Failure {
    let execution = error.execution();
    let (layer, name) = match error {
        CallError::Rpc { code, message } => return Failure::telegram(code, &message, method, kind),
        CallError::NeverSent { .. } | CallError::MaybeExecuted { .. } => {
            (Layer::Network, "CONNECTION_LOST")
        }
        CallError::Deadline { .. } => (Layer::Timeout, "DEADLINE"),
        CallError::Overloaded => (Layer::Gateway, "OVERLOADED"),
        CallError::NotConnected { .. } => (Layer::Network, "NOT_CONNECTED"),
    };
    Failure::local(layer, name, method, kind, execution)
}

fn topology(account: &Account) -> Result<Arc<Topology>, Problem> {
    use sluice_domain::Environment;
    let settings = account.shared.settings();
    let topology = match account.environment() {
        Environment::Production => Topology::production(),
        Environment::Test => Topology::test(),
        Environment::Custom => {
            let dcs = settings.custom.dcs.iter().map(|dc| DcAddress {
                id: dc.id,
                host: dc.host.clone(),
                port: dc.port,
                media_only: dc.media_only,
            });
            Topology::custom(dcs.collect(), &settings.custom.keys, false)
                .map_err(|error| problems::pool(&error).of(&account.name))?
        }
    };
    Ok(Arc::new(topology))
}

/// The data center a sign-in begins at. Telegram names another one when the account lives there.
pub(crate) fn first_dc(account: &Account) -> Result<i32, Problem> {
    let dcs = topology(account)?.dcs();
    let first = dcs.iter().find(|dc| **dc == 2).or_else(|| dcs.first());
    first.copied().ok_or_else(|| {
        problems::configuration("no data center is configured for this environment")
            .of(&account.name)
    })
}

/// Reads a pool's events while nobody serves its session yet: during a sign-in or a rotation.
pub(crate) struct Drain {
    stop: CancellationToken,
    task: JoinHandle<PoolEvents>,
    /// Told when a QR token was accepted.
    pub(crate) accepted: Arc<Notify>,
}

impl Drain {
    pub(crate) fn start(account: &Account, mut events: PoolEvents) -> Self {
        let stop = account.shared.stop.child_token();
        let accepted = Arc::new(Notify::new());
        let task = account.shared.deps.tracker.spawn({
            let (stop, accepted) = (stop.clone(), Arc::clone(&accepted));
            async move {
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return events,
                        event = events.recv() => match event {
                            None => return events,
                            Some(PoolEvent::Update(bytes)) if is_login_token(&bytes) => {
                                accepted.notify_one();
                            }
                            Some(_) => {}
                        },
                    }
                }
            }
        });
        Self {
            stop,
            task,
            accepted,
        }
    }

    /// Stops reading and hands the events back. What came meanwhile is left to the difference.
    pub(crate) async fn finish(self) -> Option<PoolEvents> {
        self.stop.cancel();
        self.task.await.ok()
    }
}

fn is_login_token(bytes: &[u8]) -> bool {
    Schema::newest()
        .decode_boxed("Updates", bytes)
        .is_ok_and(|updates| {
            let one = updates.get("update").into_iter();
            let all = crate::json::list(&updates, "updates").iter();
            one.chain(all)
                .any(|update| crate::json::constructor(update) == "updateLoginToken")
        })
}

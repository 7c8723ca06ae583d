//! The same call without the gateway: a pool of one main link, straight to the data center.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_datacenter::DcInfo;
use sluice_domain::{
    AccountKind, AccountName, AccountRecord, AccountState, AuthorizationRole, Clock, DcKey,
    DeviceIdentity, Random, Secret, SessionStore, UnixMillis, Way,
};
use sluice_links::{ConnectGate, DcAddress, Limits, Pool, PoolEvent, PoolParams, Target, Topology};
use sluice_store::{Store, Vault};
use sluice_tl::Schema;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

struct Ambient(std::time::Instant);

impl Clock for Ambient {
    fn now(&self) -> UnixMillis {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Random for Ambient {
    #[expect(
        clippy::expect_used,
        reason = "without randomness there is nothing to measure"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system's randomness");
    }
}

/// A pool with one main link and no account behind it.
pub struct Link {
    pool: Pool,
    _events: mpsc::Receiver<PoolEvent>,
    _dir: tempfile::TempDir,
}

impl Link {
    /// Opens a link with a key of its own to the first data center of a demo's ready line.
    pub async fn open(ready: &Value) -> Result<Self> {
        let dc = ready
            .pointer("/datacenter/dcs/0")
            .context("no data center in the ready line")?;
        let id = i32::try_from(dc["id"].as_i64().context("id")?)?;
        let address = |name: &str| -> Result<SocketAddr> {
            Ok(dc[name].as_str().context("an address")?.parse()?)
        };
        let dc = DcInfo {
            id,
            address: address("address")?,
            media_address: address("media_address")?,
        };
        let pem = ready
            .pointer("/datacenter/public_key")
            .and_then(Value::as_str)
            .context("public_key")?;
        Self::start(&dc, pem, None, Limits::default()).await
    }

    /// Opens links to a data center with a key that it issued, or with one made by exchange.
    pub async fn start(
        dc: &DcInfo,
        pem: &str,
        key: Option<&[u8; 256]>,
        limits: Limits,
    ) -> Result<Self> {
        let ambient = Arc::new(Ambient(std::time::Instant::now()));
        let clock: Arc<dyn Clock> = Arc::clone(&ambient) as Arc<dyn Clock>;
        let random: Arc<dyn Random> = ambient;
        let dir = tempfile::tempdir()?;
        let vault = Vault::from_key(&Secret::new(vec![7; 32]), Arc::clone(&random))?;
        let store: Arc<dyn SessionStore> = Store::open(dir.path(), vault, Arc::clone(&clock))?;
        let account: AccountName = "bare".parse()?;
        store.insert_account(&record(&account, clock.now()))?;
        let place = |address: SocketAddr, media_only| DcAddress {
            id: dc.id,
            host: address.ip().to_string(),
            port: address.port(),
            media_only,
        };
        let addresses = vec![place(dc.address, false), place(dc.media_address, true)];
        let id = dc.id;
        let authorization =
            store.create_authorization(&account, AuthorizationRole::Current, id, clock.now())?;
        if let Some(key) = key {
            let key = DcKey {
                dc: id,
                key: Secret::new(key.to_vec()),
                salt: 0,
                time_offset: 0,
                authorized: true,
                session: None,
            };
            store.save_key(authorization.id, &key)?;
        }
        let (pool, events) = Pool::start(PoolParams {
            account,
            authorization: authorization.id,
            api_id: 1,
            device: DeviceIdentity::default(),
            topology: Arc::new(Topology::custom(addresses, &[pem.to_owned()], false)?),
            home_dc: id,
            store,
            clock,
            random,
            tracker: TaskTracker::new(),
            way: Way::default(),
            gate: Arc::new(ConnectGate::default()),
            limits,
        })
        .await?;
        pool.open();
        Ok(Self {
            pool,
            _events: events,
            _dir: dir,
        })
    }

    /// Encodes, sends, waits, decodes: what the gateway does, without the gateway.
    pub async fn call(&self, method: &str) -> Result<Value> {
        let schema = Schema::newest();
        let body = schema
            .encode_call(method, &Map::new())
            .map_err(|e| anyhow!("{e:?}"))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        let answer = self
            .pool
            .call(Target::Main, Bytes::from(body), deadline)
            .await;
        let answer = answer.map_err(|e| anyhow!("{e:?}"))?;
        schema
            .decode_result(method, &answer)
            .map_err(|e| anyhow!("{e:?}"))
    }

    /// Sends bytes that are encoded already to a link of that kind.
    pub async fn raw(&self, target: Target, body: Bytes) -> Result<Bytes> {
        let deadline = Instant::now() + Duration::from_mins(1);
        let answer = self.pool.call(target, body, deadline).await;
        answer.map_err(|e| anyhow!("{e:?}"))
    }
}

fn record(name: &AccountName, at: UnixMillis) -> AccountRecord {
    AccountRecord {
        name: name.clone(),
        kind: AccountKind::User,
        api: None,
        environment: None,
        device: DeviceIdentity::default(),
        state: AccountState::SignedOut,
        state_reason: None,
        user_id: None,
        created_at: at,
        bot_token: None,
        proxy: None,
    }
}

use std::path::Path;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use sluice_config::Config;
use sluice_datacenter::{DataCenter, Options};
use sluice_domain::Secret;
use sluice_gateway::{Demo, DemoOptions, Gateway, Start};
use tempfile::TempDir;

use crate::{Answer, Events, binary};

/// What a test needs.
pub struct Setup {
    /// Accounts that sign in: demo, demo-2, …
    pub accounts: usize,
    /// The configuration; listeners and directories are set by the harness.
    pub config: Config,
    /// The data center.
    pub datacenter: Options,
    /// With the shipped policies as components, if they were built.
    pub components: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            accounts: 2,
            config: Config::default(),
            datacenter: Options::default(),
            components: false,
        }
    }
}

/// A data center and a gateway. Call [`stop`](Self::stop) at the end: it proves that everything
/// ends.
pub struct Harness {
    gateway: Gateway,
    /// The Telegram behind the gateway.
    pub datacenter: DataCenter,
    key: Secret<String>,
    config: Config,
    components: bool,
    http: reqwest::Client,
    dir: TempDir,
}

impl Harness {
    /// Two accounts, native policies.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(Setup::default()).await
    }

    /// As the setup says.
    pub async fn with(setup: Setup) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("sluice-test-").tempdir()?;
        let mut config = setup.config;
        let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        config.server.listen = anywhere;
        config.server.admin_listen = anywhere;
        let demo = Demo::start(DemoOptions {
            datacenter: setup.datacenter,
            bundled_plugins: setup.components.then(binary::plugins).flatten(),
            ..DemoOptions::new(config, dir.path().join("data"), setup.accounts)
        })
        .await?;
        Ok(Self {
            gateway: demo.gateway,
            datacenter: demo.datacenter,
            key: demo.admin_key,
            config: demo.config,
            components: setup.components,
            http: reqwest::Client::new(),
            dir,
        })
    }

    /// The gateway.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The key with every scope.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    /// The directory of the test, removed at its end.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The operator's plugins.
    pub fn plugins_dir(&self) -> std::path::PathBuf {
        self.gateway.data_dir().join("plugins")
    }

    /// A request with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare_request(method, path).bearer_auth(self.key())
    }

    /// A request without a key.
    pub fn bare_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.gateway.url());
        self.http.request(method, url)
    }

    /// A request to the admin listener, without a key.
    pub fn admin_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.gateway.admin_url());
        self.http.request(method, url)
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::GET, path).send().await?).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        let request = self.request(Method::POST, path).json(&body);
        Answer::read(request.send().await?).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::DELETE, path).send().await?).await
    }

    /// Calls a method of Telegram's for an account.
    pub async fn call(&self, account: &str, method: &str, params: Value) -> anyhow::Result<Answer> {
        let path = format!("/api/telegram/call/{method}?account={account}");
        self.post(&path, params).await
    }

    /// A WebSocket of events; `query` is what follows the question mark.
    pub async fn events(&self, query: &str) -> anyhow::Result<Events> {
        Events::connect(&self.events_url(query), Some(self.key())).await
    }

    /// As [`events`](Self::events), from a client whose system keeps little of what it does not read.
    pub async fn slow_events(&self, query: &str) -> anyhow::Result<Events> {
        let address = self.gateway.url().replacen("http://", "", 1).parse()?;
        Events::connect_slow(address, &self.events_url(query), Some(self.key())).await
    }

    /// A figure of `/metrics`, summed over its labels.
    pub async fn figure(&self, name: &str) -> anyhow::Result<f64> {
        let request = self.admin_request(Method::GET, "/metrics");
        let text = request.bearer_auth(self.key()).send().await?.text().await?;
        let values = text.lines().filter_map(|line| {
            let (label, value) = line.rsplit_once(' ')?;
            let stem = label.split('{').next()?;
            (stem == name).then(|| value.parse::<f64>().ok())?
        });
        Ok(values.sum())
    }

    /// Where events are, for a WebSocket.
    pub fn events_url(&self, query: &str) -> String {
        let base = self.gateway.url().replacen("http", "ws", 1);
        format!("{base}/api/events?{query}")
    }

    /// Waits until an account's `connected` is as expected.
    pub async fn connected(&self, account: &str, connected: bool) -> anyhow::Result<()> {
        let mut events = self
            .events(&format!("types=status&account={account}"))
            .await?;
        events
            .until(|event| event.get("connected") == Some(&connected.into()))
            .await?;
        events.close().await
    }

    /// Stops the gateway and starts it again on the same data, against the same data center.
    pub async fn restart(self) -> anyhow::Result<Self> {
        self.gateway.stop().await;
        let mut start = Start::with(self.config.clone());
        start.bundled_plugins = self.components.then(binary::plugins).flatten();
        let gateway = Gateway::start(start).await?;
        Ok(Self { gateway, ..self })
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.datacenter.shutdown().await;
    }
}

use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sluice_config::Config;
use sluice_datacenter::{DataCenter, Options};
use sluice_domain::Secret;
use sluice_gateway::{Demo, DemoOptions, Gateway, Start};
use tempfile::TempDir;

use crate::chaos::{Chaos, Seed};
use crate::{Client, Process, binary, process};

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
    /// With proxies between the gateway and the data center, which draw from this seed.
    pub chaos: Option<Seed>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            accounts: 2,
            config: Config::default(),
            datacenter: Options::default(),
            components: false,
            chaos: None,
        }
    }
}

/// A data center and a gateway. Call [`stop`](Self::stop) at the end: it proves that everything
/// ends.
pub struct Harness {
    gateway: Gateway,
    /// The Telegram behind the gateway.
    pub datacenter: DataCenter,
    chaos: Option<Chaos>,
    client: Client,
    config: Config,
    components: bool,
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
        let datacenter = DataCenter::start(setup.datacenter).await?;
        let chaos = setup.chaos.map(|seed| Chaos::before(&datacenter, seed));
        let options = DemoOptions {
            bundled_plugins: setup.components.then(binary::plugins).flatten(),
            ..DemoOptions::new(config, dir.path().join("data"), setup.accounts)
        };
        let chaos = chaos.transpose()?;
        let demo = Demo::against(datacenter, options).await?;
        let client = client(&demo.gateway, demo.admin_key);
        Ok(Self {
            gateway: demo.gateway,
            datacenter: demo.datacenter,
            chaos,
            client,
            config: demo.config,
            components: setup.components,
            dir,
        })
    }

    /// The gateway.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The proxies before the data center, if the setup asked for them.
    pub fn chaos(&self) -> anyhow::Result<&Chaos> {
        self.chaos.as_ref().context("the setup asks for no chaos")
    }

    /// The directory of the test, removed at its end.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The operator's plugins.
    pub fn plugins_dir(&self) -> PathBuf {
        self.gateway.data_dir().join("plugins")
    }

    /// Stops the gateway and starts it again on the same data, against the same data center.
    pub async fn restart(self) -> anyhow::Result<Self> {
        self.restart_after(|_| Ok(())).await
    }

    /// The same; in between, something happens at the data center.
    pub async fn restart_after(
        self,
        meanwhile: impl FnOnce(&DataCenter) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        self.gateway.stop().await;
        meanwhile(&self.datacenter)?;
        let mut start = Start::with(self.config.clone());
        start.bundled_plugins = self.components.then(binary::plugins).flatten();
        let gateway = Gateway::start(start).await?;
        let client = client(&gateway, Secret::new(self.client.key().to_owned()));
        Ok(Self {
            gateway,
            client,
            ..self
        })
    }

    /// Stops the gateway in this process; the `sluice` binary serves the same accounts from now on.
    pub async fn into_process(self) -> anyhow::Result<Served> {
        self.gateway.stop().await;
        let file = self.dir.path().join("sluice.toml");
        std::fs::write(&file, process::configuration(&self.config))?;
        let process = Process::serve(&file, self.client.key()).await?;
        Ok(Served {
            process,
            datacenter: self.datacenter,
            chaos: self.chaos,
            file,
            _dir: self.dir,
        })
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.gateway.stop().await;
        if let Some(chaos) = &self.chaos {
            chaos.stop().await;
        }
        self.datacenter.shutdown().await;
    }
}

/// Requests go to the gateway that runs now.
impl Deref for Harness {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A data center in this process, and `sluice serve` in its own.
pub struct Served {
    /// The gateway's process.
    pub process: Process,
    /// The Telegram behind it.
    pub datacenter: DataCenter,
    chaos: Option<Chaos>,
    file: PathBuf,
    _dir: TempDir,
}

impl Served {
    /// Kills the process as `kill -9` does, and starts another on what it left.
    pub async fn kill_and_serve_again(&mut self) -> anyhow::Result<()> {
        self.process.kill().await?;
        self.process = Process::serve(&self.file, self.process.key()).await?;
        Ok(())
    }

    /// The configuration's file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Ends the process by SIGTERM, and the data center.
    pub async fn stop(self) -> anyhow::Result<()> {
        let code = self.process.terminate().await?;
        if let Some(chaos) = &self.chaos {
            chaos.stop().await;
        }
        self.datacenter.shutdown().await;
        anyhow::ensure!(code == Some(0), "the gateway ended with {code:?}");
        Ok(())
    }
}

fn client(gateway: &Gateway, key: Secret<String>) -> Client {
    Client::new(gateway.url(), gateway.admin_url(), key)
}

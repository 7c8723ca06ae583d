use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use sluice_config::Overrides;

use super::serve::{Signals, run_until_told, start_logging};
use super::{listen, print};
use crate::demo::{self, DemoOptions};
use crate::exit::Usage;

/// Accounts of a demo at most: each signs in for real.
const MOST: usize = 1000;

#[derive(Args)]
pub(super) struct Demo {
    /// Where the API listens; a free port when left out or 0.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// How many accounts are signed in: demo, demo-2, …
    #[arg(long, value_name = "N", default_value_t = 2)]
    accounts: usize,
    /// The data directory, which keeps the accounts and their Telegram for the next demo; without it
    /// one that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        if !(1..=MOST).contains(&self.accounts) {
            return Err(Usage(format!("--accounts takes 1 to {MOST}")).into());
        }
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let overrides = listen(Overrides::from_env(), Some(self.listen.unwrap_or(anywhere)));
        let overrides = overrides.set("server.admin_listen", anywhere.to_string(), "demo");
        let config = sluice_config::load(None, &overrides)?;
        let log = start_logging(&config)?;
        let mut signals = Signals::new()?;

        // Kept until the end: dropping it removes the directory.
        let (data, temporary) = if let Some(dir) = self.data {
            (dir, None)
        } else {
            let mut temporary = tempfile::Builder::new();
            let dir = temporary.prefix("sluice-demo-").tempdir()?;
            (dir.path().to_owned(), Some(dir))
        };
        // A directory of one's own keeps the Telegram in it too.
        let telegram = temporary.is_none().then(|| data.join("telegram"));
        let mut options = DemoOptions {
            log: Some(log),
            ..DemoOptions::new(config, data, self.accounts)
        };
        options.datacenter.data = telegram;
        let demo = tokio::select! {
            demo = demo::Demo::start(options) => demo.context("starting the demo")?,
            () = signals.stop() => return Ok(ExitCode::SUCCESS),
        };
        print(&format!("{}\n", line(&demo)))?;
        let code = run_until_told(demo.gateway, signals).await;
        demo.datacenter.shutdown().await;
        drop(temporary);
        Ok(code)
    }
}

/// What a client has to know, as one line.
fn line(demo: &demo::Demo) -> serde_json::Value {
    let datacenter = &demo.datacenter;
    let dcs: Vec<_> = datacenter
        .dcs()
        .into_iter()
        .map(|dc| {
            json!({
                "id": dc.id,
                "address": dc.address.to_string(),
                "media_address": dc.media_address.to_string(),
            })
        })
        .collect();
    json!({
        "url": demo.gateway.url(),
        "admin_url": demo.gateway.admin_url(),
        "admin_key": demo.admin_key.expose(),
        "accounts": demo.accounts,
        "data_dir": demo.config.data.dir,
        "datacenter": {
            "control_url": datacenter.control_url(),
            "control_key": datacenter.control_key(),
            "dcs": dcs,
            "public_key": datacenter.public_key_pem(),
        },
    })
}

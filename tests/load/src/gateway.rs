//! A data center in this process and `sluice serve` as a process of its own, so that what the gateway
//! needs can be told apart.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sluice_datacenter::{DataCenter, NewAccount, Options};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::rest::Caller;

/// Sign-ins at once: more would only wait for each other's key exchanges.
const SIGN_INS: usize = 8;
/// How long the gateway may take to listen.
const PATIENCE: Duration = Duration::from_mins(2);

/// Both, running.
pub struct Gateway {
    pub datacenter: DataCenter,
    child: Child,
    url: String,
    key: String,
    _dir: tempfile::TempDir,
}

impl Gateway {
    /// Starts both, without accounts.
    pub async fn start(binary: &Path) -> Result<Self> {
        let datacenter = DataCenter::start(Options::default()).await?;
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("sluice.toml");
        std::fs::write(&file, configuration(&datacenter, dir.path()))?;
        let made = Command::new(binary)
            .args([
                "key",
                "create",
                "--name",
                "load",
                "--scopes",
                "read,call,admin",
            ])
            .arg("--config")
            .arg(&file)
            .output()
            .await?;
        ensure!(made.status.success(), "key create: {}", made.status);
        let key = String::from_utf8(made.stdout)?.trim().to_owned();
        let mut child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(&file)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let log = child.stderr.take().context("its log")?;
        let mut lines = BufReader::new(log).lines();
        let url = tokio::time::timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await? {
                let entry: Value = serde_json::from_str(&line).unwrap_or_default();
                let fields = entry.get("fields").unwrap_or(&entry);
                if let (Some(url), Some(_)) = (fields["url"].as_str(), fields.get("admin")) {
                    return Ok(url.to_owned());
                }
            }
            bail!("it ended before it served")
        })
        .await??;
        // A process whose log is not read stands still.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            datacenter,
            child,
            url,
            key,
            _dir: dir,
        })
    }

    /// Signs in the accounts of these numbers, by phone and code, several at once.
    pub async fn sign_in(&self, numbers: std::ops::Range<u32>) -> Result<()> {
        let room = Arc::new(Semaphore::new(SIGN_INS));
        let mut tasks = JoinSet::new();
        for number in numbers {
            let phone = format!("999661{number:04}");
            self.datacenter.create_account(NewAccount {
                phone: Some(phone.clone()),
                ..NewAccount::default()
            })?;
            let (room, url, key) = (Arc::clone(&room), self.url.clone(), self.key.clone());
            tasks.spawn(async move {
                let _place = room.acquire().await?;
                let mut caller = Caller::open(&url, &key).await?;
                let name = name(number);
                let new = json!({"name": name, "kind": "user"});
                caller.post("/api/accounts", &new).await?;
                let step = |step: &str| format!("/api/telegram-auth/{step}?account={name}");
                let phone = json!({"phone": phone});
                caller.post(&step("send-code"), &phone).await?;
                let code = json!({"code": "11111"});
                let signed = caller.post(&step("sign-in"), &code).await?;
                ensure!(
                    signed
                        .get("state")
                        .is_some_and(|state| state == "ready" || state == "connecting"),
                    "{signed}"
                );
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    }

    /// A caller over a connection of its own.
    pub async fn caller(&self) -> Result<Caller> {
        Caller::open(&self.url, &self.key).await
    }

    /// The gateway's process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Ends both.
    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        self.datacenter.shutdown().await;
        Ok(())
    }
}

/// The name of an account by its number.
pub fn name(number: u32) -> String {
    format!("load-{number}")
}

fn configuration(datacenter: &DataCenter, dir: &Path) -> String {
    let dcs: Vec<String> = datacenter
        .dcs()
        .iter()
        .map(|dc| {
            format!(
                "{{ id = {}, address = \"{}\", media_address = \"{}\" }}",
                dc.id, dc.address, dc.media_address
            )
        })
        .collect();
    format!(
        r#"[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[telegram]
environment = "custom"
api_id = 1
api_hash = "load"
default_account = "{}"

[telegram.custom]
dcs = [{}]
public_keys = ['''{}''']

[data]
dir = '{}'

[log]
format = "json"
"#,
        name(0),
        dcs.join(", "),
        datacenter.public_key_pem(),
        dir.join("data").display()
    )
}

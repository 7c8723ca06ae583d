use std::ops::Deref;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use sluice_config::Config;
use sluice_domain::Secret;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::{Client, binary};

/// How long a process may take to serve or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// `sluice serve` as a process of its own. It is killed when this is dropped.
pub struct Process {
    child: Child,
    client: Client,
}

impl Process {
    /// Starts the binary with a configuration that logs JSON, and waits until it serves.
    pub async fn serve(config: &Path, key: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(binary()?)
            .args(["serve", "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let log = BufReader::new(child.stderr.take().context("its log")?);
        let (url, admin_url) = tokio::time::timeout(PATIENCE, serving(log))
            .await
            .context("it does not serve")??;
        let client = Client::new(url, admin_url, Secret::new(key.to_owned()));
        Ok(Self { child, client })
    }

    /// The system's number for it; none once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it as `kill -9` does.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Ends it by SIGTERM; tells its exit code.
    pub async fn terminate(mut self) -> anyhow::Result<Option<i32>> {
        let id = self.child.id().context("it has ended before")?;
        let sent = Command::new("kill").arg(id.to_string()).status().await?;
        anyhow::ensure!(sent.success(), "kill: {sent}");
        let ended = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .context("it does not end")??;
        Ok(ended.code())
    }
}

impl Deref for Process {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Reads the log up to the line that says where it serves. The rest is read and dropped: who stops
/// reading a log stops the process.
async fn serving(log: BufReader<ChildStderr>) -> anyhow::Result<(String, String)> {
    let mut lines = log.lines();
    let mut read = Vec::new();
    while let Some(line) = lines.next_line().await? {
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        let fields = entry.get("fields").unwrap_or(&entry);
        if let (Some(url), Some(admin)) = (text(fields, "url"), text(fields, "admin")) {
            drain(lines);
            return Ok((url, admin));
        }
        read.push(line);
    }
    anyhow::bail!("it ended before it served: {read:#?}")
}

#[allow(
    clippy::disallowed_methods,
    reason = "it ends with the process, and nothing depends on its end"
)]
fn drain(mut lines: Lines<BufReader<ChildStderr>>) {
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

fn text(fields: &Value, name: &str) -> Option<String> {
    fields.get(name)?.as_str().map(str::to_owned)
}

/// A configuration file for the same Telegram and data directory, on free ports.
pub(crate) fn configuration(config: &Config) -> String {
    let telegram = &config.telegram;
    let dcs: Vec<String> = telegram
        .custom
        .dcs
        .iter()
        .map(|dc| format!("{{ id = {}, address = \"{}\" }}", dc.id, dc.address))
        .collect();
    format!(
        r#"[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[telegram]
environment = "custom"
api_id = 1
api_hash = "demo"
default_account = "{}"

[telegram.custom]
dcs = [{}]
public_keys = ['''{}''']

[data]
dir = '{}'

[log]
format = "json"
"#,
        telegram.default_account.as_str(),
        dcs.join(", "),
        telegram.custom.public_keys.concat(),
        config.data.dir.display()
    )
}

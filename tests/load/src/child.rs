//! The gateway as a child process.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::{figures, proc::rss_kib};

/// `sluice demo`, running. Killed when dropped.
pub struct Demo {
    child: Child,
    /// Its ready line.
    pub ready: Value,
    /// From start to ready, in milliseconds.
    pub started_in: u128,
}

impl Demo {
    /// Starts it and waits for its line.
    pub async fn start(binary: &Path) -> Result<Self> {
        let at = Instant::now();
        let mut child = Command::new(binary)
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(Duration::from_mins(1), lines.next_line()).await??;
        let ready = serde_json::from_str(&line.context("demo ended before it was ready")?)?;
        Ok(Self {
            child,
            ready,
            started_in: at.elapsed().as_millis(),
        })
    }

    /// A text in the ready line, by JSON pointer.
    pub fn text(&self, pointer: &str) -> Result<String> {
        let value = self.ready.pointer(pointer).and_then(Value::as_str);
        Ok(value
            .with_context(|| format!("no {pointer} in the ready line"))?
            .to_owned())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

/// Cold start of `serve` with an empty data directory to a listening socket that answers, the same
/// again on the directory it made, and memory at rest.
pub async fn serve_figures(binary: &Path) -> Result<()> {
    let dir = tempfile::tempdir()?;
    for figure in ["serve_first_start_ms", "serve_start_ms"] {
        let port = free_port().await?;
        let at = Instant::now();
        let mut child = Command::new(binary)
            .arg("serve")
            .env("SLUICE_DATA__DIR", dir.path())
            .env("SLUICE_SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("SLUICE_SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        until_listening(port).await?;
        figures::print(figure, &at.elapsed().as_millis());
        if figure == "serve_start_ms" {
            tokio::time::sleep(Duration::from_secs(3)).await;
            figures::print("serve_rss_kib", &rss_kib(child.id().unwrap_or_default())?);
        }
        child.kill().await?;
    }
    Ok(())
}

async fn free_port() -> Result<u16> {
    Ok(tokio::net::TcpListener::bind("127.0.0.1:0")
        .await?
        .local_addr()?
        .port())
}

async fn until_listening(port: u16) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("nothing listens on port {port}")
}

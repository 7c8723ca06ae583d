//! The data center on its own: prints one line of JSON when it is ready, ends on SIGINT or SIGTERM.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context;
use clap::Parser;
use sluice_datacenter::{DataCenter, Options};
use tokio::signal::unix::{SignalKind, signal};

/// A Telegram data center for tests: users `99966XYYYY` get the code X five times.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// How many data centers.
    #[arg(long, default_value_t = 2)]
    dcs: u16,
    /// Where they listen; every port is a free one.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Where the control API listens; loopback only.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    control: SocketAddr,
    /// Where accounts, messages and files are kept over restarts; nothing is kept if left out.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The control API's key; a random one if left out.
    #[arg(long)]
    control_key: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::builder()
                .with_default_directive(tracing::Level::INFO.into())
                .from_env_lossy(),
        )
        .init();
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let dc = DataCenter::start(Options {
        dcs: arguments.dcs,
        listen: arguments.listen,
        control: arguments.control,
        control_key: arguments.control_key,
        data: arguments.data,
        ..Options::default()
    })
    .await
    .context("the data center cannot start")?;
    let ready = serde_json::json!({
        "control_url": dc.control_url(),
        "control_key": dc.control_key(),
        "dcs": dc.dcs(),
        "public_key": dc.public_key_pem(),
    });
    println!("{ready}");
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    dc.shutdown().await;
    Ok(())
}

//! The data center on its own: prints one line of JSON when it is ready, ends on SIGINT or SIGTERM.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context;
use clap::Parser;
use sluice_datacenter::{DataCenter, Options, ProxyServer};
use sluice_domain::{Login, ProxyKind, ProxySecret, Secret};
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
    /// Opens a proxy of Telegram's kind in front of the data centers: 16 bytes, dd and 16 bytes, or
    /// ee, 16 bytes and a domain; in hex or base64. May be given several times.
    #[arg(long, value_name = "SECRET")]
    mtproxy: Vec<ProxySecret>,
    /// Opens a SOCKS5 proxy, for this user or for everybody.
    #[arg(long, value_name = "USER:PASSWORD", num_args = 0..=1, default_missing_value = "")]
    socks5: Option<String>,
    /// Opens an HTTP proxy (CONNECT), for this user or for everybody.
    #[arg(long, value_name = "USER:PASSWORD", num_args = 0..=1, default_missing_value = "")]
    http: Option<String>,
}

impl Arguments {
    fn proxies(&self) -> Vec<ProxyKind> {
        let login = |text: &String| {
            text.split_once(':').map(|(user, password)| Login {
                user: user.to_owned(),
                password: Secret::new(password.to_owned()),
            })
        };
        let socks5 = self
            .socks5
            .iter()
            .map(|text| ProxyKind::Socks5(login(text)));
        let http = self.http.iter().map(|text| ProxyKind::Http(login(text)));
        let mtproxy = self.mtproxy.iter().cloned().map(ProxyKind::MtProxy);
        mtproxy.chain(socks5).chain(http).collect()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let proxies = arguments.proxies();
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
    let proxies = proxies.into_iter().map(|kind| dc.open_proxy(kind));
    let proxies = proxies
        .collect::<Result<Vec<_>, _>>()
        .context("a proxy cannot be opened")?;
    let ready = serde_json::json!({
        "control_url": dc.control_url(),
        "control_key": dc.control_key(),
        "dcs": dc.dcs(),
        "public_key": dc.public_key_pem(),
        "proxies": proxies.iter().map(ProxyServer::url).collect::<Vec<_>>(),
    });
    println!("{ready}");
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    dc.shutdown().await;
    Ok(())
}

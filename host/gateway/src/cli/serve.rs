use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use sluice_config::{Config, LogFormat};
use sluice_telemetry::LogHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Place, listen};
use crate::{Gateway, Start, exit};

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where the API listens, above the configuration's; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let overrides = listen(self.place.overrides(), self.listen);
        let config = sluice_config::load(self.place.config.as_deref(), &overrides)?;
        let log = start_logging(&config)?;
        let signals = Signals::new()?;
        let mut start = Start::with(config);
        start.source = self.place.config.map(|path| (path, overrides));
        start.log = Some(log);
        let gateway = Gateway::start(start).await?;
        tracing::info!(url = gateway.url(), admin = gateway.admin_url(), "serving");
        Ok(run_until_told(gateway, signals).await)
    }
}

/// Logs to standard error, panics included.
pub(super) fn start_logging(config: &Config) -> anyhow::Result<LogHandle> {
    let format = match config.log.format {
        LogFormat::Text => sluice_telemetry::LogFormat::Text,
        LogFormat::Json => sluice_telemetry::LogFormat::Json,
    };
    let log = sluice_telemetry::init_logging(format, &config.log.level)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("?"));
    }));
    Ok(log)
}

/// What the operator tells a process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on signals come here.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT.
    pub async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves until a signal, or until a task that the gateway needs is gone. A second signal does not
/// wait for requests under way.
pub(super) async fn run_until_told(gateway: Gateway, mut signals: Signals) -> ExitCode {
    let code = loop {
        tokio::select! {
            _ = signals.terminate.recv() => break ExitCode::SUCCESS,
            _ = signals.interrupt.recv() => break ExitCode::SUCCESS,
            _ = signals.hang_up.recv() => gateway.reload(),
            task = gateway.fallen() => {
                tracing::error!(task, "the gateway ends");
                break exit::FAILED.into();
            }
        }
    };
    tokio::select! {
        () = gateway.stop() => code,
        () = signals.stop() => exit::FAILED.into(),
    }
}

//! The command line.

mod account;
mod check;
mod demo;
mod doctor;
mod key;
mod plugin;
mod serve;
mod table;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use sluice_config::{Config, Overrides};

use crate::exit;

/// A self-hosted Telegram gateway.
#[derive(Parser)]
#[command(name = "sluice", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Serve),
    /// Run a Telegram data center and a gateway on this machine, with accounts signed in.
    Demo(demo::Demo),
    /// Validate the configuration.
    Check(check::Check),
    /// Say what is wrong on this machine and how to mend it.
    Doctor(doctor::Doctor),
    /// API keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Accounts.
    #[command(subcommand)]
    Account(account::Account),
    /// Plugins.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Print the OpenAPI document.
    Openapi,
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Which gateway a command is about.
#[derive(Args, Clone)]
struct Place {
    /// The configuration's file; without it, defaults and the environment.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory, above the configuration's.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// What stands above the file.
    fn overrides(&self) -> Overrides {
        let overrides = Overrides::from_env();
        match &self.data {
            Some(dir) => overrides.set("data.dir", dir.to_string_lossy(), "--data"),
            None => overrides,
        }
    }

    /// The whole configuration.
    fn load(&self) -> anyhow::Result<Config> {
        Ok(sluice_config::load(
            self.config.as_deref(),
            &self.overrides(),
        )?)
    }
}

/// Sets a listener's address above the configuration's.
fn listen(overrides: Overrides, address: Option<SocketAddr>) -> Overrides {
    match address {
        Some(address) => overrides.set("server.listen", address.to_string(), "--listen"),
        None => overrides,
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing to do about a terminal that is gone.
            let _ = error.print();
            return if error.use_stderr() {
                exit::USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli.command)));
    match ran {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "sluice: {error:#}");
            exit::code(&error)
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => return serve.run().await,
        Command::Demo(demo) => return demo.run().await,
        Command::Check(check) => check.run()?,
        Command::Doctor(doctor) => return doctor.run().await,
        Command::Key(key) => key.run().await?,
        Command::Account(account) => account.run().await?,
        Command::Plugin(plugin) => plugin.run().await?,
        Command::Openapi => print(sluice_api::document())?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sluice", &mut script);
            print(&String::from_utf8_lossy(&script))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    /// Breaks when two arguments clash or a default does not parse.
    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}

//! Measures the gateway from outside, and writes down what was measured. It starts what it measures
//! as processes of their own, talks to loopback only, and is bounded in calls and time.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring tool: it reads the clock, starts tasks and prints"
)]

mod bare;
mod bench;
mod child;
mod figures;
mod gateway;
mod media;
mod proc;
mod rest;
mod scoreboard;
mod telegram;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the gateway")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A call through REST against a bare link, calls in parallel, start, memory at rest.
    Bench {
        /// The optimised `sluice`.
        binary: PathBuf,
    },
    /// Many accounts: memory and processor of each at rest, calls beside them, bytes of media links.
    /// The figures are rows of the scoreboard.
    Telegram {
        /// The optimised `sluice`.
        binary: PathBuf,
        /// How many accounts sign in, 2 to 2,000.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=2_000))]
        accounts: u32,
        /// For how many seconds the processor is watched.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Bytes of media links alone.
    Media,
    /// Takes new rows into the kept ones, and writes the tables of the document.
    Scoreboard {
        /// The new rows, one JSON object a line; none when the file is not there.
        #[arg(long)]
        rows: PathBuf,
        /// The kept rows.
        #[arg(long)]
        kept: PathBuf,
        /// The document; what stands outside of its two markers stays.
        #[arg(long)]
        document: PathBuf,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Bench { binary } => bench::run(&binary).await,
        Command::Telegram {
            binary,
            accounts,
            seconds,
        } => telegram::run(&binary, accounts, seconds).await,
        Command::Media => media::run().await,
        Command::Scoreboard {
            rows,
            kept,
            document,
        } => scoreboard::write(&rows, &kept, &document),
    }
}

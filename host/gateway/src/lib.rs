//! The whole, put together: reads the configuration, opens what the other crates own, hands each of
//! them time and randomness, serves, and ends the process. Also the command line.
//!
//! Owns the wiring, the clock, the source of randomness, signals and exit codes. Refuses to own
//! anything a request means.

mod admin_client;
mod ambient;
mod background;
mod cli;
mod demo;
mod exit;
mod exports;
mod gateway;
mod listen;
mod opened;
mod reload;
mod reports;
mod settings;
mod supervise;

pub use ambient::{SystemClock, SystemRandom};
pub use cli::main;
pub use demo::{Demo, DemoOptions};
pub use gateway::{Gateway, Start, StartError};

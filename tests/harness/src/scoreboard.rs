//! Rows of the scoreboard: what a test measured, as one JSON line each.
#![allow(
    clippy::disallowed_methods,
    reason = "how much is run, and where the lines go, is for the caller of the tests to say"
)]

use std::io::Write;

use serde::Serialize;

/// One row. The test asserts what must hold; the row tells what was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    /// The part of the scoreboard: `Telegram side`, `State`, `Plugins`, `HTTP side`.
    pub part: &'a str,
    /// What was done to the system.
    pub fault: &'a str,
    /// What is asked for.
    pub goal: &'a str,
    /// What was measured, with units.
    pub figure: &'a str,
    /// How often, or over how many.
    pub n: u64,
    /// Whether the figure meets the goal.
    pub met: bool,
}

/// Whether the whole is asked for (`make soak`, `make scoreboard`), or the quick selection of
/// `make test`.
pub fn soak() -> bool {
    std::env::var_os("SLUICE_SOAK").is_some_and(|value| value == "1")
}

/// A count for the whole run, or for the quick one.
pub fn count(whole: u64, quick: u64) -> u64 {
    if soak() { whole } else { quick }
}

/// Prints the row, and appends it to the file that `SLUICE_SCOREBOARD` names.
///
/// # Panics
///
/// When the file cannot be written: a figure that is not kept was measured for nothing.
pub fn report(row: &Row<'_>) {
    let mut line = serde_json::to_string(row).unwrap_or_default();
    println!("{line}");
    if let Some(path) = std::env::var_os("SLUICE_SCOREBOARD") {
        line.push('\n');
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        // One write a line: tests run side by side.
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(written.is_ok(), "the row was not written: {written:?}");
    }
}

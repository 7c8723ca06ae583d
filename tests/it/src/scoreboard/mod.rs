//! The rows of `docs/scoreboard.md`: a module per subject, a test per row. `make test` runs each with
//! a small count, `make soak` and `make scoreboard` with the whole (`SLUICE_SOAK=1`). What must hold is
//! asserted; what was measured goes to `sluice_harness::scoreboard::report`.

mod accounts;
mod corrections;
mod flood;
mod hostile;
mod links;
mod migrations;
mod protocol;
mod swaps;
mod updates;
mod verdicts;

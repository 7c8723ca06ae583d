use std::process::ExitCode;

use sluice_config::ConfigError;
use sluice_store::LockError;

use crate::StartError;

/// Something failed while running.
pub(crate) const FAILED: u8 = 1;
/// Bad usage or configuration (EX_USAGE of sysexits.h).
pub(crate) const USAGE: u8 = 64;
/// The data directory is in use (EX_TEMPFAIL).
pub(crate) const IN_USE: u8 = 75;

/// The exit code of an error: the first cause that has one of its own decides.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    for cause in error.chain() {
        if cause.is::<ConfigError>()
            || cause.is::<Box<ConfigError>>()
            || cause.is::<clap::Error>()
            || cause.is::<Usage>()
        {
            return USAGE.into();
        }
        if let Some(LockError::Held { .. }) = cause.downcast_ref() {
            return IN_USE.into();
        }
        if let Some(StartError::Lock(LockError::Held { .. })) = cause.downcast_ref() {
            return IN_USE.into();
        }
    }
    FAILED.into()
}

/// The command line asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub String);

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_domain::EventBody;

use crate::{Config, ConfigError, Overrides};

/// What a change of the file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// It is in force.
    Applied {
        /// Keys that changed and are in force.
        changed: Vec<String>,
        /// Keys that changed and need a restart.
        restart_needed: Vec<String>,
    },
    /// It is wrong; what was in force stays.
    Refused {
        /// What is wrong.
        error: ConfigError,
    },
}

impl From<Reload> for EventBody {
    fn from(reload: Reload) -> Self {
        match reload {
            Reload::Applied {
                changed,
                restart_needed,
            } => Self::Config {
                action: "applied".to_owned(),
                changed,
                restart_needed,
                error: None,
            },
            Reload::Refused { error } => Self::Config {
                action: "refused".to_owned(),
                changed: Vec::new(),
                restart_needed: Vec::new(),
                error: Some(error.to_string()),
            },
        }
    }
}

/// Watches the file for as long as it lives.
pub struct Watch {
    _private: (),
}

impl Watch {
    /// Watches the file. A change that is right goes into `current`; `report` hears of every change,
    /// from a thread of its own.
    pub fn start(
        _path: PathBuf,
        _overrides: Overrides,
        _current: Arc<ArcSwap<Config>>,
        _report: impl Fn(Reload) + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        todo!()
    }

    /// Reads the file again now (SIGHUP), changed or not.
    pub fn reload(&self) -> Reload {
        todo!()
    }
}

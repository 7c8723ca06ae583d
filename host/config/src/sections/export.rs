use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sluice_domain::Secret;

use crate::humane;

/// `[export]`: where exporters may send to.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportSection {
    /// Targets by name.
    pub targets: BTreeMap<String, ExportTarget>,
}

/// `[export.targets.NAME]`: one place that exporters may send to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportTarget {
    /// The address of POST requests. It may hold a key, so it is not shown.
    #[serde(with = "humane::secret")]
    pub url: Option<Secret<String>>,
    /// Host and port of datagrams.
    pub udp: Option<String>,
    /// Headers of each request.
    #[serde(with = "humane::secrets")]
    pub headers: BTreeMap<String, Secret<String>>,
    /// How long one request may take.
    #[serde(with = "humane::duration")]
    pub timeout: Duration,
    /// A PEM file with the authorities that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for ExportTarget {
    fn default() -> Self {
        Self {
            url: None,
            udp: None,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            ca_file: None,
        }
    }
}

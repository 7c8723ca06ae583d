use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sluice_domain::Secret;

use crate::humane;

/// `[data]`: where state is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSection {
    /// The data directory. One gateway at a time.
    pub dir: PathBuf,
    /// A file with the master key; without it `master.key` in the data directory, made when there is
    /// none.
    pub master_key_file: Option<PathBuf>,
    /// The master key itself, base64 of 32 bytes. For the environment rather than a file.
    #[serde(with = "humane::secret")]
    pub master_key: Option<Secret<String>>,
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("sluice-data"),
            master_key_file: None,
            master_key: None,
        }
    }
}

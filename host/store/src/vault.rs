use std::path::Path;
use std::sync::Arc;

use sluice_domain::{Random, Secret, StoreError};

/// Seals secrets at rest.
#[derive(Clone)]
pub struct Vault {
    _random: Arc<dyn Random>,
}

impl Vault {
    /// A vault with a master key given as 32 bytes, or as their base64 or hex text.
    pub fn from_key(_key: &Secret<Vec<u8>>, _random: Arc<dyn Random>) -> Result<Self, StoreError> {
        todo!()
    }

    /// A vault with the master key in a file. With `create`, a file that is not there is made (0600).
    pub fn from_file(
        _file: &Path,
        _create: bool,
        _random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        todo!()
    }
}

use std::sync::Arc;

use sluice_config::Config;
use sluice_domain::{Clock, Random, Secret, StoreError};
use sluice_store::{ApiKeys, DataDir, Store, Vault};

use crate::StartError;

/// What lies on the disk, opened and locked.
pub(crate) struct Opened {
    pub store: Arc<Store>,
    pub keys: Arc<ApiKeys>,
    /// Dropped last: another process may come when the store is closed.
    pub data: DataDir,
}

impl Opened {
    pub fn open(
        config: &Config,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let data = DataDir::lock(&config.data.dir)?;
        let vault = vault(config, &data, random)?;
        let store = Store::open(data.path(), vault, Arc::clone(clock))?;
        let keys = ApiKeys::open(Arc::clone(&store), Arc::clone(clock), Arc::clone(random))?;
        Ok(Self {
            store,
            keys: Arc::new(keys),
            data,
        })
    }
}

/// The vault under the master key that the configuration names, or the data directory's own.
fn vault(config: &Config, data: &DataDir, random: &Arc<dyn Random>) -> Result<Vault, StoreError> {
    let random = Arc::clone(random);
    if let Some(key) = &config.data.master_key {
        let key = Secret::new(key.expose().clone().into_bytes());
        return Vault::from_key(&key, random);
    }
    match &config.data.master_key_file {
        Some(file) => Vault::from_file(file, false, random),
        None => Vault::of(data, random),
    }
}

/// Runs what blocks apart from the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StartError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StartError::Lost(error.to_string()))
}

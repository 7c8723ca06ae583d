use std::path::Path;

use crate::{Config, ConfigError, Overrides};

/// Reads the file (none: the defaults), puts the overrides above it and checks the whole.
pub fn load(_path: Option<&Path>, _overrides: &Overrides) -> Result<Config, ConfigError> {
    todo!()
}

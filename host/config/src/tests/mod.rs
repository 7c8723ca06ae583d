mod errors;
mod export;
mod file;
mod mutations;
mod overrides;
mod reload;

use std::path::Path;

use crate::load::load_text;
use crate::{Config, ConfigError, Overrides};

/// The file that is shipped.
pub(super) const SHIPPED: &str = include_str!("../../../../config/sluice.toml");

pub(super) fn load(text: &str) -> Result<Config, ConfigError> {
    load_text(Some(Path::new("s.toml")), text, &Overrides::new())
}

/// The error of a text that is wrong.
pub(super) fn wrong(text: &str) -> ConfigError {
    match load(text) {
        Err(error) => error,
        Ok(_) => panic!("taken: {text}"),
    }
}

use std::ffi::OsString;

use crate::ConfigError;

/// Values above the file: from the environment, then from flags, the later ones winning.
#[derive(Clone, Default)]
pub struct Overrides {
    pub(crate) values: Vec<Override>,
}

#[derive(Clone)]
pub(crate) struct Override {
    /// `server.listen`
    pub key: String,
    pub text: String,
    /// `SLUICE_SERVER__LISTEN` or `--listen`
    pub origin: String,
}

impl Override {
    pub fn error(&self, key: &str, message: String) -> ConfigError {
        ConfigError {
            file: None,
            line: None,
            column: None,
            origin: Some(self.origin.clone()),
            key: Some(key.to_owned()),
            message,
        }
    }
}

impl Overrides {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every `SLUICE_SECTION__KEY` of the environment. Variables without `__` are not ours to judge, and
    /// an empty one is the same as none, as container tools have it.
    pub fn from_env() -> Self {
        Self::from_vars(std::env::vars_os())
    }

    /// Every `SLUICE_SECTION__KEY` of these variables, in the order of their names.
    pub(crate) fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut values: Vec<_> = vars
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .filter_map(|(name, text)| {
                let origin = name.into_string().ok()?;
                let key = origin.strip_prefix("SLUICE_")?;
                let key = key.contains("__").then(|| key.to_ascii_lowercase())?;
                Some(Override {
                    key: key.replace("__", "."),
                    text: text.to_string_lossy().into_owned(),
                    origin,
                })
            })
            .collect();
        values.sort_by(|a, b| a.key.cmp(&b.key));
        Self { values }
    }

    /// Sets a key (`server.listen`) above everything before; `origin` names where the value came
    /// from in errors (`--listen`).
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>, origin: &str) -> Self {
        self.values.push(Override {
            key: key.to_owned(),
            text: value.into(),
            origin: origin.to_owned(),
        });
        self
    }
}

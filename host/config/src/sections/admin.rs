use serde::{Deserialize, Serialize};

/// `[admin]`: the admin listener.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSection {
    /// Whether `/metrics` needs no key.
    pub metrics_open: bool,
}

//! Policies in force.

pub(crate) mod abort;
pub(crate) mod diff;
pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod promote;
pub(crate) mod replay;
pub(crate) mod rollback;

use sluice_domain::{Category, Problem};
use sluice_policy::{ChangeError, PluginView, Policies};

use crate::App;
use crate::problem::{ApiError, Result};

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        let conflict = |code| Problem::new(409, code, Category::Conflict, detail.clone()).into();
        match &error {
            ChangeError::Missing => Self::missing("PLUGIN_NOT_FOUND", detail),
            ChangeError::Out(_) => conflict("PLUGIN_UNCHANGED"),
            ChangeError::Refused(_) => conflict("PLUGIN_REFUSED"),
            ChangeError::Unwritten { .. } => {
                tracing::error!(%error, "a plugin's mode cannot be written down");
                let detail = "the gateway cannot write into its directory of plugins";
                Problem::new(503, "SIDECAR_UNWRITABLE", Category::Server, detail).into()
            }
        }
    }
}

/// Changes a plugin beside the requests: admission may take a while.
async fn change(
    app: &App,
    change: impl FnOnce(&Policies) -> Result<PluginView, ChangeError> + Send + 'static,
) -> Result<PluginView> {
    let policies = app.policies.clone();
    let changed = tokio::task::spawn_blocking(move || change(&policies)).await;
    Ok(changed.map_err(|error| ApiError::internal(&error))??)
}

use axum::extract::{Path, State};
use sluice_policy::PluginView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// One plugin.
#[utoipa::path(
    get,
    path = "/api/plugins/{name}",
    operation_id = "getPlugin",
    tag = "plugins",
    params(("name" = String, Path, description = "The file's name without its ending")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The plugin", body = crate::schema::PluginView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    _: Key<Read>,
    Path(name): Path<String>,
) -> Result<Json<PluginView>> {
    app.policies
        .plugins()
        .into_iter()
        .find(|plugin| plugin.name == name)
        .map(Json)
        .ok_or_else(|| ApiError::missing("PLUGIN_NOT_FOUND", "no plugin has this name"))
}

use axum::extract::{Path, State};
use sluice_policy::DiffView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// How a plugin compares with what is in force: in shadow its answers, as a canary its accounts.
#[utoipa::path(
    get,
    path = "/api/plugins/{name}/diff",
    operation_id = "getPluginDiff",
    tag = "plugins",
    params(("name" = String, Path, description = "The file's name without its ending")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The comparison", body = crate::schema::DiffView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    _: Key<Read>,
    Path(name): Path<String>,
) -> Result<Json<DiffView>> {
    app.policies
        .diff(&name)
        .map(Json)
        .ok_or_else(|| ApiError::missing("PLUGIN_NOT_FOUND", "no plugin has this name"))
}

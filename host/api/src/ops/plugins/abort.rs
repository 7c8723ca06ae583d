use axum::extract::{Path, State};
use sluice_policy::PluginView;

use super::change;
use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// Takes a plugin out of force. Its mode is off from now on, also after a restart.
#[utoipa::path(
    post,
    path = "/api/plugins/{name}/abort",
    operation_id = "abortPlugin",
    tag = "plugins",
    params(("name" = String, Path, description = "The file's name without its ending")),
    security(("key" = ["admin"])),
    responses((status = 200, description = "It is off", body = crate::schema::PluginView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    _: Key<Admin>,
    Path(name): Path<String>,
) -> Result<Json<PluginView>> {
    change(&app, move |policies| policies.abort(&name))
        .await
        .map(Json)
}

use axum::extract::{Path, State};
use sluice_policy::PluginView;

use super::change;
use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// Takes back the generation of a plugin that is in force. The one before it serves again; where there
/// is none, the shipped or native policy does. The file in the directory stays, and is not let in again
/// until it changes or is promoted.
#[utoipa::path(
    post,
    path = "/api/plugins/{name}/rollback",
    operation_id = "rollBackPlugin",
    tag = "plugins",
    params(("name" = String, Path, description = "The file's name without its ending")),
    security(("key" = ["admin"])),
    responses((status = 200, description = "What there is under this name now", body = crate::schema::PluginView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    _: Key<Admin>,
    Path(name): Path<String>,
) -> Result<Json<PluginView>> {
    change(&app, move |policies| policies.roll_back(&name))
        .await
        .map(Json)
}

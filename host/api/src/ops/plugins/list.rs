use axum::extract::State;
use serde::Serialize;
use sluice_policy::PluginView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct PluginList {
    plugins: Vec<PluginView>,
}

/// Lists the policies in force, refused files and the native libraries included.
#[utoipa::path(
    get,
    path = "/api/plugins",
    operation_id = "listPlugins",
    tag = "plugins",
    security(("key" = ["read"])),
    responses((status = 200, description = "The plugins", body = crate::schema::PluginList), Problems),
)]
pub(crate) async fn handler(State(app): State<App>, _: Key<Read>) -> Result<Json<PluginList>> {
    let plugins = app.policies.plugins();
    Ok(Json(PluginList { plugins }))
}

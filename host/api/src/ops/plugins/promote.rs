use axum::extract::{Path, State};
use serde::Deserialize;
use sluice_domain::FieldError;
use sluice_policy::{Mode, PluginView};

use super::change;
use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{Json, JsonOrDefault};
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// See [`handler`].
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Promote {
    /// Straight to a mode: `shadow`, `canary` (10 percent of the accounts), `canary(25)`, `live`.
    to: Option<String>,
}

/// Lets a plugin reach further, out of the shadow to a share of the accounts, and from there to all
/// of them. Written into its sidecar, so that it holds after a restart. A file that was rolled back
/// is let in again by it.
#[utoipa::path(
    post,
    path = "/api/plugins/{name}/promote",
    operation_id = "promotePlugin",
    tag = "plugins",
    params(("name" = String, Path, description = "The file's name without its ending")),
    request_body(content = Option<Promote>),
    security(("key" = ["admin"])),
    responses((status = 200, description = "In its new mode", body = crate::schema::PluginView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    _: Key<Admin>,
    Path(name): Path<String>,
    JsonOrDefault(body): JsonOrDefault<Promote>,
) -> Result<Json<PluginView>> {
    let to = body.to.map(|to| match to.parse() {
        Ok(Mode::Off) => Err(refused("off is for abort".to_owned())),
        Ok(mode) => Ok(mode),
        Err(why) => Err(refused(why)),
    });
    let to = to.transpose()?;
    change(&app, move |policies| policies.promote(&name, to))
        .await
        .map(Json)
}

fn refused(detail: String) -> ApiError {
    let error = FieldError {
        pointer: "/to".to_owned(),
        detail,
    };
    ApiError::invalid(
        "BODY_INVALID",
        "the plugin cannot be promoted to that",
        vec![error],
    )
}

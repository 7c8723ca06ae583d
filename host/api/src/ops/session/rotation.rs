use axum::extract::{Path, State};
use sluice_accounts::RotationView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// One rotation, with the steps it has taken.
#[utoipa::path(
    get,
    path = "/api/telegram-auth/rotations/{id}",
    operation_id = "getRotation",
    tag = "session",
    params(("id" = String, Path, description = "The rotation's id")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The rotation", body = crate::schema::RotationView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Path(id): Path<String>,
) -> Result<Json<RotationView>> {
    let rotation = app.accounts.rotation(&id).await?;
    key.require_account(&rotation.account)?;
    Ok(Json(rotation))
}

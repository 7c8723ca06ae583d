use axum::extract::State;
use serde::Serialize;
use sluice_accounts::RotationView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct Rotations {
    rotations: Vec<RotationView>,
}

/// An account's rotations, newest first.
#[utoipa::path(
    get,
    path = "/api/telegram-auth/rotations",
    operation_id = "listRotations",
    tag = "session",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The rotations", body = crate::schema::Rotations), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<Rotations>> {
    let account = key.account(&app, query.account.as_deref())?;
    let rotations = app.accounts.rotations(&account).await?;
    Ok(Json(Rotations { rotations }))
}

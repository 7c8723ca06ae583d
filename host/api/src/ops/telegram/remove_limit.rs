use axum::extract::{Path, State};
use http::StatusCode;

use crate::App;
use crate::auth::{Admin, Key};
use crate::openapi::Problems;
use crate::problem::Result;

/// Forgets a wait: the next call goes to Telegram again.
#[utoipa::path(
    delete,
    path = "/api/telegram/limits/{id}",
    operation_id = "removeLimit",
    tag = "calls",
    params(("id" = String, Path, description = "The wait's id")),
    security(("key" = ["admin"])),
    responses((status = 204, description = "It is forgotten"), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    key.require_account(&app.accounts.limit_account(&id)?)?;
    app.accounts.remove_limit(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

use axum::extract::State;
use sluice_accounts::StatusView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Whether the account is connected, as its last probe saw it.
#[utoipa::path(
    get,
    path = "/api/telegram-auth/status",
    operation_id = "getStatus",
    tag = "session",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The state", body = crate::schema::StatusView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<StatusView>> {
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.status(&account)?))
}

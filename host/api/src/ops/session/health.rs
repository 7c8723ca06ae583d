use axum::extract::State;
use sluice_accounts::HealthView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Score and checks of the session.
#[utoipa::path(
    get,
    path = "/api/telegram-auth/session-health",
    operation_id = "getSessionHealth",
    tag = "session",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "Score and checks", body = crate::schema::HealthView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<HealthView>> {
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.session_health(&account).await?))
}

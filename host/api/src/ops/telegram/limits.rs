use axum::extract::State;
use sluice_accounts::LimitsView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// The waits that Telegram imposed and that are in force, of one account or of all.
#[utoipa::path(
    get,
    path = "/api/telegram/limits",
    operation_id = "listLimits",
    tag = "calls",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The waits", body = crate::schema::LimitsView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<LimitsView>> {
    let account = key.account_or_all(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.limits(account.as_ref())?))
}

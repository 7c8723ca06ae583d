use axum::extract::State;
use sluice_accounts::PoolStatusView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// The links to Telegram, of one account or of all.
#[utoipa::path(
    get,
    path = "/api/telegram/connection-pool/status",
    operation_id = "getPoolStatus",
    tag = "pool",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The links", body = crate::schema::PoolStatusView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<PoolStatusView>> {
    let account = key.account_or_all(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.pool_status(account.as_ref())?))
}

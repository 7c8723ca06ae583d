use axum::extract::State;
use sluice_accounts::MonitoringTelegramView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Calls, errors, latencies and waits, of one account or of all.
#[utoipa::path(
    get,
    path = "/api/monitoring/telegram",
    operation_id = "getTelegramMonitoring",
    tag = "monitoring",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The figures", body = crate::schema::MonitoringTelegramView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<MonitoringTelegramView>> {
    let account = key.account_or_all(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.monitoring_telegram(account.as_ref())?))
}

use axum::extract::State;
use sluice_accounts::MonitoringSessionsView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// The sessions, of one account or of all.
#[utoipa::path(
    get,
    path = "/api/monitoring/sessions",
    operation_id = "getSessionsMonitoring",
    tag = "monitoring",
    params(AccountQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The sessions", body = crate::schema::MonitoringSessionsView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<MonitoringSessionsView>> {
    let account = key.account_or_all(&app, query.account.as_deref())?;
    Ok(Json(
        app.accounts.monitoring_sessions(account.as_ref()).await?,
    ))
}

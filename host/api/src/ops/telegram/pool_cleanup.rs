use axum::extract::State;
use serde::Deserialize;
use sluice_accounts::CleanupView;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, JsonOrDefault, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cleanup {
    /// Also links with calls in flight.
    #[serde(default)]
    force: bool,
}

/// Closes idle media links and broken ones, and recycles idle main links.
#[utoipa::path(
    post,
    path = "/api/telegram/connection-pool/cleanup",
    operation_id = "cleanUpPool",
    tag = "pool",
    params(AccountQuery),
    request_body(content = Option<Cleanup>),
    security(("key" = ["admin"])),
    responses((status = 200, description = "What was closed", body = crate::schema::CleanupView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
    JsonOrDefault(body): JsonOrDefault<Cleanup>,
) -> Result<Json<CleanupView>> {
    let account = key.account_or_all(&app, query.account.as_deref())?;
    let cleaned = app
        .accounts
        .pool_cleanup(account.as_ref(), body.force)
        .await?;
    Ok(Json(cleaned))
}

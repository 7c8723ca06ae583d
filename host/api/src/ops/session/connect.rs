use axum::extract::State;
use sluice_accounts::DoneView;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Opens the links of an account that has a session.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/connect",
    operation_id = "connect",
    tag = "session",
    params(AccountQuery),
    security(("key" = ["admin"])),
    responses((status = 200, description = "The links are being opened", body = crate::schema::DoneView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<DoneView>> {
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.connect(&account).await?))
}

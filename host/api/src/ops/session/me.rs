use axum::extract::State;
use serde_json::Value;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{AccountQuery, CallHeaders, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// The account's own user, asked of Telegram now.
#[utoipa::path(
    get,
    path = "/api/telegram-auth/me",
    operation_id = "getMe",
    tag = "session",
    params(AccountQuery, CallHeaders),
    security(("key" = ["read"])),
    responses((status = 200, description = "Telegram's `User`", body = crate::schema::TlObject), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<AccountQuery>,
    headers: CallHeaders,
) -> Result<Json<Value>> {
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.me(&account, headers.into()).await?))
}

use axum::extract::{Path, State};
use serde_json::{Map, Value};

use super::dangerous;
use crate::App;
use crate::auth::{Call, DANGEROUS, Key};
use crate::extract::{AccountQuery, CallHeaders, Json, JsonOrDefault, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Calls any method of Telegram's schema; the body holds its parameters.
#[utoipa::path(
    post,
    path = "/api/telegram/call/{method}",
    operation_id = "call",
    tag = "calls",
    params(
        ("method" = String, Path, description = "The method, like `messages.sendMessage`"),
        AccountQuery,
        CallHeaders,
    ),
    request_body(content = Option<crate::schema::TlObject>),
    security(("key" = ["call"])),
    responses(
        (status = 200, description = "Telegram's answer, its constructors in `_`", body = Value),
        Problems,
    ),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Call>,
    Path(method): Path<String>,
    Query(query): Query<AccountQuery>,
    headers: CallHeaders,
    JsonOrDefault(params): JsonOrDefault<Map<String, Value>>,
) -> Result<Json<Value>> {
    key.require_method(&method)?;
    if dangerous::is(&method) {
        key.require(DANGEROUS)?;
    }
    let account = key.account(&app, query.account.as_deref())?;
    let answer = app
        .accounts
        .call(&account, &method, params, headers.into())
        .await?;
    Ok(Json(answer))
}

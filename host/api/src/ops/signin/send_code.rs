use axum::extract::State;
use serde::Deserialize;
use sluice_accounts::SignInView;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendCode {
    /// The phone number in international form.
    phone: String,
}

/// Asks Telegram to send a sign-in code to a phone number.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/send-code",
    operation_id = "sendCode",
    tag = "sign-in",
    params(AccountQuery),
    request_body(content = SendCode),
    security(("key" = ["admin"])),
    responses((status = 200, description = "The code was sent", body = crate::schema::SignInView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
    Json(body): Json<SendCode>,
) -> Result<Json<SignInView>> {
    let account = key.account(&app, query.account.as_deref())?;
    let view = app.accounts.send_code(&account, &body.phone).await?;
    Ok(Json(view))
}

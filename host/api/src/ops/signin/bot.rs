use axum::extract::State;
use serde::Deserialize;
use sluice_accounts::SignInView;
use sluice_domain::Secret;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BotToken {
    /// The token from BotFather.
    #[schema(value_type = String)]
    token: Secret<String>,
}

/// Signs a bot in.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/bot",
    operation_id = "signInBot",
    tag = "sign-in",
    params(AccountQuery),
    request_body(content = BotToken),
    security(("key" = ["admin"])),
    responses((status = 200, description = "Signed in", body = crate::schema::SignInView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
    Json(body): Json<BotToken>,
) -> Result<Json<SignInView>> {
    let account = key.account(&app, query.account.as_deref())?;
    let view = app.accounts.bot(&account, body.token).await?;
    Ok(Json(view))
}

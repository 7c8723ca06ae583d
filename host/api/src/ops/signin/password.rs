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
pub(crate) struct Password {
    /// The password of two-step verification.
    #[schema(value_type = String)]
    password: Secret<String>,
}

/// Gives the password of the second factor.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/password",
    operation_id = "signInPassword",
    tag = "sign-in",
    params(AccountQuery),
    request_body(content = Password),
    security(("key" = ["admin"])),
    responses((status = 200, description = "Signed in", body = crate::schema::SignInView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
    Json(body): Json<Password>,
) -> Result<Json<SignInView>> {
    let account = key.account(&app, query.account.as_deref())?;
    let view = app.accounts.password(&account, body.password).await?;
    Ok(Json(view))
}

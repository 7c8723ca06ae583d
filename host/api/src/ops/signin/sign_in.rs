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
pub(crate) struct SignIn {
    /// The code as it came.
    #[schema(value_type = String)]
    code: Secret<String>,
}

/// Signs in with the code.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/sign-in",
    operation_id = "signIn",
    tag = "sign-in",
    params(AccountQuery),
    request_body(content = SignIn),
    security(("key" = ["admin"])),
    responses((status = 200, description = "Signed in, or the second factor is asked for", body = crate::schema::SignInView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
    Json(body): Json<SignIn>,
) -> Result<Json<SignInView>> {
    let account = key.account(&app, query.account.as_deref())?;
    let view = app.accounts.sign_in(&account, body.code).await?;
    Ok(Json(view))
}

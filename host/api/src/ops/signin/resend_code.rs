use axum::extract::State;
use sluice_accounts::SignInView;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Has the code sent again by the next means.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/resend-code",
    operation_id = "resendCode",
    tag = "sign-in",
    params(AccountQuery),
    security(("key" = ["admin"])),
    responses((status = 200, description = "The code was sent again", body = crate::schema::SignInView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<SignInView>> {
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.resend_code(&account).await?))
}

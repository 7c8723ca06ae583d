use axum::extract::State;
use sluice_accounts::SignInView;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// A QR token to show. It is renewed, and pushed as `login_qr` events, until it is accepted.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/qr",
    operation_id = "signInByQr",
    tag = "sign-in",
    params(AccountQuery),
    security(("key" = ["admin"])),
    responses((status = 200, description = "The token", body = crate::schema::SignInView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<SignInView>> {
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(app.accounts.qr(&account).await?))
}

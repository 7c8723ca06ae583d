use axum::extract::{Path, State};
use sluice_accounts::AccountView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// One account.
#[utoipa::path(
    get,
    path = "/api/accounts/{name}",
    operation_id = "getAccount",
    tag = "accounts",
    params(("name" = String, Path, description = "The account's name")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The account", body = crate::schema::AccountView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Path(name): Path<String>,
) -> Result<Json<AccountView>> {
    let account = key.account(&app, Some(&name))?;
    Ok(Json(app.accounts.view(&account)?))
}

use axum::extract::State;
use serde::Serialize;
use sluice_accounts::AccountView;

use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct AccountList {
    accounts: Vec<AccountView>,
}

/// Lists the accounts that the key reaches.
#[utoipa::path(
    get,
    path = "/api/accounts",
    operation_id = "listAccounts",
    tag = "accounts",
    security(("key" = ["read"])),
    responses((status = 200, description = "The accounts", body = crate::schema::AccountList), Problems),
)]
pub(crate) async fn handler(State(app): State<App>, key: Key<Read>) -> Result<Json<AccountList>> {
    let mut accounts = app.accounts.list();
    accounts.retain(|account| key.reaches(&account.name));
    Ok(Json(AccountList { accounts }))
}

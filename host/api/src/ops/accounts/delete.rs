use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Wipe its sealed key now instead of in 30 days.
    #[serde(default)]
    #[param(required = false)]
    purge: bool,
}

/// Removes an account. The authorization at Telegram stays: log out first to end it.
#[utoipa::path(
    delete,
    path = "/api/accounts/{name}",
    operation_id = "deleteAccount",
    tag = "accounts",
    params(("name" = String, Path, description = "The account's name"), DeleteQuery),
    security(("key" = ["admin"])),
    responses((status = 204, description = "It is gone"), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Path(name): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode> {
    let account = key.account(&app, Some(&name))?;
    app.accounts.delete(&account, query.purge).await?;
    Ok(StatusCode::NO_CONTENT)
}

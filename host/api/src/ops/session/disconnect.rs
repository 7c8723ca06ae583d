use axum::extract::State;
use serde::Deserialize;
use sluice_accounts::DoneView;
use sluice_domain::FieldError;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{AccountQuery, Json, JsonOrDefault, Query};
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// See [`handler`].
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Disconnect {
    /// Also end the authorization at Telegram and remove its key. `?account=` is mandatory then.
    #[serde(default)]
    log_out: bool,
}

/// Closes the links and keeps the session; with `logOut` ends the authorization at Telegram.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/disconnect",
    operation_id = "disconnect",
    tag = "session",
    params(AccountQuery),
    request_body(content = Option<Disconnect>),
    security(("key" = ["admin"])),
    responses((status = 200, description = "The links are closed", body = crate::schema::DoneView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<AccountQuery>,
    JsonOrDefault(body): JsonOrDefault<Disconnect>,
) -> Result<Json<DoneView>> {
    if body.log_out && query.account.is_none() {
        return Err(ApiError::invalid(
            "ACCOUNT_MISSING",
            "a log-out cannot be undone, so the account has to be named with ?account=",
            vec![FieldError {
                pointer: "/logOut".to_owned(),
                detail: "needs ?account=".to_owned(),
            }],
        ));
    }
    let account = key.account(&app, query.account.as_deref())?;
    Ok(Json(if body.log_out {
        app.accounts.log_out(&account).await?
    } else {
        app.accounts.disconnect(&account).await?
    }))
}

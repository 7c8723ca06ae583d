use axum::extract::{Path, State};
use serde::{Deserialize, Deserializer};
use sluice_accounts::AccountChange;
use sluice_domain::Secret;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangeAccount {
    /// Its own way out: `socks5://user:password@host:port`, `http://user:password@host:port`,
    /// `mtproxy://host:port?secret=…`, one of Telegram's links, or `direct`. With null it leaves as
    /// the configuration says. It is not shown again.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    #[expect(
        clippy::option_option,
        reason = "left out, null and a value are three things"
    )]
    proxy: Option<Option<Secret<String>>>,
}

/// Tells null from what was left out.
#[expect(
    clippy::option_option,
    reason = "left out, null and a value are three things"
)]
fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<Secret<String>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes an account; what is left out stays. Another proxy is taken at once: every connection is
/// closed before the first one is opened on the new way, and calls go on there.
#[utoipa::path(
    patch,
    path = "/api/accounts/{name}",
    operation_id = "changeAccount",
    tag = "accounts",
    params(("name" = String, Path, description = "The account's name")),
    request_body(content = ChangeAccount),
    security(("key" = ["admin"])),
    responses((status = 200, description = "The account as it is now", body = crate::schema::AccountView), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Path(name): Path<String>,
    Json(body): Json<ChangeAccount>,
) -> Result<Json<sluice_accounts::AccountView>> {
    let account = key.account(&app, Some(&name))?;
    let change = AccountChange { proxy: body.proxy };
    Ok(Json(app.accounts.change(&account, change).await?))
}

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use sluice_accounts::NewAccount;
use sluice_domain::{AccountKind, AccountName, DeviceIdentity, Environment, FieldError, Secret};

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// See [`handler`].
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateAccount {
    /// Its name: 1 to 32 of `a-z`, `0-9` and `-`, not beginning with `-`.
    #[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{0,31}$")]
    name: AccountName,
    /// A person's account or a bot.
    #[schema(value_type = crate::schema::AccountKind)]
    kind: AccountKind,
    /// Its own api_id from my.telegram.org; the configuration's when left out.
    api_id: Option<i32>,
    /// Belongs to `apiId`.
    #[schema(value_type = Option<String>)]
    api_hash: Option<Secret<String>>,
    /// The Telegram it lives on; the configuration's when left out.
    #[schema(value_type = Option<crate::schema::Environment>)]
    environment: Option<Environment>,
    /// What it says of itself to Telegram, for as long as it exists.
    #[schema(value_type = Option<crate::schema::DeviceIdentity>)]
    device: Option<DeviceIdentity>,
    /// Its own way out: `socks5://user:password@host:port`, `http://user:password@host:port`,
    /// `mtproxy://host:port?secret=…`, one of Telegram's links, or `direct`; the configuration's when
    /// left out. It is not shown again.
    #[schema(value_type = Option<String>)]
    proxy: Option<Secret<String>>,
}

/// Makes an account, signed out.
#[utoipa::path(
    post,
    path = "/api/accounts",
    operation_id = "createAccount",
    tag = "accounts",
    request_body(content = CreateAccount),
    security(("key" = ["admin"])),
    responses(
        (status = 201, description = "It was made", body = crate::schema::AccountView,
            headers(("Location" = String, description = "Where it is"))),
        Problems,
    ),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Json(body): Json<CreateAccount>,
) -> Result<Response> {
    key.require_account(&body.name)?;
    if body.api_id.is_some() != body.api_hash.is_some() {
        let missing = if body.api_id.is_some() {
            "/apiHash"
        } else {
            "/apiId"
        };
        return Err(ApiError::invalid(
            "BODY_INVALID",
            "apiId and apiHash belong together",
            vec![FieldError {
                pointer: missing.to_owned(),
                detail: "missing beside the other one".to_owned(),
            }],
        ));
    }
    let account = app
        .accounts
        .create(NewAccount {
            name: body.name,
            kind: body.kind,
            api_id: body.api_id,
            api_hash: body.api_hash,
            environment: body.environment,
            device: body.device,
            proxy: body.proxy,
        })
        .await?;
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, format!("/api/accounts/{}", account.name))],
        Json(account),
    )
        .into_response())
}

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sluice_domain::{AccountName, FieldError, UnixMillis};
use sluice_store::NewApiKey;

use super::KeyView;
use crate::App;
use crate::auth::{Admin, Caller, Key, SCOPES};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// See [`handler`].
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateKey {
    /// What it is for, in words.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `read`, `call`, `admin`, `dangerous`; none includes another.
    #[schema(value_type = Vec<crate::schema::Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// Accounts it is limited to; all when left out.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    accounts: Vec<AccountName>,
    /// Methods it is limited to, like `messages.*`; all when left out.
    #[serde(default)]
    methods: Vec<String>,
    /// When it ends (RFC 3339); never when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<UnixMillis>,
}

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct CreatedKey {
    #[serde(flatten)]
    view: KeyView,
    /// The key itself, shown this once.
    key: String,
}

/// Makes an API key. The answer shows it this once.
#[utoipa::path(
    post,
    path = "/api/keys",
    operation_id = "createKey",
    tag = "keys",
    request_body(content = CreateKey),
    security(("key" = ["admin"])),
    responses((status = 201, description = "The key", body = crate::schema::CreatedKey), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    caller: Key<Admin>,
    Json(body): Json<CreateKey>,
) -> Result<Response> {
    check(&app, &body)?;
    within_own_powers(&caller, &body)?;
    let keys = app.keys.clone();
    let new = NewApiKey {
        name: body.name,
        scopes: body.scopes,
        accounts: body.accounts,
        methods: body.methods,
        expires_at: body.expires_at,
    };
    let (record, token) = tokio::task::spawn_blocking(move || keys.create(new))
        .await
        .map_err(|error| ApiError::internal(&error))?
        .map_err(|error| ApiError::store(&error))?;
    let created = CreatedKey {
        view: KeyView::from(&record),
        key: token.expose().clone(),
    };
    Ok((StatusCode::CREATED, Json(created)).into_response())
}

fn check(app: &App, body: &CreateKey) -> Result<()> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: &str| {
        errors.push(FieldError {
            pointer: pointer.to_owned(),
            detail: detail.to_owned(),
        });
    };
    if body.name.trim().is_empty() || body.name.chars().count() > 100 {
        wrong("/name", "expected 1 to 100 characters");
    }
    if body.scopes.is_empty() {
        wrong("/scopes", "expected at least one scope");
    }
    for (index, scope) in body.scopes.iter().enumerate() {
        if !SCOPES.contains(&scope.as_str()) {
            let expected = format!("expected one of {}", SCOPES.join(", "));
            wrong(&format!("/scopes/{index}"), &expected);
        }
    }
    for (index, pattern) in body.methods.iter().enumerate() {
        let stem = pattern.strip_suffix('*').unwrap_or(pattern);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_';
        if pattern.is_empty() || !stem.bytes().all(plain) {
            wrong(
                &format!("/methods/{index}"),
                "expected a method, or the beginning of one and a `*`",
            );
        }
    }
    if body.expires_at.is_some_and(|at| at <= app.clock.now()) {
        wrong("/expiresAt", "lies in the past");
    }
    if errors.is_empty() {
        Ok(())
    } else {
        let detail = "the key cannot be made like this";
        Err(ApiError::invalid("BODY_INVALID", detail, errors))
    }
}

/// Nobody gives away more than they have.
fn within_own_powers(caller: &Caller, body: &CreateKey) -> Result<()> {
    for scope in &body.scopes {
        caller.require(scope)?;
    }
    caller.require_within(&body.accounts, &body.methods)
}

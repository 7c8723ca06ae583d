use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use sluice_accounts::RotateRequest;
use sluice_domain::Secret;
use tokio::time::Instant;

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{CallHeaders, Json, JsonOrDefault, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RotateQuery {
    /// The account's name; the configuration's `default_account` when left out.
    account: Option<String>,
    /// Answer only when the rotation has ended, within `X-Timeout`.
    #[serde(default)]
    #[param(required = false)]
    wait: bool,
}

/// See [`handler`].
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rotate {
    /// The password of two-step verification, if the account has one.
    #[schema(value_type = Option<String>)]
    password: Option<Secret<String>>,
    /// Also when the authorization is younger than 24 hours.
    #[serde(default)]
    force: bool,
    /// Check everything that can be checked and change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Replaces the account's session by a new one, without a code from its owner.
#[utoipa::path(
    post,
    path = "/api/telegram-auth/rotate-session",
    operation_id = "rotateSession",
    tag = "session",
    params(RotateQuery, CallHeaders),
    request_body(content = Option<Rotate>),
    security(("key" = ["admin"])),
    responses(
        (status = 200, description = "It has ended (`?wait=true`), or the dry run passed",
            body = crate::schema::RotationView),
        (status = 202, description = "It has begun", body = crate::schema::RotationBegun,
            headers(("Location" = String, description = "Where it can be followed"))),
        Problems,
    ),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<RotateQuery>,
    headers: CallHeaders,
    JsonOrDefault(body): JsonOrDefault<Rotate>,
) -> Result<Response> {
    let account = key.account(&app, query.account.as_deref())?;
    let deadline = Instant::now() + headers.timeout;
    let request = RotateRequest {
        password: body.password,
        force: body.force,
        dry_run: body.dry_run,
    };
    let rotation = app.accounts.rotate(&account, request).await?;
    if rotation.dry_run {
        return Ok(Json(rotation).into_response());
    }
    let id = rotation.rotation_id;
    if query.wait {
        let ended = app.accounts.await_rotation(&id, deadline).await?;
        return Ok(Json(ended).into_response());
    }
    Ok((
        StatusCode::ACCEPTED,
        [(
            header::LOCATION,
            format!("/api/telegram-auth/rotations/{id}"),
        )],
        Json(serde_json::json!({ "rotationId": id })),
    )
        .into_response())
}

use axum::extract::{Request, State};
use serde::Deserialize;
use sluice_accounts::Uploaded;

use crate::App;
use crate::auth::{Call, Key};
use crate::extract::{CallHeaders, Json, Query, incoming};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// The account's name; the configuration's `default_account` when left out.
    account: Option<String>,
    /// The file's name; `file` when left out.
    name: Option<String>,
}

/// Uploads a file, the body, of up to 2,097,152,000 bytes, as it comes in. The answer holds its
/// `InputFile`, for any method that takes one. `X-Timeout` is for each part of 512 KiB, not for the
/// whole; waits of Telegram's are waited out within it.
#[utoipa::path(
    post,
    path = "/api/telegram/upload",
    operation_id = "uploadFile",
    tag = "files",
    params(UploadQuery, CallHeaders),
    request_body(content_type = "application/octet-stream", content = Vec<u8>),
    security(("key" = ["call"])),
    responses((status = 201, description = "Telegram has it", body = crate::schema::Uploaded), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Call>,
    Query(query): Query<UploadQuery>,
    headers: CallHeaders,
    request: Request,
) -> Result<(http::StatusCode, Json<Uploaded>)> {
    key.require_method("upload.saveFilePart")?;
    let account = key.account(&app, query.account.as_deref())?;
    let name = query.name.as_deref().unwrap_or("file");
    let (size, incoming) = incoming(request, &app);
    let uploaded = app
        .accounts
        .upload(&account, name, size, incoming, &headers.into())
        .await?;
    Ok((http::StatusCode::CREATED, Json(uploaded)))
}

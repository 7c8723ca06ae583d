use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sluice_accounts::CallOptions;

use super::send_message::SentMessage;
use crate::App;
use crate::auth::{Call, Key};
use crate::extract::{CallHeaders, Json, Query, incoming};
use crate::openapi::Problems;
use crate::problem::Result;

const METHOD: &str = "messages.sendMedia";

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SendFileQuery {
    /// The account's name; the configuration's `default_account` when left out.
    account: Option<String>,
    /// `me`, `@username`, `+phone` or a known id.
    peer: String,
    /// The file's name; `file` when left out.
    name: Option<String>,
    /// The text beside it.
    caption: Option<String>,
    /// What it is shown as; a document when left out.
    r#as: Option<ShownAs>,
}

/// What a file is shown as.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShownAs {
    /// A file with its name.
    Document,
    /// A picture, which Telegram compresses.
    Photo,
}

/// Sends a file, the body, as it comes in. Its `Content-Type` is the file's. `X-Timeout` is for each
/// part and for the message; `Idempotency-Key` makes sending it twice harmless.
#[utoipa::path(
    post,
    path = "/api/telegram/messages/file",
    operation_id = "sendFile",
    tag = "files",
    params(SendFileQuery, CallHeaders),
    request_body(content_type = "application/octet-stream", content = Vec<u8>),
    security(("key" = ["call"])),
    responses((status = 201, description = "It was sent", body = SentMessage), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Call>,
    Query(query): Query<SendFileQuery>,
    headers: CallHeaders,
    request: Request,
) -> Result<Response> {
    key.require_method(METHOD)?;
    let account = key.account(&app, query.account.as_deref())?;
    let mime = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let name = query.name.as_deref().unwrap_or("file");
    let options = CallOptions::from(headers);
    let (size, incoming) = incoming(request, &app);
    let uploaded = app
        .accounts
        .upload(&account, name, size, incoming, &options)
        .await?;
    let media = if query.r#as == Some(ShownAs::Photo) {
        json!({"_": "inputMediaUploadedPhoto", "file": uploaded.input_file})
    } else {
        json!({
            "_": "inputMediaUploadedDocument",
            "force_file": true,
            "file": uploaded.input_file,
            "mime_type": mime,
            "attributes": [{"_": "documentAttributeFilename", "file_name": name}],
        })
    };
    let mut params = Map::new();
    params.insert("peer".into(), query.peer.into());
    params.insert("media".into(), media);
    params.insert(
        "message".into(),
        Value::from(query.caption.unwrap_or_default()),
    );
    let updates = app.accounts.call(&account, METHOD, params, options).await?;
    Ok((StatusCode::CREATED, Json(SentMessage::of(updates))).into_response())
}

use core::fmt::Write as _;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sluice_accounts::{CallOptions, FileInfo};
use sluice_domain::{Category, Problem};

use crate::App;
use crate::auth::{Call, Key};
use crate::extract::{AccountQuery, CallHeaders, Query, Wanted, wanted};
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// The file of a message (a photo in its largest size), as it comes from Telegram and as fast as it
/// is taken. `Range`, `If-Range`, `If-None-Match` and `HEAD` are understood; what is behind an
/// `ETag` never changes. `X-Timeout` is for each stretch of 512 KiB, not for the whole.
#[utoipa::path(
    get,
    path = "/api/telegram/messages/{peer}/{id}/file",
    operation_id = "downloadFile",
    tag = "files",
    params(
        ("peer" = String, Path, description = "`me`, `@username`, `+phone` or a known id"),
        ("id" = i32, Path, description = "The message's id"),
        ("Range" = Option<String>, Header, description = "`bytes=first-last`; one range"),
        AccountQuery,
        CallHeaders,
    ),
    security(("key" = ["call"])),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, description = "A part of it", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "It is what the caller has"),
        Problems,
    ),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Call>,
    Path((peer, id)): Path<(String, i32)>,
    Query(query): Query<AccountQuery>,
    headers: CallHeaders,
    method: Method,
    asked: HeaderMap,
) -> Result<Response> {
    key.require_method("upload.getFile")?;
    let account = key.account(&app, query.account.as_deref())?;
    let options = CallOptions::from(headers);
    let file = app.accounts.file(&account, &peer, id, &options).await?;
    let info = file.info().clone();
    let size = info.size;
    let etag = format!("\"{:x}-{size:x}\"", info.id);
    let (status, range) = match wanted(&asked, &etag, size) {
        Wanted::Unchanged => {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
        }
        Wanted::Nothing => return Ok(nothing(size)),
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        Body::from_stream(file.read(range.clone()).await?)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    // What somebody sent must not act as a page of this gateway.
    put(header::CONTENT_TYPE, "application/octet-stream");
    put(header::CONTENT_TYPE, &info.mime);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::CONTENT_DISPOSITION, &disposition(&info));
    put(
        header::CONTENT_LENGTH,
        &(range.end - range.start).to_string(),
    );
    put(header::ACCEPT_RANGES, "bytes");
    put(header::ETAG, &etag);
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        put(header::CONTENT_RANGE, &part);
    }
    Ok(response)
}

fn nothing(size: u64) -> Response {
    let problem = Problem::new(
        416,
        "RANGE_NOT_SATISFIABLE",
        Category::InvalidRequest,
        format!("the file has {size} bytes"),
    );
    let mut response = ApiError::from(problem).into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// To be saved under its name (RFC 6266, the name as RFC 8187 has it).
fn disposition(info: &FileInfo) -> String {
    let Some(name) = &info.name else {
        return "attachment".to_owned();
    };
    let mut text = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

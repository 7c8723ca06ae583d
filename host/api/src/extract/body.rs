use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_domain::{Category, FieldError, Problem};

use crate::App;
use crate::problem::ApiError;

/// How much of a body that is too large is read and thrown away, and for how long.
const DISCARDED: usize = 8 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// A JSON body, read under a size cap and a deadline; as an answer, JSON.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        require_json(&request)?;
        let bytes = read(request, app).await?;
        if bytes.is_empty() {
            return Err(ApiError::invalid(
                "BODY_MISSING",
                "a JSON body is needed and there is none",
                vec![at_root("expected a JSON object")],
            ));
        }
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal(&error).into_response(),
        }
    }
}

/// A JSON body that may be left out, or null.
pub struct JsonOrDefault<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for JsonOrDefault<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let json = require_json(&request);
        let bytes = read(request, app).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        json?;
        parse::<Option<T>>(&bytes).map(|body| Self(body.unwrap_or_default()))
    }
}

fn require_json(request: &Request) -> Result<(), ApiError> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    match kind.as_deref() {
        Some(kind)
            if kind == "application/json"
                || (kind.starts_with("application/") && kind.ends_with("+json")) =>
        {
            Ok(())
        }
        other => Err(Problem::new(
            415,
            "MEDIA_TYPE_UNSUPPORTED",
            Category::InvalidRequest,
            match other {
                Some(_) => "the body's Content-Type is not application/json",
                None => "the body has no Content-Type",
            },
        )
        .advise("send Content-Type: application/json")
        .into()),
    }
}

async fn read(request: Request, app: &App) -> Result<Bytes, ApiError> {
    bytes(request, app, app.max_body(), "server.max_body").await
}

/// Reads what a sender goes on writing, who would meet a reset instead of the answer.
async fn discard(body: Body) {
    let mut rest = Limited::new(body, DISCARDED);
    let reading = async { while let Some(Ok(_)) = rest.frame().await {} };
    let _ = tokio::time::timeout(DISCARDING, reading).await;
}

/// A body of up to `cap` bytes, which is the key `named` of the configuration.
pub async fn bytes(
    request: Request,
    app: &App,
    cap: u64,
    named: &'static str,
) -> Result<Bytes, ApiError> {
    let cap = usize::try_from(cap).unwrap_or(usize::MAX);
    let too_large = || {
        ApiError::from(
            Problem::new(
                413,
                "BODY_TOO_LARGE",
                Category::InvalidRequest,
                format!("the body is larger than {cap} bytes"),
            )
            .advise(format!("the cap is {named} in the configuration")),
        )
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > cap) {
        discard(request.into_body()).await;
        return Err(too_large());
    }
    // A slow sender must not hold a connection for ever.
    let patience = app.config.load().server.body_timeout;
    let body = Limited::new(request.into_body(), cap);
    match tokio::time::timeout(patience, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::invalid(
            "REQUEST_MALFORMED",
            "the body broke off",
            Vec::new(),
        )),
        Err(_) => Err(Problem::new(
            408,
            "REQUEST_TIMEOUT",
            Category::Timeout,
            format!("the body did not arrive within {} s", patience.as_secs()),
        )
        .into()),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => ApiError::invalid(
                "BODY_INVALID",
                "the body is JSON, but not of the shape this path takes",
                vec![FieldError {
                    pointer,
                    detail: without_position(&inner),
                }],
            ),
            _ => not_json(&inner),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(parsed)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::invalid(
        "JSON_INVALID",
        format!(
            "the body is not JSON: {} at line {}, column {}",
            without_position(error),
            error.line(),
            error.column()
        ),
        vec![at_root(&without_position(error))],
    )
}

/// serde_json's message without its own ` at line L column C`.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

fn at_root(detail: &str) -> FieldError {
    FieldError {
        pointer: String::new(),
        detail: detail.to_owned(),
    }
}

/// A path of serde as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

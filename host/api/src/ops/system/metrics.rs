use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::App;
use crate::auth::{Key, Read};
use crate::problem::{ApiError, Result};

/// What an exporter serves at this path, made from the measurements of this moment.
pub(crate) async fn handler(State(app): State<App>, request: Request) -> Result<Response> {
    let path = request.uri().path().to_owned();
    if !app.config.load().admin.metrics_open {
        let (mut parts, _) = request.into_parts();
        Key::<Read>::from_request_parts(&mut parts, &app).await?;
    }
    let inner = app.clone();
    let served = tokio::task::spawn_blocking(move || {
        inner.policies.scrape(&inner.telemetry.snapshot());
        inner.policies.served(&path)
    })
    .await
    .map_err(|error| ApiError::internal(&error))?
    .ok_or_else(|| {
        ApiError::missing("PATH_NOT_FOUND", "no exporter serves anything at this path")
    })?;
    let kind = HeaderValue::from_str(&served.content_type)
        .unwrap_or_else(|_| HeaderValue::from_static("text/plain"));
    Ok(([(header::CONTENT_TYPE, kind)], served.body.to_string()).into_response())
}

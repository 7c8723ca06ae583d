use axum::response::IntoResponse;
use http::header;

use crate::openapi;

/// The OpenAPI document.
pub(crate) async fn handler() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        openapi::json(),
    )
}

//! The outermost layer: request ids, problem documents for every error, panics, access log, figures.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::App;
use crate::problem::{self, Pending};

/// The header that carries a request's id both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, in its extensions: what the caller sent, or a UUID of version 7.
#[derive(Clone)]
pub(crate) struct RequestId(pub String);

/// Longest id taken from a caller; longer ones, and what is not visible ASCII, are replaced.
const LONGEST_ID: usize = 128;

pub(crate) async fn finish(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
        })
        .map_or_else(|| app.new_id(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // The pattern, not the path: label values have to be few.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", |matched| matched.as_str())
        .to_owned();
    let base = base_url(request.headers().get(header::HOST));

    let mut response = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            // The panic hook has logged where; this ties it to the request.
            tracing::error!(request = %id, "a handler panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        });

    if let Some(Pending(problem)) = response.extensions_mut().remove() {
        problem::write_out(&mut response, &problem, &base, &id);
    } else if response.status().is_client_error() || response.status().is_server_error() {
        let problem = problem::of_status(response.status());
        problem::write_out(&mut response, &problem, &base, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }

    let status = response.status().as_u16();
    let took = started.elapsed();
    metrics::counter!("sluice_http_requests_total",
        "method" => method_label(&method), "route" => route.clone(), "status" => status.to_string())
    .increment(1);
    metrics::histogram!("sluice_http_request_duration_seconds", "route" => route)
        .record(took.as_secs_f64());
    // Never the query: it may hold a ticket.
    tracing::debug!(request = %id, %method, path, status, micros = took.as_micros(), "served");
    response
}

/// Says what the figures of this layer are.
pub(crate) fn describe_figures() {
    metrics::describe_counter!("sluice_http_requests_total", "requests answered");
    metrics::describe_histogram!(
        "sluice_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "from a request's head to the head of its answer"
    );
    metrics::describe_counter!(
        "sluice_event_readers_cut_total",
        "event streams closed because their reader was too slow"
    );
}

/// One of the methods of HTTP, or `other`: a caller cannot make label values.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Where the caller reached us, so that a problem's type can be opened. Empty (a relative
/// reference) when the Host header is not a plain authority.
fn base_url(host: Option<&HeaderValue>) -> String {
    host.and_then(|value| value.to_str().ok())
        .filter(|host| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
        })
        .map(|host| format!("http://{host}"))
        .unwrap_or_default()
}

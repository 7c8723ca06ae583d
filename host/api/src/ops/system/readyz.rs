use axum::extract::State;
use serde::Serialize;
use sluice_domain::{Category, FieldError, Problem};

use crate::App;
use crate::extract::Json;
use crate::problem::Result;

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct Ready {
    ready: bool,
}

/// Whether the gateway can serve: it is not stopping and its store can be written to. If not, the
/// problem's `errors` say which of these fails.
pub(crate) async fn handler(State(app): State<App>) -> Result<Json<Ready>> {
    let mut errors = Vec::new();
    if app.closing.is_cancelled() {
        errors.push(failed("gateway", "the gateway is stopping"));
    }
    let store = app.store.clone();
    match tokio::task::spawn_blocking(move || store.check_writable()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            errors.push(failed("store", "the store cannot be written to"));
        }
        Err(_) => errors.push(failed("store", "the store does not answer")),
    }
    if errors.is_empty() {
        return Ok(Json(Ready { ready: true }));
    }
    let why: Vec<_> = errors.iter().map(|error| error.detail.as_str()).collect();
    let mut problem = Problem::new(503, "NOT_READY", Category::Server, why.join("; "));
    problem.errors = errors;
    Err(problem.into())
}

fn failed(check: &str, detail: &str) -> FieldError {
    FieldError {
        pointer: format!("/{check}"),
        detail: detail.to_owned(),
    }
}

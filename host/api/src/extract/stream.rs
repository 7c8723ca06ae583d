use axum::extract::Request;
use futures_util::StreamExt as _;
use http::header;
use sluice_accounts::{BrokenOff, Incoming};

use crate::App;

/// A body as it comes in, and how long it says that it is. Any size: it passes through. A sender
/// that falls silent for `server.body_timeout` breaks it off.
pub fn incoming(request: Request, app: &App) -> (Option<u64>, Incoming<'static>) {
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let patience = app.config.load().server.body_timeout;
    let body = request.into_body().into_data_stream();
    let incoming = futures_util::stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout(patience, body.next()).await {
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(body))),
            Ok(None) => None,
            Ok(Some(Err(_))) | Err(_) => Some((Err(BrokenOff), None)),
        }
    });
    (length, incoming.boxed())
}

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use sluice_events::ReaderItem;
use tokio::time::Instant;

use super::Stream;
use crate::extract::Json;
use crate::problem::{ApiError, Result};

/// The longest wait: proxies commonly cut at a minute.
const LONGEST: u64 = 55;

/// Events in one answer at most.
const MOST: usize = 500;

#[derive(Serialize)]
struct Batch {
    events: Vec<Box<RawValue>>,
    cursor: String,
}

pub(super) async fn answer(mut stream: Stream, seconds: u64) -> Result<Response> {
    let until = Instant::now() + Duration::from_secs(seconds.min(LONGEST));
    // Live state is there at once on every poll; who did not ask for it waits for what is new.
    let wants_live = stream
        .filter
        .types
        .iter()
        .any(|kind| kind == "status" || kind == "pool_status");
    let mut events = Vec::new();
    let app = stream.app.clone();
    let mut ended = std::pin::pin!(stream.key_ended());
    while events.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        let items = tokio::select! {
            () = app.closing.cancelled() => break,
            () = &mut ended => break,
            items = stream.reader.batch(MOST, left) => items.map_err(|error| ApiError::store(&error))?,
        };
        if items.is_empty() {
            break;
        }
        for item in items {
            let text = match item {
                ReaderItem::Logged(_, text) | ReaderItem::Gap(_, text) => text,
                ReaderItem::Live(text) if wants_live => text,
                ReaderItem::Live(_) => continue,
            };
            events.push(RawValue::from_string(text).map_err(|error| ApiError::internal(&error))?);
        }
    }
    let cursor = stream.reader.position().to_string();
    Ok(Json(Batch { events, cursor }).into_response())
}

use std::convert::Infallible;
use std::pin::Pin;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use sluice_events::ReaderItem;

use super::Stream;

pub(super) fn answer(stream: Stream) -> Response {
    let heartbeat = stream.app.config.load().events.heartbeat;
    let ended: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(stream.key_ended());
    let events = stream::unfold((stream, ended), |(mut stream, mut ended)| async move {
        let item = tokio::select! {
            biased;
            () = stream.app.closing.cancelled() => return None,
            () = &mut ended => return None,
            item = stream.reader.next() => item,
        };
        let event = match item {
            Ok(ReaderItem::Logged(at, text) | ReaderItem::Gap(at, text)) => {
                Event::default().id(at.to_string()).data(text)
            }
            Ok(ReaderItem::Live(text)) => Event::default().data(text),
            Err(error) => {
                tracing::error!(%error, "the event log cannot be read");
                return None;
            }
        };
        Some((Ok::<_, Infallible>(event), (stream, ended)))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(heartbeat))
        .into_response()
}

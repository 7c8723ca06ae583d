use std::time::{Duration, Instant};

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use axum::response::Response;
use bytes::Bytes;
use sluice_domain::Cursor;
use sluice_events::ReaderItem;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Stream;

/// What a socket keeps to read into and write from. The library's 128 KiB each made ten thousand
/// idle sockets cost 1.3 GB; with 4 KiB they cost 66 MB.
const BUFFER: usize = 4 * 1024;

/// The largest message taken from a reader, who has nothing to say but pings.
const INCOMING: usize = 4 * 1024;

/// How long the last word may take.
const GOODBYE: Duration = Duration::from_secs(5);

pub(super) fn answer(stream: Stream, upgrade: WebSocketUpgrade) -> Response {
    let token = stream.app.tracker.token();
    upgrade
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(INCOMING)
        .max_frame_size(INCOMING)
        .on_upgrade(move |mut socket| async move {
            if let Some(end) = run(stream, &mut socket).await {
                // A reader that takes nothing does not take this either; the deadline is for it.
                let _ = timeout(GOODBYE, socket.send(Message::Close(Some(end)))).await;
                let _ = timeout(GOODBYE, drain(&mut socket)).await;
            }
            drop(token);
        })
}

/// Reads until the peer has answered the close.
async fn drain(socket: &mut WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}

/// Carries events until something ends it; what to tell the peer, if it is still there.
async fn run(mut stream: Stream, socket: &mut WebSocket) -> Option<CloseFrame> {
    let settings = stream.app.config.load().events.clone();
    let app = stream.app.clone();
    let mut key_ended = std::pin::pin!(stream.key_ended());
    let mut heartbeat = interval(settings.heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let mut cursor = stream.reader.position();
    loop {
        let message = tokio::select! {
            biased;
            () = app.closing.cancelled() => {
                return Some(close(close_code::AWAY, format!("the gateway is stopping; {}", resume(cursor))));
            }
            () = &mut key_ended => {
                return Some(close(close_code::POLICY, "the API key has ended".to_owned()));
            }
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
            _ = heartbeat.tick() => {
                if heard.elapsed() > settings.heartbeat * 3 {
                    return Some(close(close_code::AWAY, format!("no answer to pings; {}", resume(cursor))));
                }
                Message::Ping(Bytes::new())
            }
            item = stream.reader.next() => match item {
                Ok(ReaderItem::Logged(at, text) | ReaderItem::Gap(at, text)) => {
                    cursor = at;
                    Message::Text(text.into())
                }
                Ok(ReaderItem::Live(text)) => Message::Text(text.into()),
                Err(error) => {
                    tracing::error!(%error, "the event log cannot be read");
                    return Some(close(close_code::ERROR, format!("the event log cannot be read; {}", resume(cursor))));
                }
            },
        };
        match timeout(settings.slow_reader, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return None,
            // What is half sent stands before the close frame, so a reader that sees the close has
            // seen everything up to `cursor`.
            Err(_) => {
                metrics::counter!("sluice_event_readers_cut_total").increment(1);
                return Some(close(
                    close_code::AGAIN,
                    format!("too slow; {}", resume(cursor)),
                ));
            }
        }
    }
}

fn resume(cursor: Cursor) -> String {
    format!("resume with after={cursor}")
}

fn close(code: u16, reason: String) -> CloseFrame {
    CloseFrame {
        code,
        reason: reason.into(),
    }
}

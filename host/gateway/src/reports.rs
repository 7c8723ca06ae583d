use std::sync::Arc;

use sluice_domain::{Clock, Event, EventBody, EventLog};
use tokio::sync::mpsc;

/// Events of the gateway itself that may wait for the log. They come one by one, from people who
/// drop files and edit the configuration.
const WAITING: usize = 256;

/// Where parts that must not block report what happened to them.
#[derive(Clone)]
pub(crate) struct Reports(mpsc::Sender<EventBody>);

/// A place for reports and the task that writes them into the log.
pub(crate) fn reports(
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
) -> (Reports, impl Future<Output = ()> + Send + 'static) {
    let (sender, mut waiting) = mpsc::channel(WAITING);
    let write = async move {
        while let Some(body) = waiting.recv().await {
            let (log, at) = (Arc::clone(&log), clock.now());
            let event = Event {
                body,
                account: None,
                at,
            };
            match tokio::task::spawn_blocking(move || log.append(&[event])).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(%error, "an event could not be logged"),
                Err(error) => tracing::error!(%error, "an event could not be logged"),
            }
        }
    };
    (Reports(sender), write)
}

impl Reports {
    /// Hands an event over without waiting.
    pub fn report(&self, body: EventBody) {
        if self.0.try_send(body).is_err() {
            tracing::warn!("an event of the gateway is dropped: too many wait for the log");
        }
    }
}

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks without which the gateway is no gateway. One that ends before the gateway stops, by a
/// panic or by itself, ends the process: a process that lives and does not serve helps nobody.
#[derive(Clone)]
pub(crate) struct Supervisor {
    tracker: TaskTracker,
    closing: CancellationToken,
    fallen: Arc<watch::Sender<Option<String>>>,
}

impl Supervisor {
    pub fn new(closing: CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            closing,
            fallen: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Runs a task that has to live until `closing`.
    pub fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (closing, fallen) = (self.closing.clone(), Arc::clone(&self.fallen));
        self.tracker.spawn(async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await;
            if closing.is_cancelled() {
                return;
            }
            let how = match ended {
                Ok(()) => "ended".to_owned(),
                Err(panic) => format!("panicked: {}", message(&*panic)),
            };
            tracing::error!(task = name, how, "a task that the gateway needs is gone");
            fallen.send_replace(Some(format!("{name} {how}")));
        });
    }

    /// Waits until all of the tasks have ended.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Waits until one of the tasks is gone; says which and how.
    pub async fn fallen(&self) -> String {
        let mut fallen = self.fallen.subscribe();
        match fallen.wait_for(Option::is_some).await {
            Ok(name) => name.clone().unwrap_or_default(),
            // The sender is held by self.
            Err(_) => std::future::pending().await,
        }
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned())
}

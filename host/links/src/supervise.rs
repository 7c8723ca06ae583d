use std::sync::Arc;
use std::time::Duration;

use crate::link::Link;
use crate::shared::{Berth, Line, Shared};
use crate::{MainState, PoolEvent};

/// The pause after a panic.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// Runs a link until it is closed, and again after a panic. Waits first until the link that sat
/// there before has closed its socket.
pub(crate) async fn supervise(shared: Arc<Shared>, line: Arc<Line>, berth: Berth) {
    let mut berth = tokio::select! {
        berth = berth.lock_owned() => berth,
        () = line.cancel.cancelled() => {
            line.inbox.clear("the link was closed");
            return;
        }
    };
    loop {
        let link = Link::new(Arc::clone(&shared), Arc::clone(&line), berth.take());
        match shared.tracker.spawn(link.run()).await {
            Ok(session) => {
                *berth = session;
                break;
            }
            Err(error) => {
                // The calls in flight were dropped with the task: their callers see it at once.
                let reason = "the link's task failed";
                tracing::error!(account = %shared.account, dc = line.seat.dc, %error, "{reason}");
                line.board.broke("panic", reason);
                if line.main {
                    shared.set_main(MainState::Connecting {
                        failures: 1,
                        reason: Some(reason.into()),
                    });
                    shared.outbox.push(PoolEvent::Disconnected {
                        reason: reason.into(),
                    });
                }
                shared.changed();
                tokio::select! {
                    () = tokio::time::sleep(AFTER_PANIC) => {}
                    () = line.cancel.cancelled() => break,
                }
            }
        }
    }
    line.board.closed();
    line.inbox.clear("the link was closed");
}

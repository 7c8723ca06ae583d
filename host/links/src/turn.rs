use std::sync::Arc;
use std::time::Duration;

use sluice_domain::Way;
use tokio::time::timeout;

use crate::queue::Command;
use crate::{ConnectGate, Pool};

/// How long the sockets may take to be closed before the links are closed for it. They take what
/// their last acknowledgements take.
const TURN: Duration = Duration::from_secs(4);

impl Pool {
    /// Changes the way out of all links. Every socket is closed before the first one is opened on
    /// the new way; sessions and calls go on there. Returns when the sockets are closed. The same way
    /// again changes nothing.
    pub async fn set_way(&self, way: Way, gate: Arc<ConnectGate>) {
        let ways = &self.shared.ways;
        if ways.is(&way) {
            return;
        }
        ways.announce();
        let turned = async {
            tokio::join! {
                // In this order: whoever is recycled must find the way barred.
                biased;
                ways.turn(&way, &gate),
                self.cleanup(true),
            }
        };
        if timeout(TURN, turned).await.is_err() {
            tracing::error!(account = %self.shared.account, "links did not leave in time; they are closed");
            let open = self.shared.table.lock().open;
            self.close().await;
            ways.announce();
            // A link that is not even closed by this would be held up with its socket: better none
            // at all than one by each way.
            if timeout(TURN, ways.turn(&way, &gate)).await.is_err() {
                tracing::error!(account = %self.shared.account, "the way out could not be changed");
                return;
            }
            if open {
                self.open();
            }
        }
        let table = self.shared.table.lock();
        for (line, _) in table.links.values() {
            line.inbox.order(Command::Retry);
        }
    }
}

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sluice_domain::{ApiKeyRecord, Random};

/// How long a ticket can be used for. A browser opens its socket at once.
pub(crate) const LIFE: Duration = Duration::from_mins(1);

/// Tickets that can be open at once: more than any page opens sockets in a minute, few enough that
/// making them is no way to fill the memory.
const MOST: usize = 10_000;

/// Single-use stand-ins for a key where no header can be set (a browser's WebSocket).
#[derive(Default)]
pub(crate) struct Tickets(Mutex<HashMap<String, Ticket>>);

struct Ticket {
    key: Arc<ApiKeyRecord>,
    /// On the monotonic clock.
    ends: Duration,
}

impl Tickets {
    /// A ticket for this key; none when too many are open.
    pub fn issue(
        &self,
        key: Arc<ApiKeyRecord>,
        now: Duration,
        random: &dyn Random,
    ) -> Option<String> {
        let mut secret = [0_u8; 24];
        random.fill(&mut secret);
        let text =
            base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret);
        let mut open = self.0.lock();
        if open.len() >= MOST {
            open.retain(|_, ticket| ticket.ends > now);
        }
        if open.len() >= MOST {
            return None;
        }
        let ends = now.saturating_add(LIFE);
        open.insert(text.clone(), Ticket { key, ends });
        Some(text)
    }

    /// The key behind a ticket, which is used up by this.
    pub fn take(&self, ticket: &str, now: Duration) -> Option<Arc<ApiKeyRecord>> {
        let ticket = self.0.lock().remove(ticket)?;
        (ticket.ends > now).then_some(ticket.key)
    }
}

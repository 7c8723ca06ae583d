use parking_lot::RwLock;
use serde_json::Value;
use sluice_tl::Schema;

use crate::shared::Seat;
use crate::{DcAddress, Topology};

/// Addresses a server may tell; it has a handful of data centers.
const MOST: usize = 64;

/// Where the data centers are: as configured, and where that says nothing, as Telegram told.
pub(crate) struct Addresses {
    configured: Vec<DcAddress>,
    told: RwLock<Vec<DcAddress>>,
}

impl Addresses {
    pub(crate) fn new(topology: &Topology) -> Self {
        Self {
            configured: topology.addresses().to_vec(),
            told: RwLock::default(),
        }
    }

    /// The address for the n-th try: one after the other, never two at once.
    pub(crate) fn get(&self, seat: Seat, attempt: usize) -> Option<DcAddress> {
        pick(&self.configured, seat, attempt)
            .cloned()
            .or_else(|| pick(&self.told.read(), seat, attempt).cloned())
    }

    /// Whether there is an address for media alone.
    pub(crate) fn has_media(&self, dc: i32) -> bool {
        self.get(Seat::media(dc, 0), 0).is_some()
    }

    /// Takes what `help.getConfig` answered.
    pub(crate) fn learn(&self, config: &[u8]) {
        let config = match Schema::newest().decode_result("help.getConfig", config) {
            Ok(config) => config,
            Err(error) => {
                tracing::warn!(%error, "the server's configuration cannot be read");
                return;
            }
        };
        let options = config.get("dc_options").and_then(Value::as_array);
        *self.told.write() = options
            .into_iter()
            .flatten()
            .take(MOST)
            .filter_map(address)
            .collect();
    }
}

fn pick(addresses: &[DcAddress], seat: Seat, attempt: usize) -> Option<&DcAddress> {
    let fitting = || {
        addresses
            .iter()
            .filter(move |at| (at.id, at.media_only) == (seat.dc, seat.is_media()))
    };
    fitting().nth(attempt.checked_rem(fitting().count())?)
}

/// An address as Telegram tells it, if plain connections go there.
fn address(option: &Value) -> Option<DcAddress> {
    let is = |flag: &str| option.get(flag).and_then(Value::as_bool) == Some(true);
    if is("ipv6") || is("tcpo_only") || is("cdn") || option.get("secret").is_some() {
        return None;
    }
    let number = |key: &str| option.get(key).and_then(Value::as_i64);
    Some(DcAddress {
        id: i32::try_from(number("id")?).ok()?,
        host: option.get("ip_address")?.as_str()?.to_owned(),
        port: u16::try_from(number("port")?).ok()?,
        media_only: is("media_only"),
    })
}

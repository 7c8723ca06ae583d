use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use serde_json::Value;
use sluice_domain::Ipv6;
use sluice_tl::Schema;

use crate::shared::Seat;
use crate::{DcAddress, Topology};

/// Addresses a server may tell; it has a handful of data centers.
const MOST: usize = 64;

/// Where the data centers are: as configured, and where that says nothing, as Telegram told.
pub(crate) struct Addresses {
    configured: Vec<DcAddress>,
    told: RwLock<Vec<DcAddress>>,
    /// How often the main link could not connect. Its versions of IP are tried in turn, and the
    /// other links follow it: all leave by one address.
    turn: AtomicUsize,
}

impl Addresses {
    pub(crate) fn new(topology: &Topology) -> Self {
        Self {
            configured: topology.addresses().to_vec(),
            told: RwLock::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The address for the n-th try: one after the other, never two at once.
    pub(crate) fn get(&self, seat: Seat, attempt: usize, ipv6: Ipv6) -> Option<DcAddress> {
        let turn = self.turn.load(Ordering::Relaxed);
        pick(&self.configured, seat, attempt, ipv6, turn)
            .cloned()
            .or_else(|| pick(&self.told.read(), seat, attempt, ipv6, turn).cloned())
    }

    /// The main link could not connect: the other version of IP, if it may be used, is next.
    pub(crate) fn failed(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there is an address.
    pub(crate) fn has(&self, seat: Seat) -> bool {
        self.get(seat, 0, Ipv6::Prefer).is_some()
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

fn pick(
    addresses: &[DcAddress],
    seat: Seat,
    attempt: usize,
    ipv6: Ipv6,
    turn: usize,
) -> Option<&DcAddress> {
    let of = |six: bool| {
        addresses.iter().filter(move |at| {
            (at.id, at.media_only) == (seat.dc, seat.is_media()) && is_ipv6(&at.host) == six
        })
    };
    let order: &[bool] = match ipv6 {
        Ipv6::Never => &[false],
        Ipv6::Fallback => &[false, true],
        Ipv6::Prefer => &[true, false],
    };
    let mut there = order.iter().filter(|six| of(**six).next().is_some());
    let six = *there.nth(turn.checked_rem(there.clone().count())?)?;
    of(six).nth(attempt.checked_rem(of(six).count())?)
}

fn is_ipv6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok()
}

/// An address as Telegram tells it, if plain connections go there.
fn address(option: &Value) -> Option<DcAddress> {
    let is = |flag: &str| option.get(flag).and_then(Value::as_bool) == Some(true);
    if is("tcpo_only") || is("cdn") || option.get("secret").is_some() {
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

#[cfg(test)]
mod tests {
    use sluice_domain::Ipv6;

    use super::Addresses;
    use crate::Topology;
    use crate::shared::Seat;

    /// Breaks when the versions of IP are taken in another order than the setting says, or the
    /// other one before a failure.
    #[test]
    fn the_setting_orders_and_failures_turn() {
        let seat = Seat::calls(2);
        let four = "149.154.167.51";
        let six = "2001:67c:4e8:f002::a";
        for (ipv6, expected) in [
            (Ipv6::Never, [four, four, four]),
            (Ipv6::Fallback, [four, six, four]),
            (Ipv6::Prefer, [six, four, six]),
        ] {
            let addresses = Addresses::new(&Topology::production());
            for host in expected {
                for attempt in 0..3 {
                    assert_eq!(addresses.get(seat, attempt, ipv6).unwrap().host, host);
                }
                addresses.failed();
            }
        }
    }
}

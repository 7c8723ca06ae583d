use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{
    AccountName, AuthorizationId, Clock, DeviceIdentity, Random, SessionStore, Way,
};
use sluice_mtproto::{keys, rsa::PublicKey};
use tokio_util::task::TaskTracker;

use crate::{ConnectGate, PoolError};

/// One address of a data center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcAddress {
    /// The data center.
    pub id: i32,
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Carries `upload.*` only.
    pub media_only: bool,
}

/// The data centers of one Telegram and the keys they prove themselves with.
pub struct Topology {
    dcs: Vec<DcAddress>,
    keys: Vec<PublicKey>,
    test: bool,
}

/// Source: <https://core.telegram.org/api/datacenter> and what `help.getConfig` answers.
const PRODUCTION: [&str; 5] = [
    "149.154.175.53",
    "149.154.167.51",
    "149.154.175.100",
    "149.154.167.91",
    "91.108.56.130",
];
const PRODUCTION_IPV6: [&str; 5] = [
    "2001:b28:f23d:f001::a",
    "2001:67c:4e8:f002::a",
    "2001:b28:f23d:f003::a",
    "2001:67c:4e8:f004::a",
    "2001:b28:f23f:f005::a",
];
const TEST: [&str; 3] = ["149.154.175.10", "149.154.167.40", "149.154.175.117"];
const TEST_IPV6: [&str; 3] = [
    "2001:b28:f23d:f001::e",
    "2001:67c:4e8:f002::e",
    "2001:b28:f23d:f003::e",
];

impl Topology {
    /// Data centers at own addresses, with the servers' RSA public keys as PEM texts.
    pub fn custom(dcs: Vec<DcAddress>, keys: &[String], test: bool) -> Result<Self, PoolError> {
        let keys = keys
            .iter()
            .enumerate()
            .map(|(index, pem)| {
                PublicKey::from_pem(pem).map_err(|error| PoolError::ServerKey {
                    index,
                    reason: error.to_string(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { dcs, keys, test })
    }

    /// The real Telegram.
    pub fn production() -> Self {
        Self {
            dcs: numbered(&PRODUCTION, &PRODUCTION_IPV6),
            keys: keys::production().to_vec(),
            test: false,
        }
    }

    /// Telegram's test data centers.
    pub fn test() -> Self {
        Self {
            dcs: numbered(&TEST, &TEST_IPV6),
            keys: keys::test().to_vec(),
            test: true,
        }
    }

    pub(crate) fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The number of a data center as the key exchange wants it.
    pub(crate) const fn exchange_number(&self, dc: i32) -> i32 {
        if self.test { dc + 10_000 } else { dc }
    }

    pub(crate) fn addresses(&self) -> &[DcAddress] {
        &self.dcs
    }

    /// The numbers of the data centers, without repetition.
    pub fn dcs(&self) -> Vec<i32> {
        let mut ids: Vec<i32> = self.dcs.iter().map(|dc| dc.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

fn numbered(ipv4: &[&str], ipv6: &[&str]) -> Vec<DcAddress> {
    [ipv4, ipv6]
        .into_iter()
        .flat_map(|hosts| (1..).zip(hosts))
        .map(|(id, host)| DcAddress {
            id,
            host: (*host).to_owned(),
            port: 443,
            media_only: false,
        })
        .collect()
}

/// What a pool is made of.
pub struct PoolParams {
    /// Whose links.
    pub account: AccountName,
    /// Which authorization's keys.
    pub authorization: AuthorizationId,
    /// For `initConnection`.
    pub api_id: i32,
    /// For `initConnection`.
    pub device: DeviceIdentity,
    /// Where Telegram is.
    pub topology: Arc<Topology>,
    /// Where the authorization lives.
    pub home_dc: i32,
    /// Keeps the keys.
    pub store: Arc<dyn SessionStore>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness fit for keys.
    pub random: Arc<dyn Random>,
    /// Every task of the pool runs on it.
    pub tracker: TaskTracker,
    /// How all links leave, until [`crate::Pool::set_way`].
    pub way: Way,
    /// Shared by all pools that leave by the same address.
    pub gate: Arc<ConnectGate>,
    /// Deadlines and bounds.
    pub limits: Limits,
}

/// Deadlines and bounds of a pool. The defaults suit the real Telegram.
#[derive(Debug, Clone)]
pub struct Limits {
    /// TCP connect.
    pub connect: Duration,
    /// The whole key exchange.
    pub handshake: Duration,
    /// From the first encrypted packet of a connection to the first answer, counted in the same
    /// manner.
    pub first_answer: Duration,
    /// From a ping to its pong, or from the last bytes that moved meanwhile.
    pub pong: Duration,
    /// A quiet link is pinged after a time between half of this and all of it.
    pub ping: Duration,
    /// A call without an answer for this long has the link pinged at once.
    pub late: Duration,
    /// The longest pause between two tries to connect.
    pub backoff: Duration,
    /// Links for media to one data center: Telegram tolerates several on addresses for media.
    pub media_links: u8,
    /// An idle media link closes after this.
    pub idle: Duration,
    /// An unknown key (-404) is given up only when it was refused three times over this time.
    pub key_lost: Duration,
    /// Calls that wait for one link.
    pub queue: usize,
    /// Calls without an answer on one link.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(20),
            first_answer: Duration::from_secs(10),
            pong: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            late: Duration::from_secs(5),
            backoff: Duration::from_secs(16),
            media_links: 4,
            idle: Duration::from_mins(1),
            key_lost: Duration::from_mins(1),
            queue: 1024,
            in_flight: 256,
        }
    }
}

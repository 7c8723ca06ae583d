use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::humane;

/// `[server]`: listeners and their limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSection {
    /// Where the API listens.
    #[serde(deserialize_with = "humane::address::deserialize")]
    pub listen: SocketAddr,
    /// Where health and metrics are.
    #[serde(deserialize_with = "humane::address::deserialize")]
    pub admin_listen: SocketAddr,
    /// Open connections at once, over both listeners.
    pub max_connections: usize,
    /// The largest request body, in bytes.
    #[serde(with = "humane::size")]
    pub max_body: u64,
    /// How long a client may take to send its headers.
    #[serde(with = "humane::duration")]
    pub header_timeout: Duration,
    /// How long a client may take to send its body.
    #[serde(with = "humane::duration")]
    pub body_timeout: Duration,
    /// How long requests under way may take to end when the gateway stops.
    #[serde(with = "humane::duration")]
    pub drain_timeout: Duration,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            max_connections: 10_000,
            max_body: 1 << 20,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(25),
        }
    }
}

use serde::{Deserialize, Serialize};

use crate::Proxy;

/// How an account's links leave: all of them the same way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// Through this proxy; straight if there is none.
    pub proxy: Option<Proxy>,
    /// How packets travel, but for a proxy of Telegram's kind, whose secret says it.
    pub transport: Transport,
    /// Whether addresses of IPv6 are used.
    pub ipv6: Ipv6,
}

/// How packets travel on a connection.
/// Source: <https://core.telegram.org/mtproto/mtproto-transports>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Four bytes of length. Simple, and every packet is aligned.
    #[default]
    Intermediate,
    /// One byte of length, mostly: the least traffic.
    Abridged,
    /// Intermediate, and random bytes behind each packet.
    Padded,
    /// With numbers and checksums.
    Full,
    /// Intermediate, hidden in what looks like noise, for networks that look for Telegram.
    Obfuscated,
}

/// Whether addresses of IPv6 are used. Never both at once, and all links of an account alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ipv6 {
    /// IPv4 only.
    Never,
    /// When IPv4 failed.
    #[default]
    Fallback,
    /// First; IPv4 when it failed.
    Prefer,
}

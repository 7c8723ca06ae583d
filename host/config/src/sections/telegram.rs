use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use sluice_domain::{AccountName, Environment, Ipv6, Secret, Transport};

use crate::humane;

/// `[telegram]`: which Telegram, and as which application.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelegramSection {
    /// From my.telegram.org; none is shipped.
    pub api_id: Option<i32>,
    /// From my.telegram.org.
    #[serde(with = "humane::secret")]
    pub api_hash: Option<Secret<String>>,
    /// Which Telegram accounts live on, unless they say otherwise.
    pub environment: Environment,
    /// The proxy of accounts that have none of their own.
    #[serde(with = "humane::secret")]
    pub proxy: Option<Secret<String>>,
    /// How packets travel.
    pub transport: Transport,
    /// Whether addresses of IPv6 are used.
    pub ipv6: Ipv6,
    /// The account that a request without `?account=` means.
    pub default_account: AccountName,
    /// Addresses and server keys for `environment = "custom"`.
    pub custom: CustomSection,
}

/// `[telegram.custom]`: a Telegram of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomSection {
    /// Its data centers.
    pub dcs: Vec<CustomDc>,
    /// Its RSA public keys as PEM text. In the file also paths of PEM files; loading reads them.
    pub public_keys: Vec<String>,
}

/// A data center of a Telegram of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomDc {
    /// Its number.
    pub id: i32,
    /// Where it listens.
    #[serde(deserialize_with = "humane::address::deserialize")]
    pub address: SocketAddr,
    /// Where it listens for files, if elsewhere.
    #[serde(default, deserialize_with = "humane::address::option")]
    pub media_address: Option<SocketAddr>,
}

impl Default for TelegramSection {
    fn default() -> Self {
        Self {
            api_id: None,
            api_hash: None,
            environment: Environment::Production,
            proxy: None,
            transport: Transport::default(),
            ipv6: Ipv6::default(),
            default_account: AccountName::default(),
            custom: CustomSection::default(),
        }
    }
}

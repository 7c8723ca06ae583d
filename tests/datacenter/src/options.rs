use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use serde::Serialize;
use sluice_domain::{Clock, Random};

/// How to start a [`crate::DataCenter`].
#[derive(Clone)]
pub struct Options {
    /// How many data centers, numbered from 1 (1..=9).
    pub dcs: u16,
    /// Where all of them listen; each port is a free one.
    pub listen: IpAddr,
    /// Where the control API listens; port 0 takes a free one. Only loopback addresses are taken.
    pub control: SocketAddr,
    /// The control API's bearer key; a random one when absent.
    pub control_key: Option<String>,
    /// Where the world is kept over restarts; only in memory when absent.
    pub data: Option<PathBuf>,
    /// The real clock; the system's when absent.
    pub clock: Option<Arc<dyn Clock>>,
    /// Randomness; the system's when absent.
    pub random: Option<Arc<dyn Random>>,
}

impl Default for Options {
    fn default() -> Self {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            dcs: 2,
            listen: localhost,
            control: SocketAddr::new(localhost, 0),
            control_key: None,
            data: None,
            clock: None,
            random: None,
        }
    }
}

/// Where one data center is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DcInfo {
    /// Its number.
    pub id: i32,
    /// Its main address.
    pub address: SocketAddr,
    /// The address announced as `media_only`.
    pub media_address: SocketAddr,
}

/// Why a data center could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The number of data centers is not in 1..=9.
    #[error("{0} data centers asked for, 1 to 9 are possible")]
    Count(u16),
    /// The control API is for this machine only.
    #[error("the control api must listen on a loopback address, not {0}")]
    ControlNotLoopback(SocketAddr),
    /// A port could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The data directory cannot be used.
    #[error("the data directory cannot be used: {0}")]
    Data(#[from] crate::DiskError),
    /// What was kept is of more data centers than were asked for.
    #[error("accounts of data center {0} were kept, and fewer data centers asked for")]
    TooFew(i32),
    /// The system refused randomness.
    #[error("no randomness from the system")]
    Random,
    /// The built-in key pair could not be read.
    #[error("the server key cannot be read: {0}")]
    Key(String),
    /// No data center has this number.
    #[error("there is no data center {0}")]
    UnknownDc(i32),
}

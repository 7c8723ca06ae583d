use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;

use sluice_domain::Secret;

/// Where a target is.
#[derive(Clone)]
pub enum Address {
    /// An address for POST requests, `http://` or `https://`.
    Http(Secret<String>),
    /// A host and a port for datagrams.
    Udp(String),
}

/// A target of the configuration.
#[derive(Clone)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// Headers of each request.
    pub headers: BTreeMap<String, Secret<String>>,
    /// How long one request may take, from the connection to the end of the answer.
    pub timeout: Duration,
    /// A PEM file with the authorities that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Http(own), Self::Http(other)) => own.expose() == other.expose(),
            (Self::Udp(own), Self::Udp(other)) => own == other,
            _ => false,
        }
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        let headers = |target: &Self| -> Vec<(String, String)> {
            let headers = target.headers.iter();
            headers
                .map(|(name, value)| (name.clone(), value.expose().clone()))
                .collect()
        };
        self.address == other.address
            && self.timeout == other.timeout
            && self.ca_file == other.ca_file
            && headers(self) == headers(other)
    }
}

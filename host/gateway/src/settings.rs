//! The configuration in the words of the crates that obey it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sluice_accounts::{CustomDc, CustomEnvironment, Settings};
use sluice_config::{Config, RollbackSection};
use sluice_domain::Way;
use sluice_export::{Address, Target};
use sluice_policy::{Carrier, Limits, PolicySettings, Rollback};
use sluice_store::Retention;

/// What the accounts obey.
pub(crate) fn accounts(config: &Config) -> Settings {
    let telegram = &config.telegram;
    let mut dcs = Vec::new();
    for dc in &telegram.custom.dcs {
        let mut add = |address: std::net::SocketAddr, media_only| {
            dcs.push(CustomDc {
                id: dc.id,
                host: address.ip().to_string(),
                port: address.port(),
                media_only,
            });
        };
        add(dc.address, false);
        if let Some(address) = dc.media_address {
            add(address, true);
        }
    }
    Settings {
        default_account: telegram.default_account.clone(),
        api: telegram.api_id.zip(telegram.api_hash.clone()),
        environment: telegram.environment,
        custom: CustomEnvironment {
            dcs,
            keys: telegram.custom.public_keys.clone(),
        },
        way: Way {
            // What is no proxy does not pass the check of the configuration.
            proxy: telegram
                .proxy
                .as_ref()
                .and_then(|p| p.expose().parse().ok()),
            transport: telegram.transport,
            ipv6: telegram.ipv6,
        },
        probe_interval: config.probe.interval,
        ..Settings::default()
    }
}

/// What the policies run under.
pub(crate) fn policies(config: &Config, data: &Path, bundled: Option<PathBuf>) -> PolicySettings {
    let limits = Limits::default();
    PolicySettings {
        dir: config
            .policy
            .dir
            .clone()
            .unwrap_or_else(|| data.join("plugins")),
        bundled,
        cache_dir: Some(data.join("plugin-cache")),
        archive_dir: Some(data.join("plugin-archive")),
        archive_bytes: config.policy.archive_size,
        rollback: rollback(config),
        limits: Limits {
            max_file_bytes: config.policy.max_size,
            max_memory_bytes: usize::try_from(config.policy.max_memory).unwrap_or(usize::MAX),
            decision_deadline: config.policy.deadline,
            max_attempts: config.calls.max_attempts,
            max_wait: config.calls.max_timeout.max(Duration::from_secs(1)),
            ..limits
        },
    }
}

/// Where exporters may send to.
pub(crate) fn targets(config: &Config) -> BTreeMap<String, Target> {
    let targets = config.export.targets.iter();
    targets
        .filter_map(|(name, target)| {
            // One of the two is there, or the configuration is not taken.
            let address = match (&target.url, &target.udp) {
                (Some(url), _) => Address::Http(url.clone()),
                (None, udp) => Address::Udp(udp.clone()?),
            };
            let target = Target {
                address,
                headers: target.headers.clone(),
                timeout: target.timeout,
                ca_file: target.ca_file.clone(),
            };
            Some((name.clone(), target))
        })
        .collect()
}

/// What a target takes.
pub(crate) const fn carrier(target: &Target) -> Carrier {
    match target.address {
        Address::Http(_) => Carrier::Http,
        Address::Udp(_) => Carrier::Datagram,
    }
}

/// When a new generation of a plugin is taken back.
pub(crate) fn rollback(config: &Config) -> Rollback {
    let RollbackSection {
        automatic,
        within,
        window,
        faults,
        clamps,
        amplification,
        min_calls,
    } = config.policy.rollback;
    Rollback {
        automatic,
        within,
        window,
        faults,
        clamps,
        amplification,
        min_calls,
    }
}

/// How much of the event log is kept.
pub(crate) fn retention(config: &Config) -> Retention {
    Retention {
        max_count: config.events.max_count,
        max_age: config.events.max_age,
    }
}

/// Where `make components` leaves the shipped policies, seen from the executable: beside it when
/// installed, beside its profile's directory when built.
pub(crate) fn bundled_plugins() -> Option<PathBuf> {
    let executable = std::env::current_exe().ok()?;
    let beside = executable.parent()?;
    [Some(beside), beside.parent()]
        .into_iter()
        .flatten()
        .map(|dir| dir.join("plugins"))
        .find(|dir| dir.is_dir())
}

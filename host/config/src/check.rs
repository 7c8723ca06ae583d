use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sluice_domain::{Environment, Proxy};

use crate::Config;
use crate::humane::{duration, size};
use crate::load::Fault;

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Config {
    /// Takes in public keys that stand in files of their own.
    pub(crate) fn read_keys(&mut self) -> Result<(), Fault> {
        for (index, key) in self.telegram.custom.public_keys.iter_mut().enumerate() {
            if key.trim_start().starts_with("-----BEGIN") {
                continue;
            }
            let text = fs::read_to_string(Path::new(key.as_str()));
            *key = text.map_err(|e| {
                let message = format!("neither PEM text nor a PEM file that can be read: {e}");
                fault(&format!("telegram.custom.public_keys.{index}"), message)
            })?;
        }
        Ok(())
    }

    /// Everything that the types alone do not say.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        self.check_server()?;
        self.check_telegram()?;
        self.check_data()?;
        self.check_policy()?;
        self.check_export()?;
        self.check_calls()?;
        let interval = self.probe.interval;
        times("probe.interval", interval, SECOND, 10 * MINUTE)?;
        self.check_events()?;
        sluice_telemetry::check_level(&self.log.level)
            .map_err(|e| fault("log.level", e.to_string()))
    }

    fn check_server(&self) -> Result<(), Fault> {
        let server = &self.server;
        if server.listen == server.admin_listen && server.listen.port() != 0 {
            let message = "is the same address as server.listen".to_owned();
            return Err(fault("server.admin_listen", message));
        }
        let connections = server.max_connections;
        between("server.max_connections", &connections, &1, &1_000_000)?;
        sizes("server.max_body", server.max_body, KIB, GIB)?;
        let headers = server.header_timeout;
        times("server.header_timeout", headers, SECOND, 5 * MINUTE)?;
        times("server.body_timeout", server.body_timeout, SECOND, HOUR)?;
        let drain = server.drain_timeout;
        times("server.drain_timeout", drain, Duration::ZERO, 10 * MINUTE)
    }

    fn check_telegram(&self) -> Result<(), Fault> {
        let telegram = &self.telegram;
        if telegram.api_id.is_some_and(|id| id <= 0) {
            return Err(fault("telegram.api_id", "is a positive number".to_owned()));
        }
        let hash = telegram.api_hash.as_ref();
        if hash.is_some_and(|hash| hash.expose().trim().is_empty()) {
            return Err(fault("telegram.api_hash", "is empty".to_owned()));
        }
        match (telegram.api_id, hash) {
            (Some(_), None) => {
                let message = "needs telegram.api_hash beside it".to_owned();
                return Err(fault("telegram.api_id", message));
            }
            (None, Some(_)) => {
                let message = "needs telegram.api_id beside it".to_owned();
                return Err(fault("telegram.api_hash", message));
            }
            _ => {}
        }
        if let Some(proxy) = &telegram.proxy {
            let read: Result<Proxy, _> = proxy.expose().parse();
            read.map_err(|error| fault("telegram.proxy", error.to_string()))?;
        }
        let custom = &telegram.custom;
        let mut ids = BTreeSet::new();
        for (index, dc) in custom.dcs.iter().enumerate() {
            let key = format!("telegram.custom.dcs.{index}.id");
            between(&key, &dc.id, &1, &999)?;
            if !ids.insert(dc.id) {
                return Err(fault(&key, format!("data center {} is there twice", dc.id)));
            }
        }
        if telegram.environment == Environment::Custom {
            if custom.dcs.is_empty() {
                let message = "environment = \"custom\" needs at least one".to_owned();
                return Err(fault("telegram.custom.dcs", message));
            }
            if custom.public_keys.is_empty() {
                let message = "environment = \"custom\" needs at least one".to_owned();
                return Err(fault("telegram.custom.public_keys", message));
            }
        }
        Ok(())
    }

    fn check_data(&self) -> Result<(), Fault> {
        let data = &self.data;
        if data.dir.as_os_str().is_empty() {
            return Err(fault("data.dir", "is empty".to_owned()));
        }
        if data.master_key.is_some() && data.master_key_file.is_some() {
            let message = "give either this or data.master_key_file".to_owned();
            return Err(fault("data.master_key", message));
        }
        Ok(())
    }

    fn check_policy(&self) -> Result<(), Fault> {
        let policy = &self.policy;
        sizes("policy.max_size", policy.max_size, KIB, GIB)?;
        sizes("policy.max_memory", policy.max_memory, 64 * KIB, 4 * GIB)?;
        let (least, deadline) = (Duration::from_millis(1), policy.deadline);
        times("policy.deadline", deadline, least, 10 * SECOND)?;
        let interval = policy.export_interval;
        times("policy.export_interval", interval, SECOND, HOUR)?;
        let journal = policy.journal_max_bytes;
        sizes("policy.journal_max_bytes", journal, KIB * KIB, KIB * GIB)?;
        sizes(
            "policy.archive_size",
            policy.archive_size,
            KIB << 10,
            64 * GIB,
        )?;
        let rollback = &policy.rollback;
        times("policy.rollback.within", rollback.within, SECOND, 30 * DAY)?;
        times("policy.rollback.window", rollback.window, SECOND, DAY)?;
        for (key, value) in [
            ("policy.rollback.faults", rollback.faults),
            ("policy.rollback.clamps", rollback.clamps),
            ("policy.rollback.amplification", rollback.amplification),
            ("policy.rollback.min_calls", rollback.min_calls),
        ] {
            between(key, &value, &1, &1_000_000)?;
        }
        Ok(())
    }

    fn check_export(&self) -> Result<(), Fault> {
        for (name, target) in &self.export.targets {
            let key = |field: &str| format!("export.targets.{name}{field}");
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if !(1..=64).contains(&name.len()) || !name.chars().all(plain) {
                let message = "the name of a target has letters, digits, '-' and '_', up to 64";
                return Err(fault("export.targets", message.to_owned()));
            }
            match (&target.url, &target.udp) {
                (Some(url), None) => {
                    check_url(url.expose()).map_err(|why| fault(&key(".url"), why))?;
                }
                (None, Some(address)) => {
                    check_udp(address).map_err(|why| fault(&key(".udp"), why))?;
                    if !target.headers.is_empty() || target.ca_file.is_some() {
                        let message = "headers and ca_file go with url, not with udp";
                        return Err(fault(&key(""), message.to_owned()));
                    }
                }
                _ => {
                    let message = "needs either url or udp".to_owned();
                    return Err(fault(&key(""), message));
                }
            }
            for (header, value) in &target.headers {
                let sent = header.parse::<http::HeaderName>().is_ok()
                    && http::HeaderValue::from_str(value.expose()).is_ok();
                if !sent {
                    let message = "is no header that can be sent".to_owned();
                    return Err(fault(&key(&format!(".headers.{header}")), message));
                }
            }
            let (least, timeout) = (Duration::from_millis(100), target.timeout);
            times(&key(".timeout"), timeout, least, 5 * MINUTE)?;
        }
        Ok(())
    }

    fn check_calls(&self) -> Result<(), Fault> {
        let calls = &self.calls;
        times("calls.max_timeout", calls.max_timeout, SECOND, HOUR)?;
        let (least, timeout) = (Duration::from_millis(100), calls.default_timeout);
        times("calls.default_timeout", timeout, least, calls.max_timeout)?;
        times("calls.max_wait", calls.max_wait, Duration::ZERO, DAY)?;
        between("calls.max_attempts", &calls.max_attempts, &1, &100)
    }

    fn check_events(&self) -> Result<(), Fault> {
        let events = &self.events;
        let count = events.max_count;
        between("events.max_count", &count, &1, &1_000_000_000)?;
        times("events.max_age", events.max_age, MINUTE, 3650 * DAY)?;
        let heartbeat = events.heartbeat;
        times("events.heartbeat", heartbeat, SECOND, 10 * MINUTE)?;
        let slow = events.slow_reader;
        times("events.slow_reader", slow, SECOND, 10 * MINUTE)
    }
}

fn check_url(url: &str) -> Result<(), String> {
    let url: http::Uri = url.parse().map_err(|_| {
        "is an address like \"https://collector.example:4318/v1/metrics\"".to_owned()
    })?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("begins with http:// or https://".to_owned());
    }
    let authority = url.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err("holds a name and password; give them as the header Authorization".to_owned());
    }
    if url.host().is_none_or(str::is_empty) {
        return Err("has no host".to_owned());
    }
    Ok(())
}

fn check_udp(address: &str) -> Result<(), String> {
    let port = address
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty());
    match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(1..) => Ok(()),
        _ => Err("is a host and a port like \"127.0.0.1:8125\"".to_owned()),
    }
}

fn fault(key: &str, message: String) -> Fault {
    Fault {
        key: key.to_owned(),
        message,
    }
}

fn between<T: PartialOrd + Display>(
    key: &str,
    value: &T,
    least: &T,
    most: &T,
) -> Result<(), Fault> {
    if least <= value && value <= most {
        return Ok(());
    }
    Err(fault(key, format!("is between {least} and {most}")))
}

fn times(key: &str, value: Duration, least: Duration, most: Duration) -> Result<(), Fault> {
    if least <= value && value <= most {
        return Ok(());
    }
    let (least, most) = (duration::text(least), duration::text(most));
    Err(fault(key, format!("is between {least} and {most}")))
}

fn sizes(key: &str, value: u64, least: u64, most: u64) -> Result<(), Fault> {
    if least <= value && value <= most {
        return Ok(());
    }
    let (least, most) = (size::text(least), size::text(most));
    Err(fault(key, format!("is between {least} and {most}")))
}

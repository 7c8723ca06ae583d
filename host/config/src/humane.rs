//! Durations and sizes as people write them: `"30s"`, `"1h30m"`, `"64MiB"`.

/// For `#[serde(with)]`.
pub mod duration {
    use std::fmt::Write as _;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    const UNITS: [(&str, u64); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];

    /// Reads `"1h30m"`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            D::Error::custom("expected a duration like \"30s\", \"1h30m\" or \"7d\"")
        })
    }

    /// Writes `"1h30m"`.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*value))
    }

    /// A duration as people write it; none for what is none.
    pub fn parse(text: &str) -> Option<Duration> {
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let (unit, next) = after.split_at(
                after
                    .find(|c: char| !c.is_ascii_lowercase())
                    .unwrap_or(after.len()),
            );
            let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
            total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(*millis)?)?;
            rest = next;
        }
        Some(Duration::from_millis(total))
    }

    pub(crate) fn text(value: Duration) -> String {
        let mut millis = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return "0s".to_owned();
        }
        let mut text = String::new();
        for (unit, size) in UNITS {
            if millis >= size {
                // A String takes all text.
                let _ = write!(text, "{}{unit}", millis / size);
                millis %= size;
            }
        }
        text
    }
}

/// For `#[serde(deserialize_with)]`: an address and a port.
pub mod address {
    use std::net::SocketAddr;

    use serde::{Deserialize, Deserializer, de::Error as _};

    const EXPECTED: &str =
        "expected an IP address and a port like \"127.0.0.1:8080\" or \"[::]:8080\"";

    /// Reads `"127.0.0.1:8080"`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.trim().parse().map_err(|_| D::Error::custom(EXPECTED))
    }

    /// Reads the same where it may be left out.
    pub fn option<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SocketAddr>, D::Error> {
        deserialize(deserializer).map(Some)
    }
}

/// For `#[serde(with)]`: bytes.
pub mod size {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    const UNITS: [(&str, u64); 4] = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("B", 1),
    ];

    /// Reads `"64MiB"`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            D::Error::custom("expected a size like \"512KiB\", \"64MiB\" or \"1GiB\"")
        })
    }

    /// Writes `"64MiB"`.
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*value))
    }

    pub(crate) fn parse(text: &str) -> Option<u64> {
        let text = text.trim();
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        digits.parse::<u64>().ok()?.checked_mul(*size)
    }

    pub(crate) fn text(value: u64) -> String {
        let (unit, size) = UNITS
            .into_iter()
            .find(|(_, size)| value >= *size && value.is_multiple_of(*size))
            .unwrap_or(("B", 1));
        format!("{}{unit}", value / size)
    }
}

/// For `#[serde(with)]`: secrets by name, each read and written as [`secret`] does.
pub mod secrets {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use sluice_domain::Secret;

    use super::secret;

    #[derive(Deserialize, Serialize)]
    struct One(#[serde(with = "secret")] Option<Secret<String>>);

    /// Reads a table of texts.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Secret<String>>, D::Error> {
        let read = BTreeMap::<String, One>::deserialize(deserializer)?;
        let given = read
            .into_iter()
            .filter_map(|(name, one)| Some((name, one.0?)));
        Ok(given.collect())
    }

    /// Writes marks.
    pub fn serialize<S: Serializer>(
        value: &BTreeMap<String, Secret<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            value
                .iter()
                .map(|(name, secret)| (name, One(Some(secret.clone())))),
        )
    }
}

/// For `#[serde(with)]`: a secret, read from text and never written out. What is written instead is
/// different for different secrets within one process, so that a change can be seen.
pub mod secret {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::LazyLock;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use sluice_domain::Secret;

    static MARK: LazyLock<RandomState> = LazyLock::new(RandomState::new);

    /// Reads text. The error for anything else does not show it.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret<String>>, D::Error> {
        match toml::Value::deserialize(deserializer) {
            Ok(toml::Value::String(text)) => Ok(Some(Secret::new(text))),
            _ => Err(D::Error::custom("expected text in quotes")),
        }
    }

    /// Writes a mark.
    #[allow(clippy::ref_option, reason = "serde passes the field")]
    pub fn serialize<S: Serializer>(
        value: &Option<Secret<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_none(),
            Some(secret) => {
                let mark = MARK.hash_one(secret.expose());
                serializer.serialize_str(&format!("(secret {mark:016x})"))
            }
        }
    }
}

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// How far a plugin's answers reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// It is asked, and what it answers is done.
    #[default]
    Live,
    /// It is asked about everything, beside the calls; what it answers is only compared.
    Shadow,
    /// Live for this share of the accounts, in percent, 1 to 100.
    Canary(u8),
    /// It is not asked.
    Off,
}

impl Mode {
    /// The share of accounts when nobody names one.
    pub const CANARY: Self = Self::Canary(10);

    /// The name without the share.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
            Self::Canary(_) => "canary",
            Self::Off => "off",
        }
    }

    /// The share of accounts of a canary, in percent.
    pub const fn percent(self) -> Option<u8> {
        match self {
            Self::Canary(percent) => Some(percent),
            Self::Live | Self::Shadow | Self::Off => None,
        }
    }

    /// Whether what it answers is done, for some accounts at least.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Live | Self::Canary(_))
    }
}

/// As sidecars write it.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canary(percent) => write!(f, "canary({percent})"),
            other => f.write_str(other.as_str()),
        }
    }
}

/// As the API shows it; the share stands beside.
impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "live" => return Ok(Self::Live),
            "shadow" => return Ok(Self::Shadow),
            "canary" => return Ok(Self::CANARY),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let share = text
            .strip_prefix("canary(")
            .and_then(|rest| rest.strip_suffix(')'));
        match share.map(|share| share.trim().trim_end_matches('%').parse()) {
            Some(Ok(percent @ 1..=100)) => Ok(Self::Canary(percent)),
            Some(_) => Err(format!(
                "mode {text:?} names no share; canary(10) is ten percent of the accounts, 1 to 100"
            )),
            None => Err(format!(
                "mode {text:?} is none of \"live\", \"shadow\", \"canary(10)\", \"off\""
            )),
        }
    }
}

//! `NAME.toml` beside `NAME.wasm`: what the operator says about a plugin.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use sluice_domain::AccountName;

use crate::registry::hex;
use crate::runtime::Reuse;
use crate::{Limits, Mode};

/// What happens to a call whose policy did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnFailure {
    /// The native library answers.
    #[default]
    Fallback,
    /// The call fails.
    Fail,
}

/// The file, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sidecar {
    pub priority: Option<i32>,
    pub mode: Mode,
    pub accounts: Vec<AccountName>,
    pub on_failure: OnFailure,
    pub settings: Vec<(String, String)>,
    /// SHA-256 of the settings, in hex; none without settings.
    pub settings_hash: Option<Arc<str>>,
    pub max_memory_bytes: Option<usize>,
    pub deadline: Option<Duration>,
    pub reuse: Option<Reuse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    priority: Option<i32>,
    mode: String,
    accounts: Vec<AccountName>,
    on_failure: OnFailure,
    settings: toml::Table,
    limits: FileLimits,
    reuse: Option<FileReuse>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileLimits {
    memory_bytes: Option<usize>,
    deadline_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    clippy::struct_field_names,
    reason = "the names of the keys, which are bounds"
)]
struct FileReuse {
    max_calls: u32,
    max_memory_bytes: usize,
    max_age_s: u64,
}

impl Default for FileReuse {
    /// A leak of a kilobyte for each question, and whatever else builds up, is gone within a minute.
    fn default() -> Self {
        Self {
            max_calls: 10_000,
            max_memory_bytes: 16 << 20,
            max_age_s: 60,
        }
    }
}

impl Default for File {
    fn default() -> Self {
        Self {
            priority: None,
            mode: "live".into(),
            accounts: Vec::new(),
            on_failure: OnFailure::default(),
            settings: toml::Table::new(),
            limits: FileLimits::default(),
            reuse: None,
        }
    }
}

impl Sidecar {
    /// Reads the text of the file; the empty text is the default. The error is for the operator
    /// and names line and key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mode = file.mode.parse()?;
        let mut settings = Vec::new();
        for (name, value) in file.settings {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(yes) => yes.to_string(),
                toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                    return Err(format!(
                        "settings.{name} is not a text, a number, true or false"
                    ));
                }
            };
            settings.push((name, text));
        }
        if file
            .reuse
            .as_ref()
            .is_some_and(|reuse| reuse.max_calls == 0)
        {
            return Err("reuse.max_calls is at least 1".into());
        }
        Ok(Self {
            priority: file.priority,
            mode,
            accounts: file.accounts,
            on_failure: file.on_failure,
            settings_hash: settings_hash(&settings),
            settings,
            max_memory_bytes: file.limits.memory_bytes,
            deadline: file.limits.deadline_ms.map(Duration::from_millis),
            reuse: file.reuse.map(|reuse| Reuse {
                calls: reuse.max_calls,
                memory: reuse.max_memory_bytes,
                age: Duration::from_secs(reuse.max_age_s),
            }),
        })
    }

    /// Memory of one instance: the file can only lower the gateway's bound.
    pub(crate) fn memory(&self, limits: &Limits) -> usize {
        self.max_memory_bytes
            .map_or(limits.max_memory_bytes, |own| {
                own.min(limits.max_memory_bytes)
            })
    }

    /// Time of one question: the file can only lower the gateway's bound.
    pub(crate) fn time(&self, bound: Duration) -> Duration {
        self.deadline.map_or(bound, |own| own.min(bound))
    }
}

fn settings_hash(settings: &[(String, String)]) -> Option<Arc<str>> {
    if settings.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    for text in settings.iter().flat_map(|(name, value)| [name, value]) {
        // The length first, so that no two lists of texts are the same bytes.
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text);
    }
    Some(hex(&hash.finalize()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file() {
        let sidecar = Sidecar::parse(
            "priority = 7\nmode = \"off\"\naccounts = [\"demo\"]\non_failure = \"fail\"\n\
             [settings]\nlongest_wait = 60\nloud = true\n\
             [limits]\nmemory_bytes = 1048576\ndeadline_ms = 3\n[reuse]\nmax_calls = 100\nmax_age_s = 5\n",
        )
        .unwrap();
        assert_eq!((sidecar.priority, sidecar.mode), (Some(7), Mode::Off));
        assert_eq!(sidecar.accounts, ["demo".parse().unwrap()]);
        assert_eq!(sidecar.on_failure, OnFailure::Fail);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            sidecar.settings,
            [pair("longest_wait", "60"), pair("loud", "true")]
        );
        assert_eq!(sidecar.memory(&Limits::default()), 1 << 20);
        assert_eq!(
            sidecar.time(Duration::from_millis(10)),
            Duration::from_millis(3)
        );
        assert_eq!(
            sidecar.time(Duration::from_millis(1)),
            Duration::from_millis(1)
        );
        let reuse = Reuse {
            calls: 100,
            memory: 16 << 20,
            age: Duration::from_secs(5),
        };
        assert_eq!(sidecar.reuse, Some(reuse));
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for mode in [Mode::Live, Mode::Shadow, Mode::Canary(1), Mode::Off] {
            let text = format!("mode = \"{mode}\"");
            assert_eq!(Sidecar::parse(&text).unwrap().mode, mode);
        }
        let share = |text: &str| Sidecar::parse(text).unwrap().mode;
        assert_eq!(share("mode = \"canary\""), Mode::Canary(10));
        assert_eq!(share("mode = \"canary( 25% )\""), Mode::Canary(25));
    }

    /// Breaks when a plugin without a file is taken for one whose operator said something.
    #[test]
    fn no_file_is_the_default() {
        assert_eq!(Sidecar::parse(""), Ok(Sidecar::default()));
    }

    /// Breaks when the guide shows a file that is refused.
    #[test]
    fn the_file_in_the_guide_is_one() {
        let guide = include_str!("../../../plugins/README.md");
        let (_, rest) = guide.split_once("```toml\n").unwrap();
        let (file, _) = rest.split_once("```").unwrap();
        Sidecar::parse(file).unwrap();
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (text, part) in [
            ("mode = \"canary(0)\"", "1 to 100"),
            ("mode = \"canary(101)\"", "1 to 100"),
            ("mode = \"canary(-5)\"", "1 to 100"),
            ("mode = \"canary()\"", "1 to 100"),
            ("mode = \"on\"", "none of"),
            ("priorty = 1", "priorty"),
            ("priority = \n", "line 1"),
            ("accounts = [\"NOT A NAME\"]", "account"),
            ("[settings]\na = [1]", "settings.a"),
            ("[reuse]\nmax_calls = 0", "max_calls"),
        ] {
            let error = Sidecar::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

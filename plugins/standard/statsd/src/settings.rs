use sluice_standard_settings::{one_of, unknown, whole};

/// Which StatsD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// The first one: labels become parts of the name.
    #[default]
    Statsd,
    /// Datadog's: labels become tags, and there are events.
    DogStatsd,
}

/// What an operator can change about the exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name of the target in the configuration.
    pub target: String,
    /// Which StatsD.
    pub dialect: Dialect,
    /// Stands before every name; with its dot.
    pub prefix: String,
    /// Tags of every line; Datadog's dialect only.
    pub tags: Vec<(String, String)>,
    /// Largest datagram. The default passes through every network with frames of 1,500 bytes, IPv6
    /// and a tunnel included.
    pub datagram_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            target: "statsd".into(),
            dialect: Dialect::default(),
            prefix: String::new(),
            tags: Vec::new(),
            datagram_bytes: 1_432,
        }
    }
}

const NAMES: [&str; 5] = ["target", "dialect", "prefix", "tags", "datagram_bytes"];

impl Settings {
    /// Reads settings; what is left out keeps its default. The error names the setting and what
    /// would be right.
    ///
    /// ```
    /// let pairs = [("dialect", "dogstatsd"), ("tags", "env:prod,team:chat")];
    /// let settings = sluice_standard_statsd::Settings::read(pairs).unwrap();
    /// assert_eq!(settings.tags[0], ("env".into(), "prod".into()));
    /// ```
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let dialects = [
            ("statsd", Dialect::Statsd),
            ("dogstatsd", Dialect::DogStatsd),
        ];
        let mut settings = Self::default();
        for (name, value) in pairs {
            match name {
                "target" if value.trim().is_empty() => return Err("target is empty".into()),
                "target" => value.trim().clone_into(&mut settings.target),
                "dialect" => settings.dialect = one_of(name, value, &dialects)?,
                "prefix" => settings.prefix = prefix(value)?,
                "tags" => settings.tags = tags(value)?,
                // 512 bytes pass everywhere; 8 KiB is what agents read at most on one machine.
                "datagram_bytes" => settings.datagram_bytes = whole(name, value, 512..=8_192)?,
                _ => return Err(unknown(name, &NAMES)),
            }
        }
        if settings.dialect == Dialect::Statsd && !settings.tags.is_empty() {
            return Err("tags need dialect = \"dogstatsd\"".into());
        }
        Ok(settings)
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.len() > 64 || !text.chars().all(plain) {
        return Err("prefix has letters, digits, '_', '-' and '.', at most 64".into());
    }
    if text.is_empty() || text.ends_with('.') {
        return Ok(text.to_owned());
    }
    Ok(format!("{text}."))
}

fn tags(text: &str) -> Result<Vec<(String, String)>, String> {
    let tags = text.split(',').filter(|tag| !tag.trim().is_empty());
    tags.map(|tag| match tag.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("tags is a list of name:value with commas between".to_owned()),
    })
    .collect()
}

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::ConfigError;

/// The text of a configuration file, for finding places in it.
pub(crate) struct Document<'a> {
    file: Option<&'a Path>,
    text: &'a str,
}

impl<'a> Document<'a> {
    pub const fn new(file: Option<&'a Path>, text: &'a str) -> Self {
        Self { file, text }
    }

    /// An error that the TOML reader found.
    pub fn error(&self, error: &toml::de::Error) -> ConfigError {
        let at = error.span().map(|span| span.start);
        let key = at.and_then(|at| self.key_at(at));
        self.place(at, key, without_values(error.message()))
    }

    /// An error about the value of a key.
    pub fn error_of(&self, key: &str, message: String) -> ConfigError {
        self.place(self.find(key), Some(key.to_owned()), message)
    }

    fn place(&self, at: Option<usize>, key: Option<String>, message: String) -> ConfigError {
        let before = at.and_then(|at| self.text.get(..at));
        ConfigError {
            file: self.file.map(Path::to_owned),
            line: before.map(|text| from_one(text.matches('\n').count())),
            column: before
                .map(|text| from_one(text.chars().rev().take_while(|c| *c != '\n').count())),
            origin: None,
            key,
            message,
        }
    }

    /// The deepest key that this place of the text belongs to.
    fn key_at(&self, at: usize) -> Option<String> {
        // What can be read of a text with errors is enough to tell where they are.
        let (table, _) = DeTable::parse_recoverable(self.text);
        let mut path = Vec::new();
        in_table(table.get_ref(), at, &mut path);
        let shown: Vec<_> = path.iter().map(|part| shown_key(part)).collect();
        (!path.is_empty()).then(|| shown.join("."))
    }

    /// Where a key's value is; if it is not there, where the nearest table above it is.
    fn find(&self, key: &str) -> Option<usize> {
        let (table, _) = DeTable::parse_recoverable(self.text);
        let mut parts = key.split('.');
        let (name, value) = table.get_ref().get_key_value(parts.next()?)?;
        let mut at = name.span().start;
        let mut value = value;
        for part in parts {
            let next = match value.get_ref() {
                DeValue::Table(table) => table.get_key_value(part).map(|(_, value)| value),
                DeValue::Array(array) => part.parse().ok().and_then(|n: usize| array.get(n)),
                _ => None,
            };
            let Some(next) = next else {
                break;
            };
            at = next.span().start;
            value = next;
        }
        Some(at)
    }
}

fn from_one(count: usize) -> u32 {
    u32::try_from(count).map_or(u32::MAX, |count| count.saturating_add(1))
}

fn in_table(table: &DeTable<'_>, at: usize, path: &mut Vec<String>) -> bool {
    table.iter().any(|(key, value)| {
        path.push(key.get_ref().to_string());
        let found = in_value(value, at, path) || holds(&key.span(), at);
        if !found {
            path.pop();
        }
        found
    })
}

fn in_value(value: &Spanned<DeValue<'_>>, at: usize, path: &mut Vec<String>) -> bool {
    let deeper = match value.get_ref() {
        DeValue::Table(table) => in_table(table, at, path),
        DeValue::Array(array) => array.iter().enumerate().any(|(index, value)| {
            path.push(index.to_string());
            let found = in_value(value, at, path);
            if !found {
                path.pop();
            }
            found
        }),
        _ => false,
    };
    deeper || holds(&value.span(), at)
}

fn holds(span: &Range<usize>, at: usize) -> bool {
    span.contains(&at) || span.start == at
}

/// A key as it may be shown. In a text with errors a secret can stand where a key should; those are longer
/// than any key, or have other letters.
fn shown_key(key: &str) -> &str {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if key.len() <= 24 && key.bytes().all(plain) {
        key
    } else {
        "…"
    }
}

/// The message without the value that was found: it may be a secret that got into the wrong line.
/// serde says `invalid type: string "…", expected i32`.
pub(crate) fn without_values(message: &str) -> String {
    let found = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|start| message.strip_prefix(start));
    if let Some((found, expected)) = found.and_then(|rest| rest.rsplit_once(", expected ")) {
        let kind = found.split(['"', '`']).next().unwrap_or_default().trim();
        return format!("expected {expected}, found {kind}");
    }
    if let Some((key, rest)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, "))
    {
        return format!("unknown field `{}`, {rest}", shown_key(key));
    }
    match message.strip_prefix("unknown variant ") {
        Some(rest) => match rest.rsplit_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None => "not one of the values there are".to_owned(),
        },
        None => message.to_owned(),
    }
}

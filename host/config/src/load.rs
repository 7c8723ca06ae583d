use std::fs;
use std::path::Path;

use serde::Deserialize as _;
use toml::{Table, Value};

use crate::document::{Document, without_values};
use crate::overrides::Override;
use crate::{Config, ConfigError, Overrides};

/// What is wrong with a value, before it is known where the value came from.
pub(crate) struct Fault {
    /// `telegram.custom.dcs.0.id`
    pub key: String,
    pub message: String,
}

/// Reads the file (none: the defaults), puts the overrides above it and checks the whole.
pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    let text = match path {
        Some(path) => read(path)?,
        None => String::new(),
    };
    load_text(path, &text, overrides)
}

pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|e| ConfigError::of_file(path, e.to_string()))
}

pub(crate) fn load_text(
    file: Option<&Path>,
    text: &str,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    // An editor of another system may leave a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::new(file, text);
    // The file by itself first: its errors have a place.
    let mut config: Config = toml::from_str(text).map_err(|e| document.error(&e))?;
    if !overrides.values.is_empty() {
        let mut table: Table = toml::from_str(text).map_err(|e| document.error(&e))?;
        for value in &overrides.values {
            (table, config) = put(&table, value)?;
        }
    }
    let checked = config.read_keys().and_then(|()| config.check());
    checked.map_err(|fault| {
        let overridden = overrides.values.iter().rev().find(|value| {
            let rest = fault.key.strip_prefix(&value.key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        match overridden {
            Some(value) => value.error(&fault.key, fault.message),
            None => document.error_of(&fault.key, fault.message),
        }
    })?;
    Ok(config)
}

/// The table with one override put in, and what it means. The text is taken as a TOML value if that
/// fits, else as a string: `SLUICE_TELEGRAM__API_ID=5` and `SLUICE_TELEGRAM__API_HASH=5` both do what
/// is meant.
fn put(table: &Table, value: &Override) -> Result<(Table, Config), ConfigError> {
    let as_toml = toml::from_str::<Table>(&format!("value = {}", value.text))
        .ok()
        .and_then(|mut parsed| {
            (parsed.len() == 1)
                .then(|| parsed.remove("value"))
                .flatten()
        });
    let as_text = Value::String(value.text.clone());
    let mut first_error = None;
    for candidate in as_toml.into_iter().chain([as_text]) {
        let mut table = table.clone();
        insert(&mut table, &value.key, candidate)
            .map_err(|message| value.error(&value.key, message))?;
        match Config::deserialize(table.clone()) {
            Ok(config) => return Ok((table, config)),
            Err(error) => {
                first_error.get_or_insert(without_values(error.message()));
            }
        }
    }
    Err(value.error(&value.key, first_error.unwrap_or_default()))
}

fn insert(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let Some((section, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return Ok(());
    };
    let inner = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    match inner {
        Value::Table(inner) => insert(inner, rest, value),
        _ => Err(format!("{section} is not a section")),
    }
}

//! The settings of the shipped policies: names and values from the file beside the plugin, read
//! with errors that say what would be right. Knows no policy.

use core::fmt::Display;
use core::ops::RangeInclusive;
use core::str::FromStr;

/// A whole number inside its bounds.
///
/// ```
/// use sluice_standard_settings::whole;
/// assert_eq!(whole("attempts", "3", 1..=100_u32), Ok(3));
/// assert_eq!(
///     whole("attempts", "many", 1..=100_u32).unwrap_err(),
///     "attempts is a whole number from 1 to 100, not \"many\""
/// );
/// ```
pub fn whole<T>(name: &str, value: &str, bounds: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    value
        .trim()
        .parse()
        .ok()
        .filter(|number| bounds.contains(number))
        .ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            let shown = shown(value);
            format!("{name} is a whole number from {least} to {most}, not {shown}")
        })
}

/// One of a few words.
///
/// ```
/// use sluice_standard_settings::one_of;
/// let dialects = [("statsd", 1), ("dogstatsd", 2)];
/// assert_eq!(one_of("dialect", "dogstatsd", &dialects), Ok(2));
/// assert_eq!(
///     one_of("dialect", "graphite", &dialects).unwrap_err(),
///     "dialect is one of \"statsd\", \"dogstatsd\", not \"graphite\""
/// );
/// ```
pub fn one_of<T: Copy>(name: &str, value: &str, words: &[(&str, T)]) -> Result<T, String> {
    let word = words.iter().find(|(word, _)| *word == value.trim());
    word.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| shown(word)).collect();
        format!(
            "{name} is one of {}, not {}",
            words.join(", "),
            shown(value)
        )
    })
}

/// Says that there is no such setting, and which there are.
///
/// ```
/// use sluice_standard_settings::unknown;
/// assert_eq!(
///     unknown("atempts", &["attempts", "floor"]),
///     "unknown setting \"atempts\"; there are: attempts, floor"
/// );
/// assert_eq!(unknown("x", &[]), "unknown setting \"x\": this policy has none");
/// ```
pub fn unknown(name: &str, known: &[&str]) -> String {
    let shown = shown(name);
    if known.is_empty() {
        return format!("unknown setting {shown}: this policy has none");
    }
    format!("unknown setting {shown}; there are: {}", known.join(", "))
}

/// What somebody wrote, short enough for one line.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

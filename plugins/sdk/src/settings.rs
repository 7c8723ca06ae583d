use std::fmt::Display;
use std::ops::RangeInclusive;

/// The operator's settings, as names and texts, read into types by the names a policy asks for.
///
/// ```
/// # use sluice_plugin::Settings;
/// let mut settings = Settings::new([("longest_wait", "90")]);
/// assert_eq!(settings.number("longest_wait", 60, 0..=86_400), Ok(90));
/// assert_eq!(settings.flag("loud", false), Ok(false));
/// settings.finish().unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Settings {
    given: Vec<(String, String)>,
    asked: Vec<&'static str>,
}

impl Settings {
    /// Settings as the gateway hands them over.
    pub fn new<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let given = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self {
            given: given.collect(),
            asked: Vec::new(),
        }
    }

    /// A whole number inside a range.
    pub fn number(
        &mut self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, String> {
        self.read(name, default, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| between("a whole number", &range))
        })
    }

    /// A number with a fraction inside a range.
    pub fn float(
        &mut self,
        name: &'static str,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> Result<f64, String> {
        self.read(name, default, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| between("a number", &range))
        })
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool, String> {
        self.read(name, default, |text| {
            text.parse().map_err(|_| "true or false".into())
        })
    }

    /// A text.
    pub fn text(&mut self, name: &'static str, default: &str) -> Result<String, String> {
        self.read(name, default.into(), |text| Ok(text.into()))
    }

    /// Texts with commas between them.
    pub fn list(&mut self, name: &'static str, default: &[&str]) -> Result<Vec<String>, String> {
        let default = default.iter().map(|&item| item.into()).collect();
        self.read(name, default, |text| {
            let items = text.split(',').map(str::trim);
            Ok(items
                .filter(|item| !item.is_empty())
                .map(Into::into)
                .collect())
        })
    }

    /// One of a few words.
    pub fn choice(
        &mut self,
        name: &'static str,
        default: &'static str,
        choices: &[&'static str],
    ) -> Result<&'static str, String> {
        self.read(name, default, |text| {
            let found = choices.iter().copied().find(|choice| *choice == text);
            found.ok_or_else(|| format!("one of {}", choices.join(", ")))
        })
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        self.asked.push(name);
        match self.given.iter().find(|(given, _)| given == name) {
            None => Ok(default),
            Some((_, text)) => {
                read(text).map_err(|wanted| format!("{name} is {wanted}, not \"{text}\""))
            }
        }
    }

    /// Fails when a setting was given that nothing asked for. Called for every policy after its
    /// `configure`.
    pub fn finish(&self) -> Result<(), String> {
        let unknown = |(given, _): &&(String, String)| !self.asked.contains(&given.as_str());
        match self.given.iter().find(unknown) {
            None => Ok(()),
            Some((name, _)) if self.asked.is_empty() => {
                Err(format!("unknown setting \"{name}\": this policy has none"))
            }
            Some((name, _)) => Err(format!(
                "unknown setting \"{name}\"; there are {}",
                self.asked.join(", ")
            )),
        }
    }
}

fn between<T: Display>(what: &str, range: &RangeInclusive<T>) -> String {
    format!("{what} from {} to {}", range.start(), range.end())
}

#[cfg(test)]
mod tests {
    use super::Settings;

    /// Breaks when a wrong setting is let in, or its message does not name it.
    #[test]
    fn what_is_wrong_is_named() {
        let mut settings = Settings::new([("wait", "soon"), ("share", "1.5"), ("loud", "yes")]);
        for (error, part) in [
            (
                settings.number("wait", 1, 0..=9).unwrap_err(),
                "wait is a whole number from 0 to 9, not \"soon\"",
            ),
            (
                settings.float("share", 0.1, 0.0..=1.0).unwrap_err(),
                "from 0 to 1",
            ),
            (settings.flag("loud", false).unwrap_err(), "true or false"),
        ] {
            assert!(error.contains(part), "{error}");
        }
        settings.finish().unwrap();

        let mut settings = Settings::new([("lod", "true"), ("methods", "a, b,,c ")]);
        assert_eq!(settings.list("methods", &[]).unwrap(), ["a", "b", "c"]);
        assert_eq!(settings.choice("mode", "x", &["x", "y"]), Ok("x"));
        let error = settings.finish().unwrap_err();
        assert_eq!(error, "unknown setting \"lod\"; there are methods, mode");
    }
}

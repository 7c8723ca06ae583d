//! Changes to a sidecar's text that leave the rest as its author wrote it.

use serde::Deserialize;
use toml::Spanned;

use crate::Mode;
use crate::sidecar::Sidecar;

/// Where the values are that are changed.
#[derive(Deserialize)]
struct Places {
    mode: Option<Spanned<String>>,
    priority: Option<Spanned<i64>>,
}

/// The text with another mode and, if one is given, another priority. The error is for people.
pub(crate) fn with_mode(text: &str, mode: Mode, priority: Option<i32>) -> Result<String, String> {
    let before = Sidecar::parse(text)?;
    let places: Places = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut changes = vec![(
        places.mode.map(|at| at.span()),
        "mode",
        format!("\"{mode}\""),
    )];
    if let Some(priority) = priority {
        let at = places.priority.map(|at| at.span());
        changes.push((at, "priority", priority.to_string()));
    }
    let mut changed = text.to_owned();
    // From the end, so that the places before stay where they are.
    changes.sort_by_key(|(at, ..)| std::cmp::Reverse(at.as_ref().map(|at| at.start)));
    for (at, key, value) in changes {
        match at {
            Some(at) => changed.replace_range(at, &value),
            // Before any table a key is the file's own.
            None => changed.insert_str(0, &format!("{key} = {value}\n")),
        }
    }
    let expected = Sidecar {
        mode,
        priority: priority.or(before.priority),
        ..before
    };
    if Sidecar::parse(&changed)? == expected {
        Ok(changed)
    } else {
        Err("is written in a way that cannot be changed by itself: set the mode by hand".into())
    }
}

/// What of a sidecar makes another release of a plugin: all but its mode and its place in the
/// order. Two texts that say the same are the same.
pub(crate) fn behaviour(text: &str) -> String {
    let Ok(mut table) = toml::from_str::<toml::Table>(text) else {
        return text.to_owned();
    };
    table.remove("mode");
    table.remove("priority");
    let sorted: std::collections::BTreeMap<_, _> = table.into_iter().collect();
    // A table of TOML is always JSON.
    serde_json::to_string(&sorted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks when promoting a plugin loses what its operator wrote.
    #[test]
    fn only_the_value_changes() {
        for (text, mode, priority, changed) in [
            ("", Mode::Shadow, None, "mode = \"shadow\"\n"),
            (
                "# mine\nmode = 'shadow' # for now\npriority = 7\n[settings]\nmode = \"x\"\n",
                Mode::Canary(5),
                Some(8),
                "# mine\nmode = \"canary(5)\" # for now\npriority = 8\n[settings]\nmode = \"x\"\n",
            ),
            (
                "[settings]\na = 1\n",
                Mode::Live,
                Some(-2),
                "priority = -2\nmode = \"live\"\n[settings]\na = 1\n",
            ),
            (
                "priority = 1\nmode = \"\"\"\ncanary(10)\"\"\"",
                Mode::Off,
                None,
                "priority = 1\nmode = \"off\"",
            ),
        ] {
            let got = with_mode(text, mode, priority).unwrap();
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&got), sorted(changed), "{got}");
        }
        assert!(with_mode("mode = \"nonsense\"", Mode::Live, None).is_err());
    }

    #[test]
    fn a_release_is_not_its_mode() {
        let same = ["", "mode = \"off\"", "# x\npriority = 3\nmode = \"live\"\n"];
        for text in same {
            assert_eq!(behaviour(text), "{}", "{text}");
        }
        let one = behaviour("on_failure = \"fail\"\n[settings]\na = 1");
        assert_eq!(
            one,
            behaviour("mode='off'\non_failure='fail'\nsettings.a=1")
        );
        assert_ne!(one, behaviour("on_failure = \"fail\"\n[settings]\na = 2"));
    }
}

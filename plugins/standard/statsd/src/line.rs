use core::fmt::Write as _;

use sluice_domain::{Happening, Sample, Severity};

use crate::{Dialect, Settings};

impl Settings {
    /// `name:value|type`, with the labels in the name or behind it.
    pub(crate) fn line(&self, sample: &Sample, value: f64, kind: &str) -> String {
        let mut line = self.prefix.clone();
        push_plain(&mut line, &sample.name);
        match self.dialect {
            Dialect::Statsd => {
                for (name, label) in &sample.labels {
                    line.push('.');
                    push_plain(&mut line, name);
                    line.push('.');
                    push_plain(&mut line, label);
                }
                push_value(&mut line, value, kind);
            }
            Dialect::DogStatsd => {
                push_value(&mut line, value, kind);
                self.push_tags(&mut line, &sample.labels, None);
            }
        }
        line
    }

    /// An event of Datadog's dialect: `_e{length,length}:title|text|d:when|t:how bad|#tags`.
    pub(crate) fn event(&self, event: &Happening) -> String {
        let title = format!("sluice {}", text(&event.name));
        let told = event.attributes.iter();
        let told: Vec<_> = told
            .map(|(name, value)| format!("{} {}", text(name), text(value)))
            .collect();
        let told = if told.is_empty() {
            title.clone()
        } else {
            told.join(", ")
        };
        let alert = match event.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error | Severity::Critical => "error",
        };
        let mut line = format!(
            "_e{{{},{}}}:{title}|{told}|d:{}|t:{alert}",
            title.len(),
            told.len(),
            event.at_ms / 1_000
        );
        self.push_tags(&mut line, &[], event.account.as_deref());
        line
    }

    fn push_tags(&self, line: &mut String, labels: &[(String, String)], account: Option<&str>) {
        let labels = labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let own = self
            .tags
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let account = account.map(|account| ("account", account));
        for (index, (name, value)) in labels.chain(account).chain(own).enumerate() {
            line.push_str(if index == 0 { "|#" } else { "," });
            push_tag(line, name);
            line.push(':');
            push_tag(line, value);
        }
    }
}

fn push_value(line: &mut String, value: f64, kind: &str) {
    // A String takes all text.
    let _ = write!(line, ":{value}|{kind}");
}

/// Part of a name: letters, digits, `_` and `-`. A dot would begin another part.
fn push_plain(line: &mut String, text: &str) {
    for c in text.chars() {
        let fits = c.is_ascii_alphanumeric() || c == '_' || c == '-';
        line.push(if fits { c } else { '_' });
    }
}

/// Part of a tag: all but what ends tags, lines and fields.
fn push_tag(line: &mut String, text: &str) {
    for c in text.chars() {
        let ends = matches!(c, ',' | '|' | '#') || c.is_whitespace() || c.is_control();
        line.push(if ends { '_' } else { c });
    }
}

/// A text of an event: on one line, and without what ends fields.
fn text(text: &str) -> String {
    let plain = text
        .chars()
        .map(|c| if c == '|' || c.is_control() { ' ' } else { c });
    plain.take(256).collect()
}

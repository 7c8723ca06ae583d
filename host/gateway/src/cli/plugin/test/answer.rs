//! What a plugin answered, as a table, and how it differs from what was expected.

use sluice_domain::{Decision, Delivery, Verdict};
use toml::{Table, Value};

use super::cases::{SCOPES, SEVERITIES};

/// An answer: a word for it, and its fields.
pub(super) enum Answer {
    One { word: &'static str, fields: Table },
    Many(Vec<Table>),
}

impl Answer {
    pub(super) fn decision(decision: Option<Decision>) -> Self {
        let (word, mut fields) = match decision {
            None => ("abstain", Table::new()),
            Some(Decision::GiveUp) => ("give_up", Table::new()),
            Some(Decision::Retry {
                after_ms,
                other_link,
            }) => {
                let fields = [
                    ("after_ms", number(after_ms)),
                    ("other_link", other_link.into()),
                ];
                ("retry", table(fields))
            }
            Some(Decision::Park { seconds }) => ("park", table([("seconds", number(seconds))])),
        };
        fields.insert("decision".into(), word.into());
        Self::One { word, fields }
    }

    pub(super) fn verdict(verdict: Option<Verdict>) -> Self {
        let Some(verdict) = verdict else {
            return Self::One {
                word: "abstain",
                fields: Table::new(),
            };
        };
        let fields = [
            ("category", verdict.category.as_str().into()),
            ("code", verdict.code.into()),
            ("status", i64::from(verdict.status).into()),
            ("retryable", verdict.retryable.into()),
            ("wait", verdict.wait.map_or_else(|| "none".into(), number)),
            ("wait_scope", name(verdict.wait_scope, &SCOPES)),
            ("severity", name(verdict.severity, &SEVERITIES)),
            ("advice", verdict.advice.into()),
        ];
        Self::One {
            word: "verdict",
            fields: table(fields),
        }
    }

    pub(super) fn deliveries(deliveries: Vec<Delivery>) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned().into();
        let delivery = |delivery| match delivery {
            Delivery::Serve {
                path,
                content_type,
                body,
            } => table([
                ("serve", path.into()),
                ("content_type", content_type.into()),
                ("body", body.into()),
            ]),
            Delivery::Http {
                target,
                content_type,
                body,
            } => table([
                ("http", target.into()),
                ("content_type", content_type.into()),
                ("body", text(body)),
            ]),
            Delivery::Datagram { target, payload } => {
                table([("datagram", target.into()), ("body", text(payload))])
            }
        };
        Self::Many(deliveries.into_iter().map(delivery).collect())
    }

    /// One line for each thing that is not as expected; none when all is.
    pub(super) fn against(&self, expect: &Value) -> Vec<String> {
        match (self, expect) {
            (Self::One { word, .. }, Value::String(wanted)) => {
                differ("answer", wanted == word, || {
                    (format!("{wanted:?}"), format!("{self}"))
                })
            }
            (Self::One { word, fields }, Value::Table(_)) if fields.is_empty() => {
                vec![format!("answer: expected {expect}, got {word:?}")]
            }
            (Self::One { fields, .. }, Value::Table(wanted)) => fields_against(fields, wanted, ""),
            (Self::Many(got), Value::Array(wanted)) => many_against(got, wanted),
            (Self::One { .. }, other) => {
                vec![format!(
                    "expect is a word or a table, not {}",
                    other.type_str()
                )]
            }
            (Self::Many(_), other) => vec![format!(
                "expect is a list of deliveries, not a {}",
                other.type_str()
            )],
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One { word, fields } if fields.len() <= 1 => write!(f, "{word:?}"),
            Self::One { fields, .. } => write!(f, "{}", Value::Table(fields.clone())),
            Self::Many(all) => write!(f, "{} deliveries", all.len()),
        }
    }
}

fn many_against(got: &[Table], wanted: &[Value]) -> Vec<String> {
    if got.len() != wanted.len() {
        let shown: Vec<_> = got
            .iter()
            .map(|one| Value::Table(one.clone()).to_string())
            .collect();
        return vec![format!(
            "expected {} deliveries, got {}: {}",
            wanted.len(),
            got.len(),
            shown.join(", ")
        )];
    }
    let pairs = got.iter().zip(wanted).enumerate();
    pairs
        .flat_map(|(index, (got, wanted))| match wanted {
            Value::Table(wanted) => fields_against(got, wanted, &format!("[{index}].")),
            other => vec![format!(
                "expect[{index}] is a table, not {}",
                other.type_str()
            )],
        })
        .collect()
}

fn fields_against(got: &Table, wanted: &Table, prefix: &str) -> Vec<String> {
    let against = |(key, wanted): (&String, &Value)| {
        if let Some(got) = got.get(key) {
            return value_against(&format!("{prefix}{key}"), got, wanted);
        }
        let known: Vec<_> = got.keys().map(String::as_str).collect();
        vec![format!(
            "{prefix}{key} is not in the answer, which has {}",
            known.join(", ")
        )]
    };
    wanted.iter().flat_map(against).collect()
}

fn value_against(key: &str, got: &Value, wanted: &Value) -> Vec<String> {
    let shown = || got.to_string();
    match wanted {
        Value::Array(range) => match (range.as_slice(), got.as_integer()) {
            ([Value::Integer(least), Value::Integer(most)], Some(number)) => {
                differ(key, (least..=most).contains(&&number), || {
                    (format!("{least} to {most}"), shown())
                })
            }
            _ => vec![format!(
                "{key}: a list is a range of whole numbers, [least, most]"
            )],
        },
        Value::Table(parts) => parts
            .iter()
            .flat_map(|(how, part)| text_against(key, got, how, part))
            .collect(),
        wanted => differ(key, got == wanted, || (wanted.to_string(), shown())),
    }
}

/// `{ contains = …, lacks = … }`, each a text or a list of texts.
fn text_against(key: &str, got: &Value, how: &str, part: &Value) -> Vec<String> {
    let text = got.as_str().unwrap_or_default();
    let one = std::slice::from_ref(part);
    let parts = part.as_array().map_or(one, Vec::as_slice);
    let check = |part: &Value| {
        let part = part.as_str().unwrap_or_default();
        match how {
            "contains" => differ(key, text.contains(part), || {
                (format!("something with {part:?}"), got.to_string())
            }),
            "lacks" => differ(key, !text.contains(part), || {
                (format!("something without {part:?}"), got.to_string())
            }),
            other => vec![format!("{key}: {other:?} is neither contains nor lacks")],
        }
    };
    parts.iter().flat_map(check).collect()
}

fn differ(key: &str, same: bool, shown: impl FnOnce() -> (String, String)) -> Vec<String> {
    if same {
        return Vec::new();
    }
    let (wanted, got) = shown();
    vec![format!("{key}: expected {wanted}, got {got}")]
}

fn table<const N: usize>(fields: [(&str, Value); N]) -> Table {
    fields
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// TOML has no larger numbers; nobody waits longer either.
fn number(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn name<T: Copy + PartialEq>(value: T, known: &[(&str, T)]) -> Value {
    let found = known.iter().find(|(_, known)| *known == value);
    found.map_or("unknown", |(name, _)| name).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str) -> Value {
        let table: Table = format!("expect = {text}").parse().unwrap();
        table["expect"].clone()
    }

    /// Breaks when a wrong answer passes, or a right one does not.
    #[test]
    fn answers_are_held_against_what_is_expected() {
        let retry = Answer::decision(Some(Decision::Retry {
            after_ms: 7_042,
            other_link: false,
        }));
        for (text, differences) in [
            ("\"retry\"", 0),
            ("\"abstain\"", 1),
            (
                "{ decision = \"retry\", after_ms = [7000, 7099], other_link = false }",
                0,
            ),
            ("{ after_ms = 7042 }", 0),
            ("{ after_ms = 7041, other_link = true }", 2),
            ("{ after_ms = [0, 7041] }", 1),
            ("{ after_ms = [0] }", 1),
            ("{ seconds = 1 }", 1),
            ("[]", 1),
        ] {
            let lines = retry.against(&expect(text));
            assert_eq!(lines.len(), differences, "{text}: {lines:?}");
        }
        let lines = retry.against(&expect("{ after_ms = [1, 2] }"));
        assert_eq!(lines, ["after_ms: expected 1 to 2, got 7042"]);
        assert_eq!(
            Answer::decision(None).against(&expect("\"abstain\"")).len(),
            0
        );

        let served = Answer::deliveries(vec![Delivery::Serve {
            path: "/x".into(),
            content_type: "text/plain".into(),
            body: "up 1\n".into(),
        }]);
        for (text, differences) in [
            (
                "[{ serve = \"/x\", body = { contains = [\"up\", \"1\"], lacks = \"down\" } }]",
                0,
            ),
            ("[{ serve = \"/y\", body = { lacks = \"up\" } }]", 2),
            ("[{ http = \"x\" }]", 1),
            ("[]", 1),
            ("\"abstain\"", 1),
        ] {
            let lines = served.against(&expect(text));
            assert_eq!(lines.len(), differences, "{text}: {lines:?}");
        }
    }
}

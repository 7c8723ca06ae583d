//! `cases.toml`: questions to a plugin and what it must answer, as an author writes them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sluice_domain::{
    AccountKind, Attempt, Batch, Category, Execution, Failure, Happening, Layer, Sample,
    SampleKind, Severity, Verdict, WaitScope,
};
use sluice_standard_categorize::{catalogue, categorize};
use toml::Value;

/// The moment of a batch that does not say when it is.
const AT_MS: u64 = 1_800_000_000_000;

/// One case, whatever it asks.
pub(super) struct Case<Q> {
    pub name: String,
    /// In place of the sidecar's.
    pub settings: Option<toml::Table>,
    /// None where only the settings are tried.
    pub question: Option<Q>,
    pub expect: Value,
}

/// What a kind's cases look like.
pub(super) trait Written: DeserializeOwned {
    /// What is asked.
    type Question;

    /// The case, or what is wrong with it.
    fn case(self) -> Result<Case<Self::Question>, String>;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<W> {
    #[serde(default = "Vec::new")]
    case: Vec<W>,
}

/// Reads the cases of a file's text. The error names line or case.
pub(super) fn read<W: Written>(text: &str) -> Result<Vec<Case<W::Question>>, String> {
    let file: File<W> = toml::from_str(text).map_err(|error| error.to_string())?;
    file.case.into_iter().map(Written::case).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryCase {
    name: String,
    settings: Option<toml::Table>,
    failure: Option<FailureSpec>,
    verdict: Option<VerdictSpec>,
    attempt: Option<u32>,
    elapsed_ms: Option<u64>,
    slept_ms: Option<u64>,
    deadline_left_ms: Option<u64>,
    patience_left_ms: Option<u64>,
    #[serde(default)]
    idempotent: bool,
    recent_failures: Option<u32>,
    recent_calls: Option<u32>,
    recent_retries: Option<u32>,
    entropy: Option<u64>,
    expect: Value,
}

impl Written for RetryCase {
    type Question = Attempt;

    fn case(self) -> Result<Case<Attempt>, String> {
        let question = match self.failure {
            None => None,
            Some(failure) => {
                let failure = failure
                    .read()
                    .map_err(|why| format!("{}: {why}", self.name))?;
                let verdict = categorize(&failure);
                let verdict = self.verdict.unwrap_or_default().over(verdict);
                Some(Attempt {
                    failure,
                    verdict: verdict.map_err(|why| format!("{}: {why}", self.name))?,
                    attempt: self.attempt.unwrap_or(1),
                    elapsed_ms: self.elapsed_ms.unwrap_or(20),
                    slept_ms: self.slept_ms.unwrap_or(0),
                    deadline_left_ms: self.deadline_left_ms.unwrap_or(60_000),
                    patience_left_ms: self.patience_left_ms.unwrap_or(0),
                    idempotent: self.idempotent,
                    recent_failures: self.recent_failures.unwrap_or(1),
                    recent_calls: self.recent_calls.unwrap_or(10),
                    recent_retries: self.recent_retries.unwrap_or(0),
                    entropy: self.entropy.unwrap_or(0),
                })
            }
        };
        Ok(Case {
            name: self.name,
            settings: self.settings,
            question,
            expect: self.expect,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CategorizeCase {
    name: String,
    settings: Option<toml::Table>,
    failure: Option<FailureSpec>,
    expect: Value,
}

impl Written for CategorizeCase {
    type Question = Failure;

    fn case(self) -> Result<Case<Failure>, String> {
        let question = self.failure.map(FailureSpec::read).transpose();
        Ok(Case {
            question: question.map_err(|why| format!("{}: {why}", self.name))?,
            name: self.name,
            settings: self.settings,
            expect: self.expect,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportCase {
    name: String,
    settings: Option<toml::Table>,
    at_ms: Option<u64>,
    #[serde(default)]
    samples: Vec<SampleSpec>,
    #[serde(default)]
    events: Vec<EventSpec>,
    expect: Value,
}

impl Written for ExportCase {
    type Question = Batch;

    fn case(self) -> Result<Case<Batch>, String> {
        let at_ms = self.at_ms.unwrap_or(AT_MS);
        let wrong = |why| format!("{}: {why}", self.name);
        let samples = self.samples.into_iter().map(SampleSpec::read);
        let events = self.events.into_iter().map(|event| event.read(at_ms));
        let batch = Batch {
            at_ms,
            samples: samples.collect::<Result<_, _>>().map_err(wrong)?,
            events: events.collect::<Result<_, _>>().map_err(wrong)?,
            extensions: Vec::new(),
        };
        Ok(Case {
            name: self.name,
            settings: self.settings,
            question: Some(batch),
            expect: self.expect,
        })
    }
}

/// A failure by its name alone, or with more said of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum FailureSpec {
    Name(String),
    Whole(WholeFailure),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeFailure {
    name: String,
    code: Option<i32>,
    method: Option<String>,
    layer: Option<String>,
    account_kind: Option<String>,
    execution: Option<String>,
}

impl FailureSpec {
    fn read(self) -> Result<Failure, String> {
        let whole = match self {
            Self::Whole(whole) => whole,
            Self::Name(name) => WholeFailure {
                name,
                code: None,
                method: None,
                layer: None,
                account_kind: None,
                execution: None,
            },
        };
        let method = whole.method.as_deref().unwrap_or("messages.sendMessage");
        let kind = match whole.account_kind.as_deref() {
            None | Some("user") => AccountKind::User,
            Some("bot") => AccountKind::Bot,
            Some(other) => return Err(format!("account_kind {other:?} is neither user nor bot")),
        };
        let execution = whole.execution.as_deref();
        let execution = execution.map(|word| choose("execution", word, &EXECUTIONS));
        let execution = execution.transpose()?;
        let layer = choose(
            "layer",
            whole.layer.as_deref().unwrap_or("telegram"),
            &LAYERS,
        )?;
        if layer != Layer::Telegram {
            let execution = execution.unwrap_or(Execution::MaybeExecuted);
            return Ok(Failure::local(layer, &whole.name, method, kind, execution));
        }
        let mut failure = Failure::telegram(0, &whole.name, method, kind);
        failure.code = match whole.code {
            Some(code) => code,
            None => known_code(&failure.pattern).ok_or_else(|| {
                format!(
                    "{} is not in the catalogue: give its code, failure = {{ name = {:?}, code = 400 }}",
                    whole.name, whole.name
                )
            })?,
        };
        failure.execution = execution.unwrap_or(failure.execution);
        Ok(failure)
    }
}

/// The first code that the catalogue has for a name.
fn known_code(pattern: &str) -> Option<i32> {
    let row = catalogue().iter().find(|row| row.name == pattern)?;
    row.codes.iter().copied().find(|code| *code != 0)
}

/// What is said of a verdict instead of what the shipped categorizer says.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct VerdictSpec {
    category: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    retryable: Option<bool>,
    wait: Option<u64>,
    wait_scope: Option<String>,
    severity: Option<String>,
}

impl VerdictSpec {
    fn over(self, verdict: Verdict) -> Result<Verdict, String> {
        let category = self.category.map(|word| {
            let found = Category::ALL.iter().find(|known| known.as_str() == word);
            found.copied().ok_or_else(|| {
                let known: Vec<_> = Category::ALL.iter().map(|known| known.as_str()).collect();
                format!("category {word:?} is none of {}", known.join(", "))
            })
        });
        let scope = self
            .wait_scope
            .map(|word| choose("wait_scope", &word, &SCOPES));
        let severity = self
            .severity
            .map(|word| choose("severity", &word, &SEVERITIES));
        Ok(Verdict {
            category: category.transpose()?.unwrap_or(verdict.category),
            code: self.code.unwrap_or(verdict.code),
            status: self.status.unwrap_or(verdict.status),
            retryable: self.retryable.unwrap_or(verdict.retryable),
            wait: self.wait.or(verdict.wait),
            wait_scope: scope.transpose()?.unwrap_or(verdict.wait_scope),
            severity: severity.transpose()?.unwrap_or(verdict.severity),
            advice: verdict.advice,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleSpec {
    name: String,
    #[serde(default)]
    help: String,
    kind: Option<String>,
    #[serde(default)]
    labels: toml::map::Map<String, Value>,
    value: f64,
}

impl SampleSpec {
    fn read(self) -> Result<Sample, String> {
        Ok(Sample {
            name: self.name,
            help: self.help,
            kind: choose("kind", self.kind.as_deref().unwrap_or("gauge"), &SAMPLES)?,
            labels: texts(self.labels)?,
            value: self.value,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventSpec {
    name: String,
    at_ms: Option<u64>,
    account: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    attributes: toml::map::Map<String, Value>,
}

impl EventSpec {
    fn read(self, at_ms: u64) -> Result<Happening, String> {
        Ok(Happening {
            at_ms: self.at_ms.unwrap_or(at_ms),
            name: self.name,
            account: self.account,
            severity: choose(
                "severity",
                self.severity.as_deref().unwrap_or("info"),
                &SEVERITIES,
            )?,
            attributes: texts(self.attributes)?,
        })
    }
}

/// Names and texts, sorted by name as the gateway sorts them.
fn texts(map: toml::map::Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for (name, value) in map {
        match value {
            Value::String(text) => pairs.push((name, text)),
            other => return Err(format!("{name} is a text, not {other}")),
        }
    }
    pairs.sort();
    Ok(pairs)
}

const LAYERS: [(&str, Layer); 4] = [
    ("telegram", Layer::Telegram),
    ("network", Layer::Network),
    ("timeout", Layer::Timeout),
    ("gateway", Layer::Gateway),
];
const EXECUTIONS: [(&str, Execution); 3] = [
    ("refused", Execution::Refused),
    ("never_sent", Execution::NeverSent),
    ("maybe_executed", Execution::MaybeExecuted),
];
pub(super) const SCOPES: [(&str, WaitScope); 5] = [
    ("call", WaitScope::Call),
    ("chat", WaitScope::Chat),
    ("method", WaitScope::Method),
    ("account", WaitScope::Account),
    ("datacenter", WaitScope::Datacenter),
];
pub(super) const SEVERITIES: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("error", Severity::Error),
    ("critical", Severity::Critical),
];
const SAMPLES: [(&str, SampleKind); 3] = [
    ("counter", SampleKind::Counter),
    ("gauge", SampleKind::Gauge),
    ("summary", SampleKind::Summary),
];

fn choose<T: Copy>(what: &str, word: &str, known: &[(&str, T)]) -> Result<T, String> {
    let found = known.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        format!("{what} {word:?} is none of {}", known.join(", "))
    })
}

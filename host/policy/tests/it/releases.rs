//! Components of every release of the contracts, compiled when it was frozen.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sluice_domain::{
    AccountKind, Attempt, Batch, Category, Decision, Delivery, Execution, Failure, Happening,
    Layer, Sample, SampleKind, Severity, Told, Verdict, WaitScope,
};
use wit_parser::{Resolve, TypeDefKind};

use crate::fixture::{Fixture, account};

/// Every file of every release with its hash. A released file never changes: what is missing in it
/// belongs into the next release.
const FROZEN: &[(&str, &str)] = &[
    (
        "0.1.0/core/core.wit",
        "af0cdf5434291bbf937cee88972c5f831daffc26fbefae083ec698f46789a01d",
    ),
    (
        "0.1.0/host/host.wit",
        "48a7a56c89ac189dd670370d61ebff6a3fc84f6aa30f07ec91feb5c555b058b0",
    ),
    (
        "0.1.0/retry/retry.wit",
        "26d57ce0b2b5414597db5c567e9e30ef9518c6df2433f8d00957f57ffc3db9fd",
    ),
    (
        "0.1.0/categorize/categorize.wit",
        "b2f2fd06a29736745ffccfd2339e98c4cabb9afa1af88e7429ee7d07b4099957",
    ),
    (
        "0.1.0/export/export.wit",
        "37fa867ec9961fdc71bbd8708ac989aca168da7c93dd2b60a4aebc2311e74825",
    ),
    (
        "1.0.0/core/core.wit",
        "f02e62f349ddcaddd2da78a093ce6ea51091aa19a785c399b2a07c7ea80b9b27",
    ),
    (
        "1.0.0/host/host.wit",
        "0e0a8e50531f07c641d69af26ef54ca646a9ab7d7041400d9b1b4f905d1ebf9c",
    ),
    (
        "1.0.0/retry/retry.wit",
        "8b420e373650d4be0b5df897d9448ed099bc79ee2926070e0d005cf65b3ea246",
    ),
    (
        "1.0.0/categorize/categorize.wit",
        "6f90409ea0075a6c8b99f772bfbf9b022bbeaa92461152d347f92f2bab50da53",
    ),
    (
        "1.0.0/export/export.wit",
        "7642577cb1b91ac3d332c85e51f3596324268ab99017aaf00a3b04686e580d3e",
    ),
];

const NEWEST: &str = "1.0.0";

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn component(release: &str, kind: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(fixtures.join(release).join(kind).with_extension("wasm")).unwrap()
}

/// Breaks when a released contract is edited, or the one in use is another than its release.
#[test]
fn released_contracts_never_change() {
    for (file, hash) in FROZEN {
        let bytes = std::fs::read(wit().join("frozen").join(file)).unwrap();
        let found = Sha256::digest(&bytes)
            .iter()
            .fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
        assert_eq!(found, *hash, "{file} was changed");
        if let Some(file) = file.strip_prefix(NEWEST) {
            let used = std::fs::read(wit().join(file.trim_start_matches('/'))).unwrap();
            assert!(used == bytes, "wit{file} is not the frozen one");
        }
    }
}

/// Breaks when a contract gets a type that cannot grow: an enum, flags, or a variant of answers
/// without a case for what comes later.
#[test]
fn nothing_in_the_newest_release_stands_in_the_way_of_the_next() {
    let mut resolve = Resolve::default();
    for name in ["core", "host", "retry", "categorize", "export"] {
        let file = wit().join(name).join(name).with_extension("wit");
        let text = std::fs::read_to_string(&file).unwrap();
        resolve.push_str(&file, &text).unwrap();
    }
    for ty in resolve.types.iter().map(|(_, ty)| ty) {
        let name = ty.name.as_deref().unwrap_or_default();
        match &ty.kind {
            TypeDefKind::Enum(_) | TypeDefKind::Flags(_) => panic!("{name} cannot grow"),
            TypeDefKind::Variant(variant) => {
                assert_eq!(variant.cases.last().unwrap().name, "other", "{name}");
            }
            _ => {}
        }
    }
}

/// Breaks when a component that was built for a release is refused by this build, or a field of its
/// questions or answers is lost, changed or taken for another.
#[test]
fn components_of_every_release_serve() {
    for release in ["0.1.0", "1.0.0"] {
        let old = release == "0.1.0";
        let fixture = Fixture::bare();
        for kind in ["retry", "categorize", "export"] {
            let file = format!("{kind}-mirror.wasm");
            assert!(
                component(release, kind).len() <= 30 << 10,
                "{release} {kind}"
            );
            let view = fixture.admit(&file, &component(release, kind));
            assert_eq!(view.last_error, None, "{release} {kind}");
        }
        let mut attempt = attempt();
        let sum = retry_sum(&attempt, old).0 % 80_000;
        assert_eq!(fixture.decide(&attempt), Decision::Park { seconds: sum });
        attempt.attempt = 2;
        let sum = retry_sum(&attempt, old).0 % 100_000;
        let retry = Decision::Retry {
            after_ms: 100_000 + sum,
            other_link: true,
        };
        assert_eq!(fixture.decide(&attempt), retry, "{release}");
        attempt.attempt = 3;
        assert_eq!(fixture.decide(&attempt), Decision::GiveUp, "{release}");

        // Abstentions and answers that no release has go on to the native library.
        for number in [4, 5] {
            attempt.attempt = number;
            fixture.decide(&attempt);
        }
        let native = |name: &str| fixture.plugin(name).calls;
        assert_eq!(native("native-retry"), 2, "{release}");

        let failure = Failure {
            code: 400,
            ..attempt.failure
        };
        let sum = failure_sum(Sum::new(), &failure, old).number(0);
        let verdict = fixture.policies.categorize(&failure, &account());
        let expected = Verdict {
            category: Category::Conflict,
            code: format!("{:016X}", sum.0),
            status: 418,
            retryable: true,
            wait: Some(sum.0 % 1_000_000 + 1_000_000),
            wait_scope: WaitScope::Account,
            severity: Severity::Error,
            advice: failure.method.clone(),
        };
        assert_eq!(verdict, expected, "{release}");
        let strange = Failure {
            code: 406,
            ..failure.clone()
        };
        let verdict = fixture.policies.categorize(&strange, &account());
        let own = sluice_standard_categorize::categorize(&strange);
        assert_eq!(
            (verdict.category, verdict.wait_scope, verdict.severity),
            (own.category, own.wait_scope, own.severity)
        );
        let unknown = Failure {
            code: 404,
            ..failure
        };
        fixture.policies.categorize(&unknown, &account());
        assert_eq!(native("native-categorize"), 1, "{release}");

        // The gateway adds figures of its own to a batch, so this one is handed over directly.
        let mut batch = batch();
        batch.tell(&Told {
            started_ms: 1,
            since_ms: 2,
            increases: vec![0.5; batch.samples.len()],
            targets: Some(vec!["otlp".into()]),
        });
        let bench = fixture.policies.workbench();
        let mirror = bench
            .load("mirror", &component(release, "export"), "")
            .unwrap();
        let (deliveries, _) = mirror.export(&batch).unwrap();
        let served = deliveries.iter().find_map(|delivery| match delivery {
            Delivery::Serve { body, .. } => Some(body.as_str()),
            _ => None,
        });
        let sum = format!("{:016X}", batch_sum(&batch, old).0);
        assert_eq!(served, Some(sum.as_str()), "{release}");
    }
}

/// Breaks when a component of a release that this gateway does not speak is let in, or its author
/// is not told which ones it does and what to run.
#[test]
fn other_releases_are_refused_with_the_range_and_the_remedy() {
    let fixture = Fixture::bare();
    for version in ["0.0.9", "0.2.0", "1.1.0", "2.0.0", "1.0.0-rc.1"] {
        let text = format!(
            "(component (instance $i) (export \"sluice:export/policy@{version}\" (instance $i)))"
        );
        let view = fixture.admit("other.wasm", &wat::parse_str(text).unwrap());
        let why = view.last_error.unwrap();
        assert!(
            why.contains(version)
                && why.contains("0.1.0 to 1.0.0")
                && why.contains("sluice plugin build"),
            "{why}"
        );
    }
}

/// A failed attempt in which no two fields are alike.
fn attempt() -> Attempt {
    Attempt {
        failure: Failure {
            layer: Layer::Network,
            code: -503,
            name: "A_NAME_12".into(),
            pattern: "A_NAME_%d".into(),
            number: Some(-12),
            method: "messages.sendMessage".into(),
            account_kind: AccountKind::Bot,
            execution: Execution::NeverSent,
        },
        verdict: Verdict {
            category: Category::Server,
            code: "A_CODE".into(),
            status: 502,
            retryable: true,
            wait: Some(3),
            wait_scope: WaitScope::Datacenter,
            severity: Severity::Critical,
            advice: "Wait for a better time.".into(),
        },
        attempt: 1,
        elapsed_ms: 11,
        slept_ms: 12,
        deadline_left_ms: 900_000,
        patience_left_ms: 14,
        idempotent: true,
        recent_failures: 15,
        recent_calls: 16,
        recent_retries: 17,
        entropy: 0xfeed_f00d_dead_beef,
    }
}

fn batch() -> Batch {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Batch {
        at_ms: 1_800_000_000_001,
        samples: vec![
            Sample {
                name: "a_total".into(),
                help: "All of them.".into(),
                kind: SampleKind::Counter,
                labels: vec![pair("account", "demo"), pair("method", "x")],
                value: -0.5,
            },
            Sample {
                name: "b".into(),
                help: String::new(),
                kind: SampleKind::Summary,
                labels: Vec::new(),
                value: f64::INFINITY,
            },
        ],
        events: vec![
            Happening {
                at_ms: 1_800_000_000_000,
                name: "flood".into(),
                account: Some("demo".into()),
                severity: Severity::Warning,
                attributes: vec![pair("method", "x")],
            },
            Happening {
                at_ms: 1_800_000_000_002,
                name: "plugin".into(),
                account: None,
                severity: Severity::Info,
                attributes: Vec::new(),
            },
        ],
        extensions: Vec::new(),
    }
}

fn failure_sum(sum: Sum, failure: &Failure, old: bool) -> Sum {
    let sum = sum
        .number(u64::from(failure.layer.code()))
        .number(i64::from(failure.code).cast_unsigned());
    let sum = if old { sum.text(&failure.name) } else { sum };
    sum.text(&failure.pattern)
        .maybe(failure.number.map(i64::cast_unsigned))
        .text(&failure.method)
        .number(u64::from(failure.account_kind.code()))
        .number(u64::from(failure.execution.code()))
}

fn retry_sum(attempt: &Attempt, old: bool) -> Sum {
    let verdict = &attempt.verdict;
    let sum = failure_sum(Sum::new(), &attempt.failure, old);
    // The extensions of that release's failure.
    let sum = if old { sum.number(0) } else { sum };
    let sum = sum
        .number(u64::from(verdict.category.code()))
        .text(&verdict.code)
        .number(u64::from(verdict.status))
        .number(u64::from(verdict.retryable))
        .maybe(verdict.wait)
        .number(u64::from(verdict.wait_scope.code()))
        .number(u64::from(verdict.severity.code()));
    let sum = if old {
        sum.text(&verdict.advice).number(0)
    } else {
        sum
    };
    sum.number(u64::from(attempt.attempt))
        .number(attempt.elapsed_ms)
        .number(attempt.slept_ms)
        .number(attempt.deadline_left_ms)
        .number(attempt.patience_left_ms)
        .number(u64::from(attempt.idempotent))
        .number(u64::from(attempt.recent_failures))
        .number(u64::from(attempt.recent_calls))
        .number(u64::from(attempt.recent_retries))
        .number(attempt.entropy)
        .number(0)
}

fn batch_sum(batch: &Batch, old: bool) -> Sum {
    let mut sum = Sum::new()
        .number(batch.at_ms)
        .number(batch.samples.len() as u64);
    for sample in &batch.samples {
        let kind = match sample.kind {
            SampleKind::Counter => 0,
            SampleKind::Gauge => 1,
            SampleKind::Summary => 2,
        };
        sum = sum
            .text(&sample.name)
            .text(&sample.help)
            .number(kind)
            .pairs(&sample.labels)
            .number(sample.value.to_bits());
    }
    if !old {
        sum = sum.number(batch.events.len() as u64);
        for event in &batch.events {
            sum = sum
                .number(event.at_ms)
                .text(&event.name)
                .text(event.account.as_deref().unwrap_or("nobody"))
                .number(u64::from(event.severity.code()))
                .pairs(&event.attributes);
        }
    }
    if old {
        return sum.number(0);
    }
    sum.pairs(&batch.extensions)
}

/// As in `tests/fixtures/source`.
struct Sum(u64);

impl Sum {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        self
    }

    fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    fn maybe(self, number: Option<u64>) -> Self {
        match number {
            Some(number) => self.number(1).number(number),
            None => self.number(0),
        }
    }

    fn text(self, text: &str) -> Self {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    fn pairs(self, pairs: &[(String, String)]) -> Self {
        pairs
            .iter()
            .fold(self.number(pairs.len() as u64), |sum, (name, value)| {
                sum.text(name).text(value)
            })
    }
}

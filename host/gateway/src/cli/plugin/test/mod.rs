//! `sluice plugin test`: puts an author's cases to the component and shows what differs.

mod answer;
mod cases;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use sluice_policy::{Candidate, Fault, Kind};
use toml::{Table, Value};

use super::ground::{Bench, Ground};
use super::question::AT;
use super::subject::Subject;
use crate::cli::print;
use crate::exit::Usage;

use answer::Answer;
use cases::{Case, CategorizeCase, ExportCase, RetryCase, Written};

#[derive(Args)]
pub(in crate::cli) struct Test {
    /// The plugin's folder, or a component.
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// The cases; `cases.toml` beside the component when left out.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    #[command(flatten)]
    ground: Ground,
}

impl Test {
    pub fn run(self) -> anyhow::Result<()> {
        let subject = Subject::open(&self.plugin)?;
        let file = self.cases.as_ref().unwrap_or(&subject.cases);
        let text = std::fs::read_to_string(file)
            .map_err(|error| Usage(format!("cannot read the cases {}: {error}", file.display())))?;
        let bench = self.ground.open()?;
        let candidate = bench.load(&subject, &subject.sidecar)?;
        let trial = Trial {
            subject: &subject,
            bench: &bench,
            candidate: &candidate,
        };
        let lines = match candidate.kind() {
            Kind::Retry => trial.try_all::<RetryCase>(&text, |candidate, attempt| {
                let (decision, _) = candidate.decide(attempt, AT)?;
                let bounded = decision.map(|decision| candidate.bound_decision(attempt, decision));
                let breach = bounded.and_then(|(_, breach)| breach);
                Ok((Answer::decision(decision), breach))
            }),
            Kind::Categorize => trial.try_all::<CategorizeCase>(&text, |candidate, failure| {
                let (verdict, _) = candidate.categorize(failure, AT)?;
                let bounded = verdict.clone();
                let bounded = bounded.map(|verdict| candidate.bound_verdict(failure, verdict));
                let breach = bounded.and_then(|(_, breach)| breach);
                Ok((Answer::verdict(verdict), breach))
            }),
            Kind::Export => trial.try_all::<ExportCase>(&text, |candidate, batch| {
                let (deliveries, _) = candidate.export(batch)?;
                Ok((Answer::deliveries(deliveries), None))
            }),
        };
        let outcome = lines.map_err(|why| Usage(format!("{}: {why}", file.display())))?;
        print(&outcome.text)?;
        if outcome.failed > 0 {
            bail!("{} is not what its cases say", subject.name);
        }
        if outcome.passed == 0 {
            bail!("{} has no cases", file.display());
        }
        Ok(())
    }
}

/// Where cases are tried.
struct Trial<'a> {
    subject: &'a Subject,
    bench: &'a Bench,
    candidate: &'a Candidate,
}

/// The answer, and what the gateway would correct of it.
type Asked = Result<(Answer, Option<&'static str>), Fault>;

#[derive(Default)]
struct Outcome {
    text: String,
    passed: usize,
    failed: usize,
}

impl Trial<'_> {
    fn try_all<W: Written>(
        &self,
        text: &str,
        ask: impl Fn(&Candidate, &W::Question) -> Asked,
    ) -> Result<Outcome, String> {
        let mut outcome = Outcome::default();
        for case in cases::read::<W>(text)? {
            let differences = self.try_one(&case, &ask);
            // Writing to a text cannot fail.
            if differences.is_empty() {
                outcome.passed += 1;
                let _ = writeln!(outcome.text, "ok    {}", case.name);
            } else {
                outcome.failed += 1;
                let _ = writeln!(outcome.text, "FAIL  {}", case.name);
            }
            for difference in differences {
                let _ = writeln!(outcome.text, "      {difference}");
            }
        }
        let (passed, failed) = (outcome.passed, outcome.failed);
        let _ = writeln!(outcome.text, "{passed} passed, {failed} failed");
        Ok(outcome)
    }

    /// What differs, a line each.
    fn try_one<Q>(&self, case: &Case<Q>, ask: impl Fn(&Candidate, &Q) -> Asked) -> Vec<String> {
        let refused = case.expect.get("refused").and_then(Value::as_str);
        let own;
        let candidate = match &case.settings {
            None => self.candidate,
            Some(settings) => match self.with(settings) {
                Ok(candidate) => {
                    own = candidate;
                    &own
                }
                Err(why) => return refusal(refused, &why),
            },
        };
        match (refused, &case.question) {
            (Some(part), _) => match candidate.check() {
                Ok(()) => vec![format!(
                    "expected to be refused for {part:?}, but a gateway lets it in"
                )],
                Err(why) => refusal(refused, &why),
            },
            (None, None) => vec!["failure is missing: what is it asked?".to_owned()],
            (None, Some(question)) => match ask(candidate, question) {
                Ok((answer, breach)) => {
                    let mut lines = answer.against(&case.expect);
                    lines
                        .extend(breach.map(|breach| format!("a gateway corrects it: it {breach}")));
                    lines
                }
                Err(fault) => vec![format!("no answer: {fault}")],
            },
        }
    }

    /// The same component with other settings.
    fn with(&self, settings: &Table) -> Result<Candidate, String> {
        let mut sidecar: Table = self
            .subject
            .sidecar
            .parse()
            .map_err(|error| format!("the sidecar: {error}"))?;
        sidecar.insert("settings".into(), settings.clone().into());
        let loaded = self.bench.load(self.subject, &sidecar.to_string());
        loaded.map_err(|error| format!("{error:#}"))
    }
}

fn refusal(expected: Option<&str>, why: &str) -> Vec<String> {
    match expected {
        Some(part) if why.contains(part) => Vec::new(),
        Some(part) => vec![format!("expected to be refused for {part:?}, got: {why}")],
        None => vec![why.to_owned()],
    }
}

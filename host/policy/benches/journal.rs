//! What a failed call pays for its record in the journal.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking, and criterion makes its functions"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sluice_domain::{
    AccountKind, AccountName, Attempt, Cursor, Decision, DecisionFilter, DecisionLog, DecisionPage,
    DecisionRecord, Failure, StoreError, UnixMillis,
};
use sluice_policy::{Answerer, Journal, Noted, Source};

/// Fewer than the journal's queue holds, so that every one of them is taken.
const AT_ONCE: u64 = 2_000;

/// A disk that costs nothing: it is not on the path of calls.
struct Nowhere;

impl DecisionLog for Nowhere {
    fn append_decisions(&self, records: &[DecisionRecord]) -> Result<(), StoreError> {
        black_box(records);
        Ok(())
    }

    fn decisions(
        &self,
        _: Option<Cursor>,
        _: &DecisionFilter,
        _: usize,
    ) -> Result<DecisionPage, StoreError> {
        Ok(DecisionPage::default())
    }

    fn decision(&self, _: Cursor) -> Result<Option<DecisionRecord>, StoreError> {
        Ok(None)
    }
}

fn source<T>() -> Source<T> {
    Source {
        at: UnixMillis(1_700_000_000_000),
        by: Answerer {
            name: "retry".into(),
            generation: 1,
            hash: Some("ab".repeat(32).into()),
            settings: None,
        },
        breach: None,
        answered: None,
        fault: None,
    }
}

fn note(criterion: &mut Criterion) {
    let account: AccountName = "demo".parse().unwrap();
    let failure = Failure::telegram(
        420,
        "FLOOD_WAIT_7",
        "messages.sendMessage",
        AccountKind::User,
    );
    let attempt = Attempt {
        verdict: sluice_standard_categorize::categorize(&failure),
        failure,
        attempt: 1,
        elapsed_ms: 20,
        slept_ms: 0,
        deadline_left_ms: 60_000,
        patience_left_ms: 0,
        idempotent: false,
        recent_failures: 1,
        recent_calls: 10,
        recent_retries: 0,
        entropy: 42,
    };
    let request_id = "0190b5a0-7a3c-7cc2-b0f1-9d3a5c6e7f80".to_owned();
    let journal = Journal::start(Arc::new(Nowhere), None).unwrap();
    let (named, decided) = (source(), source());
    criterion.bench_function("journal/note", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            let mut left = iterations;
            while left > 0 {
                let now = left.min(AT_ONCE);
                let began = Instant::now();
                for _ in 0..now {
                    journal.note(Noted {
                        at: UnixMillis(1_700_000_000_000),
                        account: account.clone(),
                        request_id: request_id.clone(),
                        standing: false,
                        attempt: black_box(&attempt).clone(),
                        named: named.clone(),
                        decision: Decision::GiveUp,
                        decided: Some(decided.clone()),
                    });
                }
                took += began.elapsed();
                journal.flush(Duration::from_secs(10));
                left -= now;
            }
            took
        });
    });
    assert_eq!(journal.lost(), 0, "only what is taken is measured");
}

criterion_group! {
    name = journal;
    config = Criterion::default().sample_size(20);
    targets = note
}
criterion_main!(journal);

use std::path::Path;

use sluice_domain::{
    AccountKind, Attempt, Author, Category, Cursor, Decision, DecisionFilter, DecisionLog as _,
    DecisionRecord, Failure, Provenance, Severity, StoreError, UnixMillis, Verdict, WaitScope,
};

use super::{START, name};
use crate::Decisions;

const MIB: u64 = 1 << 20;

fn by<T>(plugin: &str) -> Provenance<T> {
    Provenance {
        at: START,
        by: Author {
            plugin: plugin.to_owned(),
            generation: 3,
            hash: None,
            settings: None,
        },
        corrected: None,
        failed: None,
        fuel: None,
    }
}

/// The nth record: of account a or b, about one of two methods.
fn record(n: u64) -> DecisionRecord {
    let method = if n.is_multiple_of(3) {
        "m.third"
    } else {
        "m.other"
    };
    let wait = format!("FLOOD_WAIT_{n}");
    DecisionRecord {
        at: UnixMillis(START.0 + n * 1_000),
        account: name(if n.is_multiple_of(2) { "a" } else { "b" }),
        request_id: format!("request {n}"),
        standing: false,
        attempt: Attempt {
            failure: Failure::telegram(420, &wait, method, AccountKind::User),
            verdict: Verdict {
                category: Category::RateLimit,
                code: "FLOOD_WAIT".to_owned(),
                status: 429,
                retryable: true,
                wait: Some(n),
                wait_scope: WaitScope::Method,
                severity: Severity::Info,
                advice: "Wait as long as it says.".to_owned(),
            },
            attempt: 1,
            elapsed_ms: 1,
            slept_ms: 2,
            deadline_left_ms: 3,
            patience_left_ms: 4,
            idempotent: true,
            recent_failures: 5,
            recent_calls: 6,
            recent_retries: 7,
            entropy: u64::MAX - n,
        },
        named: by("names"),
        decision: Decision::GiveUp,
        decided: n.is_multiple_of(5).then(|| by("decides")),
    }
}

fn records(numbers: std::ops::Range<u64>) -> Vec<DecisionRecord> {
    numbers.map(record).collect()
}

fn all(journal: &Decisions, filter: &DecisionFilter) -> Vec<DecisionRecord> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = journal.decisions(before, filter, 7).unwrap();
        found.extend(page.records.into_iter().map(|(_, record)| record));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

fn size(dir: &Path) -> u64 {
    let length = |file: &str| std::fs::metadata(dir.join(file)).map_or(0, |it| it.len());
    length("journal.db") + length("journal.db-wal")
}

#[test]
fn decisions_are_read_newest_first_in_pages_and_by_id_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Decisions::new(dir.path(), MIB);
    assert!(all(&journal, &DecisionFilter::default()).is_empty());
    assert_eq!(journal.decision(Cursor(1)).unwrap(), None);
    journal.append_decisions(&records(0..20)).unwrap();
    // Not closed: a process that is killed closes nothing.
    std::mem::forget(journal);
    let journal = Decisions::new(dir.path(), MIB);
    journal.append_decisions(&records(20..30)).unwrap();
    let mut expected = records(0..30);
    expected.reverse();
    assert_eq!(all(&journal, &DecisionFilter::default()), expected);
    assert_eq!(journal.decision(Cursor(5)).unwrap(), Some(record(4)));
    assert_eq!(journal.decision(Cursor(31)).unwrap(), None);
}

#[test]
fn a_filter_lets_pass_what_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Decisions::new(dir.path(), MIB);
    journal.append_decisions(&records(0..30)).unwrap();
    let count = |filter: DecisionFilter| all(&journal, &filter).len();
    let text = |text: &str| Some(text.to_owned());
    let filter = DecisionFilter::default;
    assert_eq!(
        count(DecisionFilter {
            accounts: vec![name("a")],
            ..filter()
        }),
        15
    );
    let both = vec![name("a"), name("b")];
    assert_eq!(
        count(DecisionFilter {
            accounts: both,
            ..filter()
        }),
        30
    );
    assert_eq!(
        count(DecisionFilter {
            method: text("m.third"),
            ..filter()
        }),
        10
    );
    assert_eq!(
        count(DecisionFilter {
            code: text("FLOOD_WAIT"),
            ..filter()
        }),
        30
    );
    assert_eq!(
        count(DecisionFilter {
            code: text("OTHER"),
            ..filter()
        }),
        0
    );
    assert_eq!(
        count(DecisionFilter {
            plugin: text("names"),
            ..filter()
        }),
        30
    );
    assert_eq!(
        count(DecisionFilter {
            plugin: text("decides"),
            ..filter()
        }),
        6
    );
    let since = Some(UnixMillis(START.0 + 25_000));
    assert_eq!(count(DecisionFilter { since, ..filter() }), 5);
}

/// Breaks when the file grows with what is written instead of keeping to its bound.
#[test]
fn the_file_stays_within_its_bound_and_the_newest_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Decisions::new(dir.path(), MIB);
    for batch in 0..40 {
        journal
            .append_decisions(&records(batch * 200..(batch + 1) * 200))
            .unwrap();
    }
    let kept = all(&journal, &DecisionFilter::default());
    assert_eq!(kept.first(), Some(&record(7_999)));
    assert!((400..4_000).contains(&kept.len()), "{} kept", kept.len());
    // The file itself, one batch more, and a log of changes that is emptied at 4 MiB.
    assert!(size(dir.path()) < 7 * MIB, "{} bytes", size(dir.path()));
    drop(journal);
    assert!(size(dir.path()) < 2 * MIB, "{} bytes", size(dir.path()));
}

#[test]
fn a_smaller_bound_shortens_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Decisions::new(dir.path(), 64 * MIB);
    journal.append_decisions(&records(0..6_000)).unwrap();
    journal.set_max_bytes(MIB);
    for n in 6_000..6_010 {
        journal.append_decisions(&[record(n)]).unwrap();
    }
    drop(journal);
    assert!(size(dir.path()) < 2 * MIB, "{} bytes", size(dir.path()));
}

#[test]
fn a_damaged_file_is_put_aside_and_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let noise = b"not a database, but long enough to be looked at as one".repeat(99);
    std::fs::write(dir.path().join("journal.db"), &noise).unwrap();
    let journal = Decisions::new(dir.path(), MIB);
    let first = journal.append_decisions(&records(0..1));
    assert!(matches!(first, Err(StoreError::Damaged(_))), "{first:?}");
    journal.append_decisions(&records(1..2)).unwrap();
    assert_eq!(all(&journal, &DecisionFilter::default()), [record(1)]);
    let aside = std::fs::read(dir.path().join("journal.db.damaged")).unwrap();
    assert_eq!(aside, noise);
}

#[test]
fn a_disk_that_is_full_refuses_a_batch_as_a_whole_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Decisions::new(dir.path(), 64 * MIB);
    journal.append_decisions(&records(0..1)).unwrap();
    journal.limit_pages(1); // SQLite makes it the present size.
    let full = journal.append_decisions(&records(1..500));
    assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
    assert_eq!(all(&journal, &DecisionFilter::default()), [record(0)]);
    journal.limit_pages(1_000_000);
    journal.append_decisions(&records(500..501)).unwrap();
    assert_eq!(all(&journal, &DecisionFilter::default()).len(), 2);
}

#[test]
fn a_directory_that_cannot_be_written_is_unavailable_and_no_panic() {
    let journal = Decisions::new(Path::new("/proc/no-such-place"), MIB);
    let refused = journal.append_decisions(&records(0..1));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(all(&journal, &DecisionFilter::default()).is_empty());
}

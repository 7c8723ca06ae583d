//! The journal's queue: never in the way, bounded, and without what is somebody's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sluice_domain::{
    AccountKind, Cursor, DecisionFilter, DecisionLog, DecisionPage, DecisionRecord, Failure,
    StoreError, UnixMillis,
};
use sluice_policy::{Journal, Noted};

use crate::fixture::{Fixture, account, attempt, flood};

const PATIENCE: Duration = Duration::from_secs(30);

/// A log in memory whose disk can be stopped and filled.
#[derive(Default)]
struct Log {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    records: Vec<DecisionRecord>,
    batches: usize,
    stopped: bool,
    full: bool,
}

impl DecisionLog for Log {
    fn append_decisions(&self, records: &[DecisionRecord]) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        self.moved.wait_while(&mut state, |state| state.stopped);
        if state.full {
            return Err(StoreError::Unavailable("full".into()));
        }
        state.batches += 1;
        state.records.extend_from_slice(records);
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

impl Log {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.moved.notify_all();
    }
}

/// What became of a failure, on its way into the journal.
fn noted(fixture: &Fixture, failure: Failure) -> Noted {
    let (verdict, named) = fixture.policies.judge(&failure, &account()).take();
    let mut attempt = attempt(failure);
    attempt.verdict = verdict;
    let (decision, decided) = fixture.policies.weigh(&attempt, &account()).take();
    Noted {
        at: UnixMillis(1),
        account: account(),
        request_id: "r".into(),
        standing: false,
        attempt,
        named,
        decision,
        decided: Some(decided),
    }
}

#[test]
fn a_disk_that_stands_still_holds_nobody_up_and_what_is_lost_is_counted() {
    let fixture = Fixture::bare();
    let log = Arc::new(Log::default());
    let journal = Journal::start(Arc::clone(&log) as _, None).unwrap();
    log.set(|state| state.stopped = true);
    let began = Instant::now();
    for _ in 0..20_000 {
        journal.note(noted(&fixture, flood().failure));
    }
    // Generous for a busy machine; a journal that waits for its disk never gets here.
    assert!(began.elapsed() < PATIENCE);
    let lost = journal.lost();
    // The queue and the batches it gave away.
    assert!((10_000..20_000).contains(&lost), "{lost} lost");
    log.set(|state| state.stopped = false);
    drop(journal);
    let written = log.state.lock().records.len();
    assert_eq!(written, usize::try_from(20_000 - lost).unwrap());
    assert!(log.state.lock().batches < 20, "written in batches");
}

#[test]
fn a_full_disk_loses_decisions_and_later_ones_are_written() {
    let fixture = Fixture::bare();
    let log = Arc::new(Log::default());
    let journal = Journal::start(Arc::clone(&log) as _, None).unwrap();
    log.set(|state| state.full = true);
    journal.note(noted(&fixture, flood().failure));
    journal.flush(PATIENCE);
    assert_eq!(journal.lost(), 1);
    log.set(|state| state.full = false);
    journal.note(noted(&fixture, flood().failure));
    journal.flush(PATIENCE);
    assert_eq!((journal.lost(), log.state.lock().records.len()), (1, 1));
}

/// Telegram names errors in capitals; a server that is none of Telegram's can say anything there.
#[test]
fn what_is_no_name_of_an_error_is_not_kept() {
    let fixture = Fixture::bare();
    let log = Arc::new(Log::default());
    let journal = Journal::start(Arc::clone(&log) as _, None).unwrap();
    for secret in ["call +4915112345678", "PLEASE TELL BOB", &"X".repeat(97)] {
        let failure = Failure::telegram(400, secret, "m", AccountKind::User);
        journal.note(noted(&fixture, failure));
    }
    journal.note(noted(&fixture, flood().failure));
    journal.flush(PATIENCE);
    let state = log.state.lock();
    let kept: Vec<_> = state
        .records
        .iter()
        .map(|record| record.attempt.failure.name.as_str())
        .collect();
    assert_eq!(
        kept,
        ["UNREADABLE", "UNREADABLE", "UNREADABLE", "FLOOD_WAIT_7"]
    );
    let all = format!("{:?}", state.records).to_ascii_lowercase();
    for part in ["49151", "tell", "bob", "xxxxxx"] {
        assert!(!all.contains(part), "{part}: {all}");
    }
}

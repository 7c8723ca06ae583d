//! Rotating a session: a new authorization for the same account, with at least one usable session
//! at every instant. The old one goes only when the new one was seen to work.

mod check;
mod recover;
mod run;

use core::sync::atomic::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_domain::{AccountState, Category, EventBody, Problem, RotationRecord, RotationStatus};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::account::Account;
use crate::shared::{Shared, store_problem};
use crate::{RotateRequest, RotationView, StepView, problems};

pub(crate) use recover::recover;

/// Rotations under way, for those who wait for them.
#[derive(Default)]
pub(crate) struct Rotations {
    running: Mutex<HashMap<String, watch::Receiver<RotationStatus>>>,
}

/// The account is being rotated as long as this lives.
pub(crate) struct Claim {
    account: Arc<Account>,
}

impl Claim {
    pub(crate) fn take(account: &Arc<Account>) -> Result<Self, Problem> {
        if account.rotating.swap(true, Ordering::AcqRel) {
            return Err(problems::rotating(&account.name));
        }
        Ok(Self {
            account: Arc::clone(account),
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.account.rotating.store(false, Ordering::Release);
    }
}

/// Begins a rotation; the steps are taken by a task of their own.
pub(crate) async fn begin(
    account: &Arc<Account>,
    request: RotateRequest,
) -> Result<RotationView, Problem> {
    let turn = account.turn.lock().await;
    let state = account.state();
    let session = account
        .session()
        .filter(|_| state == AccountState::Ready)
        .ok_or_else(|| problems::out_of_order(&account.name, state, "rotate-session"))?;
    let claim = Claim::take(account)?;
    drop(turn);
    let found = check::check(account, &session, &request).await?;
    let now = account.shared.now();
    let mut record = RotationRecord {
        id: account.shared.uuid(),
        account: account.name.clone(),
        status: RotationStatus::Started,
        steps: vec![("check".to_owned(), now)],
        error: None,
    };
    if request.dry_run {
        record.status = RotationStatus::Completed;
        let mut dry = view(record);
        dry.dry_run = true;
        return Ok(dry);
    }
    let kept = record.clone();
    account
        .shared
        .store(move |store| store.save_rotation(&kept))
        .await
        .map_err(|error| store_problem(&error).of(&account.name))?;
    let started = EventBody::SessionRotation {
        rotation_id: record.id.clone(),
        status: RotationStatus::Started,
        step: "check".into(),
        error: None,
    };
    account.shared.log(&account.name, vec![started]).await;
    let (ended, running) = watch::channel(RotationStatus::Started);
    let rotations = &account.shared.rotations.running;
    rotations.lock().insert(record.id.clone(), running);
    let shown = view(record.clone());
    let run = run::Run::new(account, session, record, found, request.password);
    let shared = Arc::clone(&account.shared);
    let task = async move { shared.cut_off(run.finish(claim, ended)).await };
    account.shared.deps.tracker.spawn(task);
    Ok(shown)
}

/// Waits until a rotation has ended.
pub(crate) async fn await_end(
    shared: &Shared,
    id: &str,
    deadline: Instant,
) -> Result<RotationView, Problem> {
    let running = shared.rotations.running.lock().get(id).cloned();
    if let Some(mut running) = running {
        let end = running.wait_for(|status| *status != RotationStatus::Started);
        if tokio::time::timeout_at(deadline, end).await.is_err() {
            return Err(Problem::new(
                504,
                "DEADLINE",
                Category::Timeout,
                format!("rotation {id} has not ended yet; it goes on"),
            )
            .advise("GET /api/telegram-auth/rotations/{id} tells how far it is."));
        }
    }
    let rotation = one(shared, id).await?;
    match (rotation.status, &rotation.error) {
        (RotationStatus::Failed, why) => {
            let why = why.as_deref().unwrap_or("unknown");
            Err(Problem::new(
                409,
                "ROTATION_FAILED",
                Category::Conflict,
                format!("the session was not rotated, the old one serves on: {why}"),
            )
            .of(&rotation.account))
        }
        _ => Ok(rotation),
    }
}

/// A rotation by its id.
pub(crate) async fn one(shared: &Shared, id: &str) -> Result<RotationView, Problem> {
    let wanted = id.to_owned();
    let found = shared
        .store(move |store| store.rotation(&wanted))
        .await
        .map_err(|error| store_problem(&error))?;
    found.map(view).ok_or_else(|| {
        Problem::new(
            404,
            "ROTATION_NOT_FOUND",
            Category::NotFound,
            format!("there is no rotation {id:?}"),
        )
    })
}

/// Rotations of an account, newest first.
pub(crate) async fn all(account: &Account) -> Result<Vec<RotationView>, Problem> {
    let name = account.name.clone();
    let found = account
        .shared
        .store(move |store| store.rotations(&name))
        .await
        .map_err(|error| store_problem(&error).of(&account.name))?;
    Ok(found.into_iter().map(view).collect())
}

fn view(record: RotationRecord) -> RotationView {
    RotationView {
        rotation_id: record.id,
        account: record.account,
        status: record.status,
        steps: record
            .steps
            .into_iter()
            .map(|(name, at)| StepView { name, at })
            .collect(),
        error: record.error,
        dry_run: false,
    }
}

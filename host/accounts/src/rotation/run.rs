//! The steps of a rotation. Every step is in the store before it is taken.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_domain::{
    AccountKind, AccountState, EventBody, Failure, Problem, RotationRecord, RotationStatus, Secret,
    StoreError,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Claim;
use super::check::Found;
use super::recover::{DESTROY, destroy, log_out};
use crate::account::Account;
use crate::entrance::Entrance;
use crate::json::{flag, int, list, long, text};
use crate::password;
use crate::qr::{Exported, export};
use crate::session::Session;

/// Tokens asked for in one rotation. One is enough unless it expires on the way.
const MAX_TOKENS: usize = 3;

/// Calls on the old session may take this long to end after the switch.
const DRAIN: Duration = Duration::from_secs(15);

/// Why a rotation ends early.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("{method} failed: {name}", method = .0.method, name = .0.name)]
    Refused(Failure),
    #[error("{}: {}", .0.code, .0.detail)]
    Problem(Box<Problem>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Because(&'static str),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// A rotation under way.
pub(super) struct Run {
    account: Arc<Account>,
    old: Arc<Session>,
    record: RotationRecord,
    found: Found,
    password: Option<Secret<String>>,
    /// The hash by which the old session can remove the new one again.
    accepted: Option<Value>,
}

impl Run {
    pub(super) fn new(
        account: &Arc<Account>,
        old: Arc<Session>,
        record: RotationRecord,
        found: Found,
        password: Option<Secret<String>>,
    ) -> Self {
        Self {
            account: Arc::clone(account),
            old,
            record,
            found,
            password,
            accepted: None,
        }
    }

    /// Takes the steps; what was begun is finished or undone.
    pub(super) async fn finish(mut self, claim: Claim, ended: watch::Sender<RotationStatus>) {
        let result = match self.enter().await {
            Ok(entrance) => self.with(entrance).await,
            Err(stopped) => Err(stopped),
        };
        match result {
            Ok(left_over) => {
                self.record.error = left_over;
                self.close(RotationStatus::Completed).await;
            }
            Err(stopped) => {
                self.record.error = Some(stopped.to_string());
                self.close(RotationStatus::Failed).await;
            }
        }
        drop(claim);
        let _ = ended.send(self.record.status);
        let rotations = &self.account.shared.rotations.running;
        rotations.lock().remove(&self.record.id);
    }

    /// Notes a step before it is taken.
    async fn step(&mut self, name: &str) -> Result<(), Stopped> {
        let now = self.account.shared.now();
        self.record.steps.push((name.to_owned(), now));
        self.save().await?;
        let event = self.event(RotationStatus::Started, name, None);
        self.account
            .shared
            .log(&self.account.name, vec![event])
            .await;
        Ok(())
    }

    async fn save(&self) -> Result<(), StoreError> {
        let record = self.record.clone();
        self.account
            .shared
            .store(move |store| store.save_rotation(&record))
            .await
    }

    fn event(&self, status: RotationStatus, step: &str, error: Option<String>) -> EventBody {
        EventBody::SessionRotation {
            rotation_id: self.record.id.clone(),
            status,
            step: step.to_owned(),
            error,
        }
    }

    async fn close(&mut self, status: RotationStatus) {
        self.record.status = status;
        let last = match status {
            RotationStatus::Completed => "completed".to_owned(),
            _ => self.last_step(),
        };
        if status == RotationStatus::Completed {
            let now = self.account.shared.now();
            self.record.steps.push((last.clone(), now));
        }
        if let Err(error) = self.save().await {
            tracing::error!(account = %self.account.name, %error, "the end of a rotation was not stored");
        }
        let event = self.event(status, &last, self.record.error.clone());
        self.account
            .shared
            .log(&self.account.name, vec![event])
            .await;
    }

    fn last_step(&self) -> String {
        let last = self.record.steps.last();
        last.map_or_else(String::new, |(name, _)| name.clone())
    }

    /// A new key on the account's home data center, stored, with the account's own identity.
    async fn enter(&mut self) -> Result<Entrance, Stopped> {
        self.step("create_key").await?;
        let dc = self.old.pool.home_dc();
        Ok(Entrance::open(&self.account, dc).await?)
    }

    async fn with(&mut self, entrance: Entrance) -> Result<Option<String>, Stopped> {
        let prepared = match self.account.kind() {
            AccountKind::User => self.sign_in_user(&entrance).await,
            AccountKind::Bot => self.sign_in_bot(&entrance).await,
        };
        let verified = match prepared {
            Ok(()) => self.verify(&entrance).await,
            Err(stopped) => Err(stopped),
        };
        let fresh = match verified {
            Ok(fresh) => match self.promote(&entrance).await {
                Ok(()) => fresh,
                Err(stopped) => return Err(self.undo(entrance, stopped).await),
            },
            Err(stopped) => return Err(self.undo(entrance, stopped).await),
        };
        // From here on the new session is the account's: nothing is undone any more.
        let new = Arc::clone(&entrance.session);
        let events = entrance
            .drain
            .finish()
            .await
            .ok_or(Stopped::Because("the new session's links ended"))?;
        self.account
            .serve(Arc::clone(&new), events, Some(fresh))
            .await;
        // The old session may have ended on the way; the new one is good.
        let ended = [AccountState::SessionLost, AccountState::Parked];
        self.account
            .enter_from(&ended, AccountState::Connecting, None)
            .await;
        drained(&self.old).await;
        Ok(self.remove_old(&new).await)
    }

    async fn sign_in_user(&mut self, entrance: &Entrance) -> Result<(), Stopped> {
        for _ in 0..MAX_TOKENS {
            self.step("export_token").await?;
            let token = match export(&self.account, entrance).await? {
                Exported::Token { bytes, .. } => bytes,
                Exported::Accepted(_) => return Ok(()),
            };
            self.step("accept_token").await?;
            let within = self.account.shared.settings().internal_timeout;
            let params = json!({"token": token});
            match self
                .old
                .invoke("auth.acceptLoginToken", params, within)
                .await
            {
                Ok(authorization) => self.accepted = Some(authorization),
                Err(failure) => match failure.name.as_str() {
                    "AUTH_TOKEN_EXPIRED" => continue,
                    "AUTH_TOKEN_ALREADY_ACCEPTED" => {}
                    _ => {
                        self.account.take_note(&failure, None, self.old.id).await;
                        return Err(failure.into());
                    }
                },
            }
            self.step("log_in").await?;
            match export(&self.account, entrance).await {
                Ok(Exported::Accepted(_)) => {}
                Ok(Exported::Token { .. }) => continue,
                Err(failure) => match failure.name.as_str() {
                    "SESSION_PASSWORD_NEEDED" => self.password(entrance).await?,
                    "AUTH_TOKEN_EXPIRED" => continue,
                    _ => return Err(failure.into()),
                },
            }
            return self.confirm().await;
        }
        Err(Stopped::Because("every token expired before it was taken"))
    }

    async fn password(&mut self, entrance: &Entrance) -> Result<(), Stopped> {
        let Some(password) = self.password.take() else {
            return Err(Stopped::Because(if self.found.has_password {
                "the password was not given"
            } else {
                "Telegram asks for a password that was not there before"
            }));
        };
        password::check(&self.account, &entrance.session, &password).await?;
        Ok(())
    }

    /// Telegram may want the old session to say that the new one is no stranger.
    async fn confirm(&mut self) -> Result<(), Stopped> {
        let Some(authorization) = self.accepted.clone() else {
            return Ok(());
        };
        if flag(&authorization, "unconfirmed") {
            self.step("confirm").await?;
            let params = json!({"hash": authorization.get("hash"), "confirmed": true});
            self.account
                .ask(&self.old, "account.changeAuthorizationSettings", params)
                .await?;
        }
        Ok(())
    }

    async fn sign_in_bot(&mut self, entrance: &Entrance) -> Result<(), Stopped> {
        self.step("log_in").await?;
        let (api_id, api_hash) = self.account.api()?;
        let token = self.account.record().bot_token.clone();
        let token = token.ok_or(Stopped::Because("the bot's token is not kept"))?;
        let params = json!({
            "flags": 0,
            "api_id": api_id,
            "api_hash": api_hash.expose(),
            "bot_auth_token": token.expose(),
        });
        entrance
            .step(&self.account, "auth.importBotAuthorization", &params)
            .await?;
        Ok(())
    }

    /// The same user, a call that works, and the state that the new session begins with.
    async fn verify(&mut self, entrance: &Entrance) -> Result<(i32, i32), Stopped> {
        self.step("verify").await?;
        let account = &self.account;
        let me = json!({"id": [{"_": "inputUserSelf"}]});
        let users = entrance.step(account, "users.getUsers", &me).await?;
        let id = users.get(0).and_then(|user| long(user, "id"));
        if id.is_none() || id != account.record().user_id {
            return Err(Stopped::Because("the new session belongs to another user"));
        }
        let state = entrance
            .step(account, "updates.getState", &json!({}))
            .await?;
        let at = |field| int(&state, field).unwrap_or_default();
        Ok((at("qts"), at("seq")))
    }

    async fn promote(&mut self, entrance: &Entrance) -> Result<(), Stopped> {
        self.step("switch").await?;
        entrance
            .session
            .pool
            .mark_authorized()
            .await
            .map_err(|error| crate::problems::pool(&error))?;
        let id = entrance.session.id;
        self.account
            .shared
            .store(move |store| store.promote_authorization(id))
            .await?;
        Ok(())
    }

    /// The old session serves on; the new one is removed, by its own key or by the old session.
    async fn undo(&mut self, entrance: Entrance, stopped: Stopped) -> Stopped {
        let account = &self.account;
        tracing::warn!(account = %account.name, reason = %stopped, "rotation is undone");
        let out = entrance.step(account, "auth.logOut", &json!({})).await;
        if let (Err(failure), Some(accepted)) = (&out, &self.accepted) {
            let params = json!({"hash": accepted.get("hash")});
            let removed = account
                .ask(&self.old, "account.resetAuthorization", params)
                .await;
            if let Err(problem) = removed {
                tracing::warn!(
                    account = %account.name,
                    by_itself = failure.name,
                    by_the_old_session = problem.code,
                    "the new authorization may be left over"
                );
            }
        }
        let session = Arc::clone(&entrance.session);
        session.pool.destroy_keys(Instant::now() + DESTROY).await;
        entrance.abandon(account).await;
        stopped
    }

    /// Ends the old authorization. Says what is left of it, if something is.
    async fn remove_old(&mut self, new: &Arc<Session>) -> Option<String> {
        let hash = self.hash_of_old(new).await;
        let ended = match self.step("log_out_old").await {
            Ok(()) => log_out(&self.account, &self.old).await,
            Err(stopped) => Err(stopped.to_string()),
        };
        let mut left = ended.err();
        if left.is_none() {
            if let Err(stopped) = self.step("destroy_old").await {
                tracing::warn!(account = %self.account.name, reason = %stopped, "a step was not stored");
            }
            left = destroy(&self.account, &self.old).await.err();
        }
        if let Some(hash) = hash
            && self.listed(new, &hash).await
        {
            left.get_or_insert_with(|| "Telegram still lists the old authorization".to_owned());
        }
        left
    }

    /// How the new session's list names the old authorization.
    async fn hash_of_old(&self, new: &Session) -> Option<String> {
        let created = self.found.created?;
        let all = self
            .account
            .ask(new, "account.getAuthorizations", json!({}))
            .await
            .ok()?;
        let created = i64::try_from(created.seconds()).ok()?;
        list(&all, "authorizations")
            .iter()
            .find(|entry| !flag(entry, "current") && long(entry, "date_created") == Some(created))
            .and_then(|entry| text(entry, "hash"))
            .map(str::to_owned)
    }

    async fn listed(&self, new: &Session, hash: &str) -> bool {
        let all = self
            .account
            .ask(new, "account.getAuthorizations", json!({}))
            .await;
        all.is_ok_and(|all| {
            list(&all, "authorizations")
                .iter()
                .any(|entry| text(entry, "hash") == Some(hash))
        })
    }
}

/// New calls go to the new session; waits until the old one's have ended.
async fn drained(old: &Session) {
    let end = Instant::now() + DRAIN;
    let mut links = old.pool.watch();
    while Instant::now() < end {
        if old.pool.status().iter().all(|link| link.in_flight == 0) {
            return;
        }
        // The links tell of changes; what they do not tell is seen at the next look.
        let look = Instant::now() + Duration::from_millis(100);
        let _ = tokio::time::timeout_at(look.min(end), links.changed()).await;
    }
}

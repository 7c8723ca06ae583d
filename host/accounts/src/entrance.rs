//! The session that is being signed in, by a sign-in or a rotation.

use std::sync::Arc;

use serde_json::Value;
use sluice_domain::{AuthorizationRole, Failure, Problem};
use sluice_links::MainState;

use crate::account::Account;
use crate::session::{Drain, Session};
use crate::shared::store_problem;

/// Hops from one data center to another in one step. Telegram needs one; more is a loop.
const MAX_HOPS: usize = 3;

/// The session that is being signed in.
pub(crate) struct Entrance {
    pub(crate) session: Arc<Session>,
    pub(crate) drain: Drain,
}

impl Entrance {
    /// Makes an authorization on this data center and opens its links.
    pub(crate) async fn open(account: &Account, dc: i32) -> Result<Self, Problem> {
        abandon_stored(account).await?;
        let (name, now) = (account.name.clone(), account.shared.now());
        let authorization = account
            .shared
            .store(move |store| store.create_authorization(&name, AuthorizationRole::Next, dc, now))
            .await
            .map_err(|error| store_problem(&error).of(&account.name))?;
        let (session, events) = Session::start(account, &authorization).await?;
        session.pool.open();
        Ok(Self {
            session,
            drain: Drain::start(account, events),
        })
    }

    /// Closes the links and forgets the key. If somebody may have signed in with it, Telegram is
    /// told first; when that fails, the key stays, for the next start to end it.
    pub(crate) async fn abandon(self, account: &Account) {
        let _ = self.drain.finish().await;
        if self.session.pool.authorized() {
            let within = account.shared.settings().internal_timeout;
            let ended = self.session.invoke("auth.logOut", Value::Null, within);
            if let Err(failure) = ended.await
                && failure.code != 401
            {
                tracing::warn!(account = %account.name, failure.name, "a sign-in may be left over");
                self.session.pool.close().await;
                return;
            }
        }
        self.session.pool.close().await;
        let id = self.session.id;
        let removed = account
            .shared
            .store(move |store| store.remove_authorization(id))
            .await;
        if let Err(error) = removed {
            tracing::warn!(account = %account.name, %error, "an unused key was not removed");
        }
    }

    /// A step of the sign-in. Telegram may name another data center; the caller never sees that.
    pub(crate) async fn step(
        &self,
        account: &Account,
        method: &str,
        params: &Value,
    ) -> Result<Value, Failure> {
        let within = account.shared.settings().internal_timeout;
        let mut hops = 0;
        let mut restarted = false;
        loop {
            match self.session.invoke(method, params.clone(), within).await {
                Err(failure) if hops < MAX_HOPS && migration(&failure).is_some() => {
                    hops += 1;
                    if let Some(dc) = migration(&failure) {
                        self.move_to(account, dc).await.map_err(|()| failure)?;
                    }
                }
                // Telegram asks to begin the step anew; once is enough.
                Err(failure) if failure.name == "AUTH_RESTART" && !restarted => restarted = true,
                answer => return answer,
            }
        }
    }

    /// Why there is no connection, when there is none.
    pub(crate) fn unreachable(&self) -> Option<String> {
        match &self.session.pool.watch().borrow().main {
            MainState::Connecting { reason, .. } => reason.clone(),
            _ => None,
        }
    }

    pub(crate) async fn move_to(&self, account: &Account, dc: i32) -> Result<(), ()> {
        self.session.pool.set_home_dc(dc).await.map_err(|error| {
            tracing::warn!(account = %account.name, dc, %error, "no way to the data center");
        })
    }
}

/// The data center Telegram names.
fn migration(failure: &Failure) -> Option<i32> {
    let moves = matches!(
        failure.pattern.as_str(),
        "PHONE_MIGRATE_%d" | "USER_MIGRATE_%d" | "NETWORK_MIGRATE_%d"
    );
    let number = failure.number.filter(|_| moves)?;
    i32::try_from(number).ok()
}

/// Removes what an interrupted sign-in left behind.
async fn abandon_stored(account: &Account) -> Result<(), Problem> {
    let name = account.name.clone();
    account
        .shared
        .store(move |store| {
            for left in store.authorizations(&name)? {
                let signed_in = store.keys(left.id)?.iter().any(|key| key.authorized);
                if left.role == AuthorizationRole::Next && !signed_in {
                    store.remove_authorization(left.id)?;
                }
            }
            Ok(())
        })
        .await
        .map_err(|error| store_problem(&error).of(&account.name))
}

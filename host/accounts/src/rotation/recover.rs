//! Ending an authorization, and what a rotation that was cut off left behind.

use core::time::Duration;
use std::sync::Arc;

use serde_json::json;
use sluice_domain::{AuthorizationRecord, AuthorizationRole, Category, EventBody, RotationStatus};
use tokio::time::Instant;

use super::Claim;
use crate::account::Account;
use crate::session::Session;

/// How long Telegram may take to destroy the keys of an authorization.
pub(super) const DESTROY: Duration = Duration::from_secs(15);

/// Ends an authorization at Telegram, unless it has ended already.
pub(super) async fn log_out(account: &Account, old: &Session) -> Result<(), String> {
    let within = account.shared.settings().internal_timeout;
    match old.invoke("auth.logOut", json!({}), within).await {
        // `future_auth_token` in the answer is a secret; it is not kept.
        Ok(_) => Ok(()),
        Err(failure) if failure.code == 401 => Ok(()),
        Err(failure) => Err(format!(
            "the old authorization could not be logged out: {}",
            failure.name
        )),
    }
}

/// Has the keys destroyed and wipes them.
pub(super) async fn destroy(account: &Account, old: &Session) -> Result<(), String> {
    let keys = old.pool.destroy_keys(Instant::now() + DESTROY).await;
    for key in keys {
        if let Err(error) = key.result {
            // Logged out, the key is worth nothing; Telegram forgets it by itself in time.
            tracing::info!(account = %account.name, dc = key.dc, %error, "a key was not destroyed");
        }
    }
    let id = old.id;
    account
        .shared
        .store(move |store| store.remove_authorization(id))
        .await
        .map_err(|error| format!("the old keys were not wiped: {error}"))
}

/// After a start: what a rotation that was cut off left behind is brought to its end. Before the
/// switch that is undoing it, after the switch removing the old authorization.
pub(crate) async fn recover(account: Arc<Account>) {
    let shared = Arc::clone(&account.shared);
    shared.cut_off(end_what_was_cut(account)).await;
}

async fn end_what_was_cut(account: Arc<Account>) {
    let name = account.name.clone();
    let found = account
        .shared
        .store(move |store| Ok((store.rotations(&name)?, store.authorizations(&name)?)))
        .await;
    let Ok((rotations, authorizations)) = found else {
        return;
    };
    let left: Vec<_> = authorizations
        .into_iter()
        .filter(|left| left.role != AuthorizationRole::Current)
        .collect();
    let cut: Vec<_> = rotations
        .into_iter()
        .filter(|rotation| rotation.status == RotationStatus::Started)
        .collect();
    if left.is_empty() && cut.is_empty() {
        return;
    }
    let Ok(_claim) = Claim::take(&account) else {
        return;
    };
    let mut switched = false;
    for authorization in left {
        switched |= authorization.role == AuthorizationRole::Old;
        if let Err(why) = end_left_over(&account, &authorization).await {
            let error = EventBody::Error {
                message: format!("an authorization is left over: {why}"),
                code: "AUTHORIZATION_LEFT_OVER".into(),
                category: Category::Auth,
            };
            account.shared.log(&account.name, vec![error]).await;
        }
    }
    for mut record in cut {
        let (status, error) = if switched {
            (RotationStatus::Completed, None)
        } else {
            let why = "the gateway ended before the switch; the old session serves on";
            (RotationStatus::Failed, Some(why.to_owned()))
        };
        record.status = status;
        record.error.clone_from(&error);
        let step = record
            .steps
            .last()
            .map_or_else(String::new, |(name, _)| name.clone());
        let rotation_id = record.id.clone();
        let saved = account
            .shared
            .store(move |store| store.save_rotation(&record))
            .await;
        if let Err(error) = saved {
            tracing::error!(account = %account.name, %error, "the end of a rotation was not stored");
        }
        let event = EventBody::SessionRotation {
            rotation_id,
            status,
            step,
            error,
        };
        account.shared.log(&account.name, vec![event]).await;
    }
}

async fn end_left_over(
    account: &Arc<Account>,
    authorization: &AuthorizationRecord,
) -> Result<(), String> {
    let id = authorization.id;
    let keys = account
        .shared
        .store(move |store| store.keys(id))
        .await
        .map_err(|error| error.to_string())?;
    if keys.is_empty() {
        return account
            .shared
            .store(move |store| store.remove_authorization(id))
            .await
            .map_err(|error| error.to_string());
    }
    let (session, _events) = Session::start(account, authorization)
        .await
        .map_err(|problem| problem.detail)?;
    session.pool.open();
    let ended = log_out(account, &session).await;
    match ended {
        Ok(()) => destroy(account, &session).await,
        Err(why) => {
            session.pool.close().await;
            Err(why)
        }
    }
}

//! Connecting, disconnecting, logging out, removing.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::json;
use sluice_domain::{AccountState, AuthorizationRole, Problem};
use tokio::time::Instant;

use crate::account::Account;
use crate::session::Session;
use crate::shared::store_problem;
use crate::sign_in::{SignIn, await_ready};
use crate::{DoneView, problems, sign_in};

/// How long `connect` waits for the links before it answers that they are being opened.
const CONNECT: Duration = Duration::from_secs(10);

/// How long Telegram may take to destroy the keys of an authorization.
const DESTROY: Duration = Duration::from_secs(15);

/// The pauses between two tries to bring an account back, from the first to the longest.
const RESTORE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

fn done(message: String) -> DoneView {
    DoneView {
        success: true,
        message,
    }
}

/// Opens the links of an account that has a session.
pub(crate) async fn connect(account: &Arc<Account>) -> Result<DoneView, Problem> {
    let _turn = account.turn.lock().await;
    account.not_rotating()?;
    match account.state() {
        AccountState::Ready => {
            return Ok(done(format!("account {} is connected", account.name)));
        }
        AccountState::SignedOut
        | AccountState::AwaitingCode
        | AccountState::AwaitingQr
        | AccountState::AwaitingPassword => {
            return Err(problems::out_of_order(
                &account.name,
                account.state(),
                "connect",
            ));
        }
        AccountState::Connecting
        | AccountState::Disconnected
        | AccountState::Parked
        | AccountState::Frozen
        | AccountState::SessionLost => {}
    }
    open(account).await?;
    await_ready(account, CONNECT).await;
    let state = account.state();
    match state {
        AccountState::Ready => Ok(done(format!("account {} is connected", account.name))),
        AccountState::SessionLost => {
            let reason = account.standing().reason.unwrap_or_default();
            Err(problems::session_lost(&account.name, &reason))
        }
        _ => Ok(done(format!(
            "account {} is {}; its links are being opened",
            account.name,
            state.as_str()
        ))),
    }
}

async fn open(account: &Arc<Account>) -> Result<(), Problem> {
    if let Some(session) = account.session() {
        account.enter(AccountState::Connecting, None).await;
        session.pool.open();
        // Links that stand (the account was frozen) are proven now, not at the next probe.
        account.doubt();
        return Ok(());
    }
    let current = account
        .authorization(AuthorizationRole::Current)
        .await
        .map_err(|error| store_problem(&error).of(&account.name))?
        .ok_or_else(|| problems::out_of_order(&account.name, account.state(), "connect"))?;
    let (session, events) = Session::start(account, &current).await?;
    account.enter(AccountState::Connecting, None).await;
    session.pool.open();
    account.serve(session, events, None).await;
    Ok(())
}

/// Closes the links and keeps the session; ends a sign-in that is under way.
pub(crate) async fn disconnect(account: &Arc<Account>) -> Result<DoneView, Problem> {
    account.not_rotating()?;
    if let AccountState::AwaitingCode | AccountState::AwaitingQr | AccountState::AwaitingPassword =
        account.state()
    {
        sign_in::cancel(account).await?;
        return Ok(done(format!(
            "the sign-in of account {} was ended",
            account.name
        )));
    }
    let _turn = account.turn.lock().await;
    if account.state() == AccountState::SignedOut {
        return Err(problems::out_of_order(
            &account.name,
            account.state(),
            "disconnect",
        ));
    }
    let lost = account.state() == AccountState::SessionLost;
    if !lost {
        let reason = Some("closed by request".to_owned());
        account.enter(AccountState::Disconnected, reason).await;
    }
    if let Some(session) = account.session() {
        let _ = account.close_links(&session).seen.await;
    }
    Ok(done(format!(
        "account {} is disconnected; its session is kept",
        account.name
    )))
}

/// Ends the authorization at Telegram and removes the key.
pub(crate) async fn log_out(account: &Arc<Account>) -> Result<DoneView, Problem> {
    let turn = account.turn.lock().await;
    account.not_rotating()?;
    let state = account.state();
    if matches!(
        state,
        AccountState::SignedOut
            | AccountState::AwaitingCode
            | AccountState::AwaitingQr
            | AccountState::AwaitingPassword
    ) {
        return Err(problems::out_of_order(&account.name, state, "log-out"));
    }
    if account.session().is_none() {
        open(account).await?;
    }
    let Some(session) = account.session() else {
        return Err(problems::out_of_order(&account.name, state, "log-out"));
    };
    // What Telegram has ended already cannot be ended again.
    if state != AccountState::SessionLost {
        session.pool.open();
        let within = account.shared.settings().internal_timeout;
        match session.invoke("auth.logOut", json!({}), within).await {
            Ok(_) => {
                session.pool.destroy_keys(Instant::now() + DESTROY).await;
            }
            Err(failure) if failure.code == 401 => {}
            Err(failure) => {
                account.keep_wait(&failure, None).await;
                return Err(account.problem(&failure));
            }
        }
    }
    forget(account).await?;
    account
        .enter(AccountState::SignedOut, Some("logged out".into()))
        .await;
    drop(turn);
    Ok(done(format!("account {} is signed out", account.name)))
}

/// Removes the session and its keys from the gateway.
async fn forget(account: &Arc<Account>) -> Result<(), Problem> {
    if let Some(session) = account.retire().await {
        session.pool.close().await;
    }
    let name = account.name.clone();
    account
        .shared
        .store(move |store| {
            for authorization in store.authorizations(&name)? {
                store.remove_authorization(authorization.id)?;
            }
            Ok(())
        })
        .await
        .map_err(|error| store_problem(&error).of(&account.name))?;
    account
        .amend(|record| {
            record.user_id = None;
            record.bot_token = None;
        })
        .await
}

/// Closes everything of an account that is being removed. With `log_out` the authorization is
/// ended too if Telegram can be reached: nobody could end it later, the key being gone.
pub(crate) async fn end(account: &Arc<Account>, log_out: bool) -> Result<(), Problem> {
    account.not_rotating()?;
    let mut turn = account.turn.lock().await;
    let under_way = core::mem::replace(&mut *turn, SignIn::None);
    match under_way {
        SignIn::None => {}
        SignIn::Code { entrance, .. } | SignIn::Password { entrance, .. } => {
            entrance.abandon(account).await;
        }
        SignIn::Qr(qr) => {
            if let Some(entrance) = qr.stop().await {
                entrance.abandon(account).await;
            }
        }
    }
    let ready = account.state() == AccountState::Ready;
    if let Some(session) = account.retire().await {
        if log_out && ready {
            let within = account.shared.settings().internal_timeout;
            match session.invoke("auth.logOut", json!({}), within).await {
                Ok(_) => {
                    session.pool.destroy_keys(Instant::now() + DESTROY).await;
                }
                Err(failure) => {
                    tracing::warn!(account = %account.name, name = failure.name, "not logged out");
                }
            }
        }
        session.pool.close().await;
    }
    account.stop.cancel();
    Ok(())
}

/// Connects an account that was signed in when the gateway ended; what is in the way is tried again
/// until it is out of it, because nobody else does.
pub(crate) async fn restore(account: &Arc<Account>) {
    let mut pause = RESTORE.0;
    loop {
        let turn = account.turn.lock().await;
        let begun = AssertUnwindSafe(begin(account)).catch_unwind().await;
        drop(turn);
        match begun {
            Ok(true) => return,
            Ok(false) => {}
            Err(_) => {
                tracing::error!(account = %account.name, "connecting panicked and is tried again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(RESTORE.1),
            () = account.stop.cancelled() => return,
        }
    }
}

/// One try; whether no other is needed.
async fn begin(account: &Arc<Account>) -> bool {
    let state = account.state();
    let comes_back = matches!(
        state,
        AccountState::Ready | AccountState::Connecting | AccountState::Frozen
    );
    if !comes_back || account.session().is_some() {
        // Somebody else decided about it meanwhile.
        return true;
    }
    let current = match account.authorization(AuthorizationRole::Current).await {
        Ok(current) => current,
        Err(error) => {
            tracing::error!(account = %account.name, %error, "the authorization cannot be read");
            let reason = Some(store_problem(&error).detail);
            // It is not ready, whatever was stored.
            account
                .enter_from(&[AccountState::Ready], AccountState::Connecting, reason)
                .await;
            return false;
        }
    };
    let Some(current) = current else {
        account.enter(AccountState::SignedOut, None).await;
        return true;
    };
    match Session::start(account, &current).await {
        Ok((session, events)) => {
            // A frozen account reads on, and stays frozen until somebody connects it.
            if state != AccountState::Frozen {
                account.enter(AccountState::Connecting, None).await;
            }
            session.pool.open();
            account.serve(session, events, None).await;
            true
        }
        Err(problem) => {
            // Not `disconnected`: that would be kept, and the next start would not try.
            let reason = Some(problem.detail);
            account.enter(AccountState::Connecting, reason).await;
            false
        }
    }
}

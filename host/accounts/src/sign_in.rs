//! Signing in: by code, password, QR token, or as a bot. A person's secrets pass through and are
//! neither logged nor stored; a bot's token is kept sealed, because a rotation needs it.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_domain::{
    AccountKind, AccountState, AuthorizationRole, Category, Failure, Layer, Problem, Secret,
    SessionStore, UpdateState,
};
use tokio::time::Instant;

use crate::account::Account;
use crate::entrance::Entrance;
use crate::json::{constructor, int, long, text};
use crate::password;
use crate::qr::Qr;
use crate::session::first_dc;
use crate::shared::store_problem;
use crate::{CodeView, PasswordView, SignInView, fate, problems};

/// How far a sign-in is.
pub(crate) enum SignIn {
    /// None is under way.
    None,
    /// A code was sent.
    Code {
        entrance: Entrance,
        phone: String,
        hash: String,
        code: CodeView,
    },
    /// A QR token waits to be accepted.
    Qr(Qr),
    /// The password is asked for.
    Password {
        entrance: Entrance,
        view: PasswordView,
    },
}

fn may_begin(account: &Account, step: &str, kind: AccountKind) -> Result<(), Problem> {
    account.not_rotating()?;
    let state = account.state();
    let begins = matches!(
        state,
        AccountState::SignedOut | AccountState::SessionLost | AccountState::Parked
    );
    if !begins {
        return Err(problems::out_of_order(&account.name, state, step));
    }
    if account.kind() != kind {
        let (is, needs) = match kind {
            AccountKind::User => ("a bot", "bot {token}"),
            AccountKind::Bot => ("a user", "send-code or qr"),
        };
        return Err(Problem::new(
            409,
            "WRONG_ACCOUNT_KIND",
            Category::Conflict,
            format!("account {} is {is}; sign it in by {needs}", account.name),
        )
        .of(&account.name));
    }
    Ok(())
}

/// A step of a sign-in whose failure is counted among the account's.
async fn refused(account: &Account, failure: &Failure) -> Problem {
    account.keep_wait(failure, None).await;
    account.limited(failure).await;
    account.problem(failure)
}

/// The same for the first step of a sign-in, which is then over.
async fn turned_away(account: &Account, entrance: Entrance, failure: &Failure) -> Problem {
    let unreachable = entrance.unreachable();
    entrance.abandon(account).await;
    let mut problem = refused(account, failure).await;
    if failure.layer != Layer::Telegram
        && let Some(why) = unreachable
    {
        problem.detail = format!("{}; there is no connection: {why}", problem.detail);
    }
    problem
}

fn held_back(account: &Account, method: &str) -> Result<(), Problem> {
    let now = account.shared.now();
    let standing = account
        .shared
        .ledger
        .standing(&account.name, method, None, now, None);
    standing.map_or(Ok(()), |standing| Err(standing.problem))
}

/// A sign-in ended without success: the account is what it was before.
pub(crate) async fn back(account: &Account, reason: Option<String>) {
    let had_session = account.record().user_id.is_some();
    let state = if had_session {
        AccountState::SessionLost
    } else {
        AccountState::SignedOut
    };
    account.enter(state, reason).await;
}

fn view(account: &Account, progress: &SignIn) -> SignInView {
    let standing = account.standing();
    let mut view = SignInView {
        account: account.name.clone(),
        state: standing.state,
        state_reason: standing.reason,
        code: None,
        password: None,
        qr: None,
        user: None,
        warnings: Vec::new(),
    };
    match progress {
        SignIn::None => {}
        SignIn::Code { code, .. } => {
            if code.kind == "app" {
                view.warnings.push(
                    "the code goes to another session of this account, not by SMS: keep one \
                     signed in elsewhere, or the next sign-in has nowhere to send it"
                        .into(),
                );
            }
            view.code = Some(code.clone());
        }
        SignIn::Qr(qr) => view.qr = Some(qr.view()),
        SignIn::Password { view: password, .. } => view.password = Some(password.clone()),
    }
    view
}

/// Asks Telegram to send a code.
pub(crate) async fn send_code(account: &Arc<Account>, phone: &str) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    may_begin(account, "send-code", AccountKind::User)?;
    held_back(account, "auth.sendCode")?;
    let phone: String = phone.chars().filter(char::is_ascii_digit).collect();
    if phone.is_empty() {
        return Err(problems::bad_parameters(vec![sluice_domain::FieldError {
            pointer: "/phone".into(),
            detail: "expected a phone number in international form".into(),
        }]));
    }
    let (api_id, api_hash) = account.api()?;
    let entrance = Entrance::open(account, first_dc(account)?).await?;
    let params = json!({
        "phone_number": phone,
        "api_id": api_id,
        "api_hash": api_hash.expose(),
        "settings": {"_": "codeSettings"},
    });
    let sent = entrance.step(account, "auth.sendCode", &params).await;
    after_code(account, &mut turn, entrance, phone, sent).await
}

async fn after_code(
    account: &Arc<Account>,
    turn: &mut SignIn,
    entrance: Entrance,
    phone: String,
    sent: Result<Value, Failure>,
) -> Result<SignInView, Problem> {
    let sent = match sent {
        Ok(sent) => sent,
        Err(failure) => {
            let problem = turned_away(account, entrance, &failure).await;
            if fate::limits_account(&failure.name) && account.state() == AccountState::SignedOut {
                let reason = Some(failure.name.clone());
                account.enter(AccountState::SignedOut, reason).await;
            }
            return Err(problem);
        }
    };
    match constructor(&sent) {
        "auth.sentCode" => {
            *turn = SignIn::Code {
                entrance,
                phone,
                hash: text(&sent, "phone_code_hash")
                    .unwrap_or_default()
                    .to_owned(),
                code: code_view(&sent),
            };
            account.enter(AccountState::AwaitingCode, None).await;
            Ok(view(account, turn))
        }
        "auth.sentCodeSuccess" => {
            let authorization = sent.get("authorization").cloned().unwrap_or_default();
            authorized(account, turn, entrance, &authorization, None).await
        }
        _ => {
            entrance.abandon(account).await;
            Err(cannot_here(
                account,
                "PAYMENT_REQUIRED",
                "Telegram wants to be paid for the code of this number",
            ))
        }
    }
}

fn cannot_here(account: &Account, code: &str, detail: &str) -> Problem {
    Problem::new(409, code, Category::Conflict, detail)
        .advise("Do this step once in one of Telegram's own applications, then sign in here.")
        .of(&account.name)
}

fn code_view(sent: &Value) -> CodeView {
    let kind = |value: Option<&Value>, prefix: &str| {
        value.map(|value| snake(constructor(value).trim_start_matches(prefix)))
    };
    let sent_type = sent.get("type");
    CodeView {
        kind: kind(sent_type, "auth.sentCodeType").unwrap_or_default(),
        length: sent_type.and_then(|sent_type| int(sent_type, "length")),
        next_kind: kind(sent.get("next_type"), "auth.codeType"),
        resend_after: int(sent, "timeout"),
    }
}

fn snake(camel: &str) -> String {
    let mut snake = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Has the code sent again by the next means.
pub(crate) async fn resend_code(account: &Arc<Account>) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    let SignIn::Code {
        entrance,
        phone,
        hash,
        code,
    } = &mut *turn
    else {
        return Err(problems::out_of_order(
            &account.name,
            account.state(),
            "resend-code",
        ));
    };
    let params = json!({"phone_number": phone, "phone_code_hash": hash});
    let sent = match entrance.step(account, "auth.resendCode", &params).await {
        Ok(sent) => sent,
        Err(failure) => return Err(refused(account, &failure).await),
    };
    if let Some(new) = text(&sent, "phone_code_hash") {
        new.clone_into(hash);
        *code = code_view(&sent);
    }
    Ok(view(account, &turn))
}

/// Ends a sign-in that is under way.
pub(crate) async fn cancel(account: &Arc<Account>) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    match core::mem::replace(&mut *turn, SignIn::None) {
        SignIn::None => {
            return Err(problems::out_of_order(
                &account.name,
                account.state(),
                "cancel-code",
            ));
        }
        SignIn::Code {
            entrance,
            phone,
            hash,
            ..
        } => {
            let params = json!({"phone_number": phone, "phone_code_hash": hash});
            // A code that Telegram does not take back ends by itself.
            let _ = entrance.step(account, "auth.cancelCode", &params).await;
            entrance.abandon(account).await;
        }
        SignIn::Qr(qr) => {
            if let Some(entrance) = qr.stop().await {
                entrance.abandon(account).await;
            }
        }
        SignIn::Password { entrance, .. } => entrance.abandon(account).await,
    }
    back(account, None).await;
    Ok(view(account, &turn))
}

/// Signs in with the code.
pub(crate) async fn sign_in(
    account: &Arc<Account>,
    code: &Secret<String>,
) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    let SignIn::Code {
        entrance,
        phone,
        hash,
        ..
    } = &*turn
    else {
        return Err(problems::out_of_order(
            &account.name,
            account.state(),
            "sign-in",
        ));
    };
    held_back(account, "auth.signIn")?;
    let params = json!({
        "phone_number": phone,
        "phone_code_hash": hash,
        "phone_code": code.expose().trim(),
    });
    let answer = entrance.step(account, "auth.signIn", &params).await;
    let ends = matches!(&answer, Err(failure) if failure.name == "PHONE_CODE_EXPIRED")
        || matches!(&answer, Ok(answer) if constructor(answer) != "auth.authorization");
    if let Err(failure) = &answer
        && failure.name != "SESSION_PASSWORD_NEEDED"
        && !ends
    {
        // A wrong code can be typed again.
        return Err(refused(account, failure).await);
    }
    let SignIn::Code { entrance, .. } = core::mem::replace(&mut *turn, SignIn::None) else {
        return Err(problems::out_of_order(
            &account.name,
            account.state(),
            "sign-in",
        ));
    };
    match answer {
        Ok(answer) if !ends => authorized(account, &mut turn, entrance, &answer, None).await,
        Ok(_) => {
            entrance.abandon(account).await;
            back(account, None).await;
            Err(cannot_here(
                account,
                "SIGN_UP_REQUIRED",
                "nobody has registered this phone number with Telegram",
            ))
        }
        Err(_) if !ends => ask_password(account, &mut turn, entrance).await,
        Err(failure) => {
            entrance.abandon(account).await;
            back(account, Some(failure.name.clone())).await;
            Err(refused(account, &failure).await)
        }
    }
}

/// Telegram wants the password: says so, with its hint.
pub(crate) async fn ask_password(
    account: &Arc<Account>,
    turn: &mut SignIn,
    entrance: Entrance,
) -> Result<SignInView, Problem> {
    let asked = entrance
        .step(account, "account.getPassword", &json!({}))
        .await;
    let view_of = |asked: &Value| PasswordView {
        hint: text(asked, "hint").map(str::to_owned),
        has_recovery: crate::json::flag(asked, "has_recovery"),
    };
    // Without the hint the password can still be given.
    let password = asked
        .as_ref()
        .map_or_else(|_| view_of(&Value::Null), view_of);
    *turn = SignIn::Password {
        entrance,
        view: password,
    };
    account.enter(AccountState::AwaitingPassword, None).await;
    Ok(view(account, turn))
}

/// Gives the password of the second factor.
pub(crate) async fn password(
    account: &Arc<Account>,
    secret: &Secret<String>,
) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    let SignIn::Password { entrance, .. } = &*turn else {
        return Err(problems::out_of_order(
            &account.name,
            account.state(),
            "password",
        ));
    };
    held_back(account, "auth.checkPassword")?;
    let answer = password::check(account, &entrance.session, secret).await?;
    let SignIn::Password { entrance, .. } = core::mem::replace(&mut *turn, SignIn::None) else {
        return Err(problems::out_of_order(
            &account.name,
            account.state(),
            "password",
        ));
    };
    authorized(account, &mut turn, entrance, &answer, None).await
}

/// A QR token; the first is asked for here, the next ones by a task that renews it.
pub(crate) async fn qr(account: &Arc<Account>) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    if let SignIn::Qr(_) = &*turn {
        return Ok(view(account, &turn));
    }
    may_begin(account, "qr", AccountKind::User)?;
    held_back(account, "auth.exportLoginToken")?;
    let entrance = Entrance::open(account, first_dc(account)?).await?;
    match Qr::begin(account, entrance).await {
        Ok(qr) => {
            *turn = SignIn::Qr(qr);
            account.enter(AccountState::AwaitingQr, None).await;
            Ok(view(account, &turn))
        }
        Err((entrance, failure)) => Err(turned_away(account, entrance, &failure).await),
    }
}

/// Signs a bot in.
pub(crate) async fn bot(
    account: &Arc<Account>,
    token: Secret<String>,
) -> Result<SignInView, Problem> {
    let mut turn = account.turn.lock().await;
    may_begin(account, "bot", AccountKind::Bot)?;
    held_back(account, "auth.importBotAuthorization")?;
    let (api_id, api_hash) = account.api()?;
    let entrance = Entrance::open(account, first_dc(account)?).await?;
    let params = json!({
        "flags": 0,
        "api_id": api_id,
        "api_hash": api_hash.expose(),
        "bot_auth_token": token.expose(),
    });
    match entrance
        .step(account, "auth.importBotAuthorization", &params)
        .await
    {
        Ok(answer) => authorized(account, &mut turn, entrance, &answer, Some(token)).await,
        Err(failure) => Err(turned_away(account, entrance, &failure).await),
    }
}

/// Telegram accepted: the session becomes the account's, whatever was before it is removed.
pub(crate) async fn authorized(
    account: &Arc<Account>,
    turn: &mut SignIn,
    entrance: Entrance,
    authorization: &Value,
    bot_token: Option<Secret<String>>,
) -> Result<SignInView, Problem> {
    *turn = SignIn::None;
    let user = authorization.get("user").cloned().unwrap_or_default();
    let Some(user_id) = long(&user, "id") else {
        entrance.abandon(account).await;
        back(account, None).await;
        return Err(cannot_here(
            account,
            "SIGN_IN_UNREADABLE",
            "Telegram's answer names no user",
        ));
    };
    keep(account, &entrance, user_id, bot_token).await?;
    crate::peers::save(account, &user).await;
    if let Some(old) = account.retire().await {
        old.pool.close().await;
    }
    let Entrance { session, drain } = entrance;
    account.enter(AccountState::Connecting, None).await;
    if let Some(events) = drain.finish().await {
        account.serve(session, events, None).await;
    }
    remove_old(account).await;
    // The answer says `ready` when the first probe was quick enough, else `connecting`.
    await_ready(account, Duration::from_secs(10)).await;
    let mut view = view(account, turn);
    view.user = Some(user);
    Ok(view)
}

/// Stores the key as signed in, and the authorization as the account's own.
async fn keep(
    account: &Account,
    entrance: &Entrance,
    user_id: i64,
    bot_token: Option<Secret<String>>,
) -> Result<(), Problem> {
    entrance
        .session
        .pool
        .mark_authorized()
        .await
        .map_err(|error| problems::pool(&error).of(&account.name))?;
    let id = entrance.session.id;
    account
        .shared
        .store(move |store| store.promote_authorization(id))
        .await
        .map_err(|error| store_problem(&error).of(&account.name))?;
    let again = account.record().user_id == Some(user_id);
    account
        .amend(|record| {
            record.user_id = Some(user_id);
            record.state = AccountState::Ready;
            record.state_reason = None;
            if bot_token.is_some() {
                record.bot_token = bot_token;
            }
        })
        .await?;
    begin_updates(account, entrance, again).await
}

/// Where the updates of a new session begin: at Telegram's state of now. An account that signs in
/// again goes on where it was, since pts are the account's and not the session's.
async fn begin_updates(account: &Account, entrance: &Entrance, again: bool) -> Result<(), Problem> {
    let now = entrance.step(account, "updates.getState", &json!({})).await;
    let at = |field| {
        let now = now.as_ref().ok();
        now.and_then(|state| int(state, field)).unwrap_or_default()
    };
    let name = account.name.clone();
    let fresh = UpdateState {
        pts: at("pts"),
        qts: at("qts"),
        date: at("date"),
        seq: at("seq"),
        channels: Vec::new(),
    };
    let begin = move |store: &dyn SessionStore| {
        let known = store
            .update_state(&name)?
            .filter(|known| again && known.pts > 0);
        let state = match known {
            Some(known) => UpdateState {
                qts: fresh.qts,
                seq: fresh.seq,
                ..known
            },
            None => fresh,
        };
        store.begin_updates(&name, &state)
    };
    account
        .shared
        .store(begin)
        .await
        .map_err(|error| store_problem(&error).of(&account.name))
}

/// A session that Telegram had ended is of no use once its successor serves.
async fn remove_old(account: &Account) {
    let name = account.name.clone();
    let removed = account
        .shared
        .store(move |store| {
            for old in store.authorizations(&name)? {
                if old.role == AuthorizationRole::Old {
                    store.remove_authorization(old.id)?;
                }
            }
            Ok(())
        })
        .await;
    if let Err(error) = removed {
        tracing::warn!(account = %account.name, %error, "an old key was not removed");
    }
}

/// Waits until the account is ready, or settled otherwise, or the time is up.
pub(crate) async fn await_ready(account: &Account, within: Duration) {
    let mut standing = account.follow();
    let settled = standing.wait_for(|standing| standing.state != AccountState::Connecting);
    let _ = tokio::time::timeout_at(Instant::now() + within, settled).await;
}

//! What must be true before a rotation creates anything.

use std::sync::Arc;

use serde_json::json;
use sluice_domain::{AccountKind, Category, Problem, UnixMillis};

use crate::RotateRequest;
use crate::account::Account;
use crate::health::DAY_MS;
use crate::json::{flag, list, long};
use crate::password;
use crate::session::Session;

/// What the checks found out.
pub(super) struct Found {
    /// When Telegram says the authorization that serves was made; None for a bot.
    pub(super) created: Option<UnixMillis>,
    /// The account has a password.
    pub(super) has_password: bool,
}

/// Refuses before anything is created.
pub(super) async fn check(
    account: &Arc<Account>,
    session: &Session,
    request: &RotateRequest,
) -> Result<Found, Problem> {
    if account.kind() == AccountKind::Bot {
        if account.record().bot_token.is_none() {
            return Err(Problem::new(
                409,
                "BOT_TOKEN_MISSING",
                Category::Conflict,
                "the bot's token is not kept, so it cannot sign in again",
            )
            .of(&account.name));
        }
        return Ok(Found {
            created: None,
            has_password: false,
        });
    }
    let asked = account
        .ask(session, "account.getPassword", json!({}))
        .await?;
    let has_password = flag(&asked, "has_password");
    if has_password && request.password.is_none() {
        return Err(Problem::new(
            400,
            "PASSWORD_REQUIRED",
            Category::InvalidRequest,
            "the account has a password, without which a new session cannot sign in",
        )
        .advise("Give the password of two-step verification in the body.")
        .of(&account.name));
    }
    let all = account
        .ask(session, "account.getAuthorizations", json!({}))
        .await?;
    let created = list(&all, "authorizations")
        .iter()
        .find(|entry| flag(entry, "current"))
        .and_then(|entry| u64::try_from(long(entry, "date_created")?).ok())
        .map(UnixMillis::from_seconds);
    // By Telegram's clock: it is Telegram that will count the hours.
    let config = account.ask(session, "help.getConfig", json!({})).await?;
    let now = long(&config, "date").and_then(|date| u64::try_from(date).ok());
    let now = now.map_or_else(|| account.shared.now(), UnixMillis::from_seconds);
    let age = created.map(|created| now.since(created));
    if let Some(age) = age.filter(|age| *age < DAY_MS && !request.force) {
        return Err(Problem::new(
            409,
            "SESSION_TOO_YOUNG",
            Category::Conflict,
            format!(
                "the session is {} hours old; it can be rotated after 24",
                age / 3_600_000
            ),
        )
        .after((DAY_MS - age).div_ceil(1_000))
        .advise("Wait, or send {\"force\": true} if the old session must go.")
        .of(&account.name));
    }
    if has_password && let Some(given) = &request.password {
        password::verify(account, session, given).await?;
    }
    Ok(Found {
        created,
        has_password,
    })
}

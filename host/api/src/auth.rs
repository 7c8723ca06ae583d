//! Who asks, and what they may do.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use sluice_domain::{AccountName, ApiKeyRecord, Category, Problem};
use sluice_store::KeyRefused;

use crate::App;
use crate::problem::{ApiError, Result};

/// Whoever made a request.
#[derive(Clone)]
pub enum Caller {
    /// The holder of a key.
    Key(Arc<ApiKeyRecord>),
    /// The operator, through the admin socket: the file's permissions are the check.
    Operator,
}

/// Marks a request that came through the admin socket.
#[derive(Clone, Copy)]
pub(crate) struct ThroughAdminSocket;

/// A scope a route asks for.
pub trait Scope: Send + Sync {
    /// Its name in keys.
    const NAME: &'static str;
}

/// Looking at state and events.
pub struct Read;
/// Calls in the name of accounts.
pub struct Call;
/// Changing accounts, sessions and keys.
pub struct Admin;

/// Methods that can lose an account or hand it to others. Asked for in addition, never by a route.
pub const DANGEROUS: &str = "dangerous";

/// Every scope there is.
pub const SCOPES: [&str; 4] = [Read::NAME, Call::NAME, Admin::NAME, DANGEROUS];

impl Scope for Read {
    const NAME: &'static str = "read";
}
impl Scope for Call {
    const NAME: &'static str = "call";
}
impl Scope for Admin {
    const NAME: &'static str = "admin";
}

/// The caller of a route that asks for scope `S`; extracting it is the check.
pub struct Key<S: Scope>(pub Caller, PhantomData<S>);

impl<S: Scope> FromRequestParts<App> for Key<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = Caller::of(parts, app)?;
        caller.require(S::NAME)?;
        Ok(Self(caller, PhantomData))
    }
}

impl<S: Scope> std::ops::Deref for Key<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Caller {
    /// The caller by the request's `Authorization` header.
    pub(crate) fn of(parts: &Parts, app: &App) -> Result<Self> {
        if parts.extensions.get::<ThroughAdminSocket>().is_some() {
            return Ok(Self::Operator);
        }
        let header = parts.headers.get(header::AUTHORIZATION).ok_or_else(|| {
            unauthorized("KEY_MISSING", "the request carries no API key")
                .advise("send Authorization: Bearer slc_…; `sluice key create` makes a key")
        })?;
        let token = header
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| {
                unauthorized(
                    "KEY_INVALID",
                    "the Authorization header is not a bearer key",
                )
                .advise("send Authorization: Bearer slc_…")
            })?;
        match app.keys.authenticate(token) {
            Ok(key) => Ok(Self::Key(key)),
            Err(refused) => Err(refusal(refused).into()),
        }
    }

    /// Whether the key, if there is one, is still good.
    pub(crate) fn still_good(&self, app: &App) -> Result<(), KeyRefused> {
        match self {
            Self::Key(key) => app.keys.still_good(&key.id),
            Self::Operator => Ok(()),
        }
    }

    /// 403 without the scope.
    pub(crate) fn require(&self, scope: &str) -> Result<()> {
        match self {
            Self::Key(key) if !key.scopes.iter().any(|has| has == scope) => Err(forbidden(
                "SCOPE_MISSING",
                format!("this needs the scope `{scope}`, which the key does not have"),
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Accounts the key is limited to; empty for all.
    pub(crate) fn limited_to(&self) -> &[AccountName] {
        match self {
            Self::Key(key) => &key.accounts,
            Self::Operator => &[],
        }
    }

    /// Whether the key reaches this account.
    pub(crate) fn reaches(&self, account: &AccountName) -> bool {
        let limited = self.limited_to();
        limited.is_empty() || limited.contains(account)
    }

    /// 403 for an account out of the key's reach.
    pub(crate) fn require_account(&self, account: &AccountName) -> Result<()> {
        if self.reaches(account) {
            Ok(())
        } else {
            Err(forbidden(
                "ACCOUNT_FORBIDDEN",
                format!("the key is limited to other accounts than `{account}`"),
            )
            .of(account)
            .into())
        }
    }

    /// The account a request means: the one it names, or the default account.
    pub(crate) fn account(&self, app: &App, named: Option<&str>) -> Result<AccountName> {
        // The reach first: a key must not learn which other accounts exist.
        if let Some(name) = named.and_then(|name| name.parse().ok()) {
            self.require_account(&name)?;
        }
        let account = app.accounts.resolve(named)?;
        self.require_account(&account)?;
        Ok(account)
    }

    /// The account a request is narrowed to, if it is: for routes that speak of all accounts
    /// when none is named.
    pub(crate) fn account_or_all(
        &self,
        app: &App,
        named: Option<&str>,
    ) -> Result<Option<AccountName>> {
        match (named, self.limited_to()) {
            (Some(_), _) => self.account(app, named).map(Some),
            (None, []) => Ok(None),
            (None, [only]) => self.account(app, Some(only.as_str())).map(Some),
            (None, _) => Err(forbidden(
                "ACCOUNT_FORBIDDEN",
                "the key does not reach all accounts, which a request without ?account= means",
            )
            .advise("name one of the key's accounts with ?account=")
            .into()),
        }
    }

    /// 403 when a key limited to these accounts and methods would reach further than this caller.
    pub(crate) fn require_within(
        &self,
        accounts: &[AccountName],
        methods: &[String],
    ) -> Result<()> {
        let Self::Key(key) = self else { return Ok(()) };
        let accounts_fit = key.accounts.is_empty()
            || (!accounts.is_empty() && accounts.iter().all(|name| key.accounts.contains(name)));
        // A pattern is inside another when its stem is covered by it.
        let methods_fit = key.methods.is_empty()
            || (!methods.is_empty()
                && methods.iter().all(|new| {
                    key.methods.iter().any(|own| {
                        own == new || (own.ends_with('*') && covers(own, new.trim_end_matches('*')))
                    })
                }));
        if accounts_fit && methods_fit {
            Ok(())
        } else {
            Err(forbidden(
                "SCOPE_MISSING",
                "a key cannot make another that reaches further than itself",
            )
            .into())
        }
    }

    /// 403 for a method outside the key's patterns.
    pub(crate) fn require_method(&self, method: &str) -> Result<()> {
        match self {
            Self::Key(key)
                if !key.methods.is_empty()
                    && !key.methods.iter().any(|pattern| covers(pattern, method)) =>
            {
                Err(forbidden(
                    "METHOD_FORBIDDEN",
                    format!("the key is limited to other methods than `{method}`"),
                )
                .into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a pattern (`messages.sendMessage`, `messages.*`, `*`) covers a method.
fn covers(pattern: &str, method: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => method.starts_with(prefix),
        None => pattern == method,
    }
}

/// The problem of a key that does not open.
pub(crate) fn refusal(refused: KeyRefused) -> Problem {
    match refused {
        KeyRefused::Unknown => unauthorized("KEY_INVALID", "the API key is not known"),
        KeyRefused::Expired => unauthorized("KEY_EXPIRED", "the API key has expired"),
        KeyRefused::Revoked => unauthorized("KEY_REVOKED", "the API key was revoked"),
    }
}

pub(crate) fn unauthorized(code: &str, detail: &str) -> Problem {
    Problem::new(401, code, Category::Auth, detail)
}

fn forbidden(code: &str, detail: impl Into<String>) -> Problem {
    Problem::new(403, code, Category::Permission, detail)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn patterns_cover_methods() {
        assert!(covers("messages.*", "messages.sendMessage"));
        assert!(covers("*", "users.getUsers"));
        assert!(covers("users.getUsers", "users.getUsers"));
        assert!(!covers("users.getUsers", "users.getUsersEx"));
        assert!(!covers("messages.*", "messagesx.a"));
    }
}

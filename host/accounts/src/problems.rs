//! Problems of the accounts' own, in one place so that their codes and advice agree.

use sluice_domain::{AccountName, AccountState, Category, FieldError, Problem};
use sluice_links::PoolError;
use sluice_tl::EncodeError;

/// There is no account of that name.
pub(crate) fn unknown_account(name: &str) -> Problem {
    Problem::new(
        404,
        "ACCOUNT_NOT_FOUND",
        Category::NotFound,
        format!("there is no account named {name:?}"),
    )
    .advise("GET /api/accounts lists the accounts; POST /api/accounts makes one.")
}

/// A step out of order, with what is possible now.
pub(crate) fn out_of_order(account: &AccountName, state: AccountState, step: &str) -> Problem {
    let possible = match state {
        AccountState::SignedOut | AccountState::SessionLost => "send-code, qr, bot",
        AccountState::AwaitingCode => "sign-in, resend-code, cancel-code",
        AccountState::AwaitingQr => {
            "accepting the QR token in another application, qr, cancel-code"
        }
        AccountState::AwaitingPassword => "password, cancel-code",
        AccountState::Connecting => "waiting until it is ready, disconnect",
        AccountState::Ready => "calls, disconnect, rotate-session",
        AccountState::Disconnected => "connect, disconnect with logOut",
        AccountState::Parked => "connect, disconnect with logOut, send-code, qr, bot",
        AccountState::Frozen => "calls that read, connect, disconnect with logOut",
    };
    Problem::new(
        409,
        "OUT_OF_ORDER",
        Category::Conflict,
        format!(
            "{step} is not possible while account {account} is {}; possible now: {possible}",
            state.as_str()
        ),
    )
    .of(account)
}

/// A call of an account that is not signed in.
pub(crate) fn not_signed_in(account: &AccountName, state: AccountState) -> Problem {
    Problem::new(
        409,
        "NOT_SIGNED_IN",
        Category::Auth,
        format!("account {account} is {}, not signed in", state.as_str()),
    )
    .advise("Sign in first: POST /api/telegram-auth/send-code, qr or bot.")
    .of(account)
}

/// The links are closed.
pub(crate) fn not_connected(account: &AccountName, state: AccountState, why: &str) -> Problem {
    let mut problem = Problem::new(
        503,
        "NOT_CONNECTED",
        Category::Network,
        format!("account {account} is {}: {why}", state.as_str()),
    )
    .of(account);
    if state != AccountState::Connecting {
        problem = problem.advise("POST /api/telegram-auth/connect opens its links.");
    }
    problem
}

/// Telegram does not know the session any more.
pub(crate) fn session_lost(account: &AccountName, reason: &str) -> Problem {
    Problem::new(
        409,
        "SESSION_LOST",
        Category::Auth,
        format!("the session of account {account} is lost: {reason}"),
    )
    .advise("Sign in again. The sealed key is kept until then.")
    .of(account)
}

/// Parked without an end: only a person ends it.
pub(crate) fn parked(account: &AccountName, reason: &str) -> Problem {
    Problem::new(
        409,
        "ACCOUNT_PARKED",
        Category::Auth,
        format!("account {account} is parked: {reason}"),
    )
    .advise(
        "Make sure that nothing else uses its session, then sign in again. The sealed key is kept; \
         POST /api/telegram-auth/connect tries it once more.",
    )
    .of(account)
}

/// The line of calls that wait for a wait of Telegram's to end is full.
pub(crate) fn too_many_waiting(account: &AccountName, most: usize, left_ms: u64) -> Problem {
    Problem::new(
        503,
        "TOO_MANY_WAITING",
        Category::Network,
        format!(
            "{most} calls of account {account} are waiting for Telegram's waits to end already"
        ),
    )
    .after(left_ms.div_ceil(1_000).max(1))
    .advise("Come back after Retry-After; calls without X-Wait do not stand in line.")
    .of(account)
}

/// No api_id anywhere.
pub(crate) fn api_id_missing(account: &AccountName) -> Problem {
    Problem::new(
        409,
        "API_ID_MISSING",
        Category::Conflict,
        "neither the account nor the configuration has an api_id and api_hash",
    )
    .advise(
        "Get them at https://my.telegram.org/apps and set telegram.api_id and telegram.api_hash, \
         or give apiId and apiHash when the account is made.",
    )
    .of(account)
}

/// The configuration does not allow it.
pub(crate) fn configuration(detail: &str) -> Problem {
    Problem::new(409, "CONFIGURATION_INCOMPLETE", Category::Conflict, detail)
}

/// One rotation at a time, and nothing else that changes the session meanwhile.
pub(crate) fn rotating(account: &AccountName) -> Problem {
    Problem::new(
        409,
        "ROTATION_IN_PROGRESS",
        Category::Conflict,
        format!("the session of account {account} is being rotated"),
    )
    .advise("GET /api/telegram-auth/rotations tells how far it is.")
    .of(account)
}

/// A pool that could not be made.
pub(crate) fn pool(error: &PoolError) -> Problem {
    match error {
        PoolError::Store(error) => crate::shared::store_problem(error),
        PoolError::ServerKey { .. } | PoolError::UnknownDc(_) => configuration(&error.to_string()),
        PoolError::Authorized
        | PoolError::StoreTask
        | PoolError::NoKey(_)
        | PoolError::Identity(_) => Problem::new(
            500,
            "INTERNAL",
            Category::Internal,
            "the links of the account could not be made",
        ),
    }
}

/// A body that does not fit the schema.
pub(crate) fn encoding(error: EncodeError, account: &AccountName) -> Problem {
    match error {
        EncodeError::UnknownMethod { name, suggestion } => unknown_method(&name, suggestion),
        EncodeError::UnknownType(name) => Problem::new(
            400,
            "BAD_PARAMETERS",
            Category::InvalidRequest,
            format!("unknown type {name}"),
        ),
        EncodeError::Invalid(errors) => bad_parameters(errors),
    }
    .of(account)
}

/// The schema has no such method.
pub(crate) fn unknown_method(name: &str, suggestion: Option<String>) -> Problem {
    let mut problem = Problem::new(
        404,
        "METHOD_NOT_FOUND",
        Category::NotFound,
        format!("Telegram's schema has no method {name:?}"),
    );
    if let Some(near) = suggestion {
        problem = problem.advise(format!("Did you mean {near}?"));
    }
    problem
}

/// Faults in a body, each with its place.
pub(crate) fn bad_parameters(errors: Vec<FieldError>) -> Problem {
    let detail = match errors.first() {
        Some(first) if first.pointer.is_empty() => first.detail.clone(),
        Some(first) => format!("{}: {}", first.pointer, first.detail),
        None => "the parameters do not fit the method".to_owned(),
    };
    let mut problem = Problem::new(400, "BAD_PARAMETERS", Category::InvalidRequest, detail)
        .advise("GET /api/telegram/methods/{name} describes the parameters.");
    problem.errors = errors;
    problem
}

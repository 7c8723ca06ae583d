//! The problem types of the gateway's own, for their pages. Telegram's are the categorizer's.

use sluice_domain::Category;

/// What a type means.
pub(crate) struct Entry {
    pub code: &'static str,
    pub category: Category,
    pub meaning: &'static str,
}

const fn entry(code: &'static str, category: Category, meaning: &'static str) -> Entry {
    Entry {
        code,
        category,
        meaning,
    }
}

use Category::{
    Auth, Conflict, Internal, InvalidRequest, Network, NotFound, Permission, RateLimit, Server,
    Timeout,
};

const ENTRIES: &[Entry] = &[
    entry(
        "KEY_MISSING",
        Auth,
        "The request carries no API key. Send `Authorization: Bearer slc_…`; `sluice key create` makes a key.",
    ),
    entry(
        "KEY_INVALID",
        Auth,
        "The API key is not known to this gateway.",
    ),
    entry(
        "KEY_EXPIRED",
        Auth,
        "The API key has reached its end. Make a new one.",
    ),
    entry(
        "KEY_REVOKED",
        Auth,
        "The API key was revoked. Make a new one.",
    ),
    entry(
        "TICKET_INVALID",
        Auth,
        "The ticket is not known, was used, or is older than a minute. POST /api/ws-ticket makes a new one.",
    ),
    entry(
        "SCOPE_MISSING",
        Permission,
        "The API key lacks the scope that the detail names.",
    ),
    entry(
        "ACCOUNT_FORBIDDEN",
        Permission,
        "The API key is limited to other accounts.",
    ),
    entry(
        "METHOD_FORBIDDEN",
        Permission,
        "The API key is limited to other methods.",
    ),
    entry(
        "METHOD_IS_WRAPPER",
        Permission,
        "The method carries another one. The gateway wraps calls itself; call the inner method.",
    ),
    entry(
        "PATH_UNKNOWN",
        NotFound,
        "There is nothing at this path. /openapi.json lists what there is.",
    ),
    entry(
        "ACCOUNT_UNKNOWN",
        NotFound,
        "No account has this name. GET /api/accounts lists them.",
    ),
    entry(
        "METHOD_UNKNOWN",
        NotFound,
        "Telegram's schema has no such method. GET /api/telegram/methods lists them.",
    ),
    entry(
        "PLUGIN_UNKNOWN",
        NotFound,
        "No plugin has this name. GET /api/plugins lists them.",
    ),
    entry(
        "KEY_UNKNOWN",
        NotFound,
        "No API key has this id. GET /api/keys lists them.",
    ),
    entry("ROTATION_UNKNOWN", NotFound, "No rotation has this id."),
    entry(
        "LIMIT_UNKNOWN",
        NotFound,
        "No wait in force has this id. GET /api/telegram/limits lists them.",
    ),
    entry(
        "METHOD_NOT_ALLOWED",
        InvalidRequest,
        "The path does not take this HTTP method. The Allow header lists those it takes.",
    ),
    entry(
        "MEDIA_TYPE_UNSUPPORTED",
        InvalidRequest,
        "Bodies are JSON: send `Content-Type: application/json`.",
    ),
    entry(
        "BODY_TOO_LARGE",
        InvalidRequest,
        "The body is larger than `server.max_body`.",
    ),
    entry(
        "BODY_MISSING",
        InvalidRequest,
        "The path takes a JSON body and there was none.",
    ),
    entry(
        "JSON_INVALID",
        InvalidRequest,
        "The body is not JSON. The detail names line and column.",
    ),
    entry(
        "BODY_INVALID",
        InvalidRequest,
        "The body is JSON of another shape than the path takes. `errors` points at each place.",
    ),
    entry(
        "PARAMS_INVALID",
        InvalidRequest,
        "The parameters do not fit the method. `errors` points at each place.",
    ),
    entry(
        "QUERY_INVALID",
        InvalidRequest,
        "A parameter in the query string is unknown or malformed.",
    ),
    entry(
        "HEADER_INVALID",
        InvalidRequest,
        "A header that the gateway reads is malformed.",
    ),
    entry(
        "CURSOR_INVALID",
        InvalidRequest,
        "The cursor was not made by this gateway.",
    ),
    entry(
        "EVENT_TYPE_UNKNOWN",
        InvalidRequest,
        "`?types=` names a type of event that does not exist.",
    ),
    entry(
        "EVENTS_HOW",
        InvalidRequest,
        "Events are read by WebSocket, by `Accept: text/event-stream`, or by `?poll=SECONDS`.",
    ),
    entry(
        "ACCOUNT_MISSING",
        InvalidRequest,
        "What cannot be undone has to name its account with `?account=`.",
    ),
    entry(
        "TICKET_NEEDS_KEY",
        InvalidRequest,
        "A ticket stands for an API key, and the admin socket has none.",
    ),
    entry(
        "REQUEST_MALFORMED",
        InvalidRequest,
        "The request is not well-formed HTTP.",
    ),
    entry(
        "REQUEST_TIMEOUT",
        Timeout,
        "The request did not arrive in time.",
    ),
    entry(
        "DEADLINE",
        Timeout,
        "There was no answer before the deadline (`X-Timeout`). The call may have been executed.",
    ),
    entry(
        "ACCOUNT_EXISTS",
        Conflict,
        "An account of this name exists.",
    ),
    entry(
        "API_ID_MISSING",
        Conflict,
        "Signing in needs an api_id and api_hash from https://my.telegram.org, in `[telegram]` of the configuration or for the account.",
    ),
    entry(
        "SESSION_TOO_YOUNG",
        Conflict,
        "Telegram lets a session replace others only 24 hours after it signed in. Wait, or use `force`.",
    ),
    entry(
        "NOT_CONNECTED",
        Network,
        "The account has no link to Telegram now.",
    ),
    entry(
        "CONNECTION_LOST",
        Network,
        "The link broke while the call was under way.",
    ),
    entry(
        "OVERLOADED",
        Server,
        "The account has as many calls in flight as it takes.",
    ),
    entry("UNAVAILABLE", Server, "The gateway cannot answer now."),
    entry(
        "STORE_UNAVAILABLE",
        Server,
        "The gateway's store cannot be written to; /readyz says so too.",
    ),
    entry(
        "NOT_READY",
        Server,
        "The gateway cannot serve; `errors` says what fails.",
    ),
    entry(
        "TICKETS_EXHAUSTED",
        RateLimit,
        "Too many tickets are open; they end within a minute.",
    ),
    entry(
        "INTERNAL",
        Internal,
        "The gateway failed. Its log says why, under the request's id.",
    ),
];

/// The entry of a code, if it is one of ours.
pub(crate) fn of(code: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.code == code)
}

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
        "ACCOUNT_PARKED",
        Auth,
        "The account makes no calls until somebody acts, for the reason that the detail names. Sign in again, or connect it.",
    ),
    entry(
        "FILE_CUT_SHORT",
        Server,
        "Telegram has fewer bytes of a file than it said. Try again.",
    ),
    entry(
        "FILE_EMPTY",
        InvalidRequest,
        "The body holds no byte, and Telegram takes no empty files.",
    ),
    entry(
        "FILE_TOO_LARGE",
        InvalidRequest,
        "The file is larger than Telegram takes.",
    ),
    entry(
        "MESSAGE_NOT_FOUND",
        NotFound,
        "The chat has no message of that id, or the account does not see it.",
    ),
    entry(
        "NO_FILE",
        NotFound,
        "The message holds no photo and no document.",
    ),
    entry(
        "RANGE_NOT_SATISFIABLE",
        InvalidRequest,
        "The Range header asks for bytes beyond the file's end.",
    ),
    entry(
        "TOO_MANY_WAITING",
        Network,
        "As many calls as may are waiting already for Telegram's waits to end. Come back after Retry-After.",
    ),
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
        "PATH_NOT_FOUND",
        NotFound,
        "There is nothing at this path. /openapi.json lists what there is.",
    ),
    entry(
        "ACCOUNT_NOT_FOUND",
        NotFound,
        "No account has this name. GET /api/accounts lists them.",
    ),
    entry(
        "METHOD_NOT_FOUND",
        NotFound,
        "Telegram's schema has no such method. GET /api/telegram/methods lists them.",
    ),
    entry(
        "CANDIDATE_REFUSED",
        InvalidRequest,
        "The component would not be let into the plugins directory, for the reason that the detail names. `sluice plugin check` says the same before it is sent.",
    ),
    entry(
        "REPLAY_RUNNING",
        Conflict,
        "Another candidate is being replayed, and a replay takes a core for seconds. Ask again when it has ended.",
    ),
    entry(
        "DECISION_NOT_FOUND",
        NotFound,
        "No decision with this id is kept: the journal is bounded, and the oldest go. GET /api/decisions lists those it has.",
    ),
    entry(
        "PLUGIN_NOT_FOUND",
        NotFound,
        "No plugin has this name. GET /api/plugins lists them.",
    ),
    entry(
        "PLUGIN_UNCHANGED",
        Conflict,
        "The plugin is as asked for already, or there is nothing of it to change; the detail says which.",
    ),
    entry(
        "PLUGIN_REFUSED",
        Conflict,
        "The plugin's files are not let in like that; the detail says why. GET /api/plugins/{name} shows what serves meanwhile.",
    ),
    entry(
        "SIDECAR_UNWRITABLE",
        Server,
        "The gateway cannot write into its directory of plugins, where modes are kept. Make it writable, or change the sidecar by hand.",
    ),
    entry(
        "KEY_NOT_FOUND",
        NotFound,
        "No API key has this id. GET /api/keys lists them.",
    ),
    entry("ROTATION_NOT_FOUND", NotFound, "No rotation has this id."),
    entry(
        "LIMIT_NOT_FOUND",
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
        "BAD_PARAMETERS",
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
    entry("ALREADY_EXISTS", Conflict, "The name is taken."),
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
    entry(
        "NOT_FOUND",
        NotFound,
        "What the request names is not there.",
    ),
    entry(
        "PEER_NOT_FOUND",
        NotFound,
        "The name, number or id of a chat is not known to this account. Open the chat once, or use its username.",
    ),
    entry(
        "PROBLEM_NOT_FOUND",
        NotFound,
        "No problem type has this name.",
    ),
    entry(
        "PASSWORD_REQUIRED",
        InvalidRequest,
        "The account has two-step verification; give its password in the body.",
    ),
    entry(
        "OUT_OF_ORDER",
        Conflict,
        "The step is not possible in the state the account is in. The detail says what is possible now.",
    ),
    entry(
        "NOT_SIGNED_IN",
        Auth,
        "The account has no authorization. Sign in by send-code, qr or bot.",
    ),
    entry(
        "SESSION_LOST",
        Auth,
        "Telegram no longer knows the session. Sign in again; the sealed key is kept until then.",
    ),
    entry(
        "WRONG_ACCOUNT_KIND",
        Conflict,
        "Users sign in by code or QR token, bots by token.",
    ),
    entry(
        "SIGN_UP_REQUIRED",
        Conflict,
        "The number is not registered with Telegram. Register it in an application of Telegram's own.",
    ),
    entry(
        "SIGN_IN_UNREADABLE",
        Conflict,
        "Telegram's answer to the sign-in makes no sense to the gateway.",
    ),
    entry(
        "PASSWORD_UNSUPPORTED",
        Conflict,
        "Telegram asks for the password in a way the gateway does not know.",
    ),
    entry(
        "BOT_TOKEN_MISSING",
        Conflict,
        "The bot's token is not kept, so it cannot sign in again by itself.",
    ),
    entry(
        "ROTATION_IN_PROGRESS",
        Conflict,
        "One rotation at a time. GET /api/telegram-auth/rotations tells how far it is.",
    ),
    entry(
        "ROTATION_FAILED",
        Conflict,
        "The session was not rotated; the old one serves on.",
    ),
    entry(
        "METHOD_RESERVED",
        Conflict,
        "The gateway does this itself: wrappers, sign-in and log-out have their own paths.",
    ),
    entry(
        "CONFIGURATION_INCOMPLETE",
        Conflict,
        "The configuration lacks what this account needs. The detail names it.",
    ),
    entry(
        "UNREADABLE_ANSWER",
        Server,
        "Telegram's answer does not fit the layer the gateway speaks.",
    ),
    entry(
        "STORE_DAMAGED",
        Internal,
        "What the gateway stored cannot be read back.",
    ),
];

/// The entry of a code, if it is one of ours.
pub(crate) fn of(code: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.code == code)
}

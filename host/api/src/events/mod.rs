//! Events as streams: WebSocket, server-sent events, long polls. Each is a reader of the log.

mod poll;
mod sse;
mod websocket;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{FromRequestParts, Request, State, WebSocketUpgrade};
use axum::response::Response;
use http::header;
use serde::Deserialize;
use sluice_domain::{AccountName, Cursor, EventFilter, FieldError};
use sluice_events::Reader;

use crate::App;
use crate::auth::{Caller, Read, Scope, unauthorized};
use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// Every type of event.
const TYPES: [&str; 11] = [
    "update",
    "gap",
    "account_state",
    "error",
    "session_rotation",
    "login_qr",
    "flood",
    "plugin",
    "config",
    "status",
    "pool_status",
];

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Go on after this cursor (an event's `id`); from now when left out.
    after: Option<String>,
    /// Only these types, separated by commas.
    types: Option<String>,
    /// Only this account's events, and the gateway's own.
    account: Option<String>,
    /// Long poll: wait up to so many seconds for a first event.
    poll: Option<u64>,
    /// Stands for the key; from `POST /api/ws-ticket`.
    ticket: Option<String>,
}

/// A stream of events: WebSocket by upgrade, server-sent events by `Accept: text/event-stream`, or
/// a long poll by `?poll=SECONDS`.
#[utoipa::path(
    get,
    path = "/api/events",
    operation_id = "readEvents",
    tag = "events",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "As `after`, for server-sent events"),
    ),
    security(("key" = ["read"])),
    responses(
        (status = 101, description = "A WebSocket; each text message is an event"),
        (status = 200, description = "A long poll's events, or a stream of them", content(
            (crate::schema::EventBatch = "application/json"),
            (String = "text/event-stream"),
        )),
        Problems,
    ),
)]
pub(crate) async fn handler(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, _) = request.into_parts();
    let Query(query) = Query::<EventsQuery>::from_request_parts(&mut parts, &app).await?;
    let caller = match &query.ticket {
        Some(ticket) => Caller::Key(
            app.tickets
                .take(ticket, app.clock.monotonic())
                .ok_or_else(|| unauthorized("TICKET_INVALID", "the ticket opens nothing"))?,
        ),
        None => Caller::of(&parts, &app)?,
    };
    caller.still_good(&app).map_err(crate::auth::refusal)?;
    caller.require(Read::NAME)?;

    let last_id = parts
        .headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok());
    let after = match query.after.as_deref().or(last_id) {
        Some(text) => Some(cursor(text)?),
        None => None,
    };
    let filter = filter(&app, &caller, &query)?;
    let stream = Stream {
        reader: app.hub.reader(after, filter.clone()),
        filter,
        caller,
        app: app.clone(),
    };

    if let Some(seconds) = query.poll {
        return poll::answer(stream, seconds).await;
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => return Ok(websocket::answer(stream, upgrade)),
        Err(WebSocketUpgradeRejection::MethodNotGet(_)) => {}
        Err(_) if !asks_for_websocket(&parts.headers) => {}
        Err(rejection) => {
            return Err(ApiError::invalid(
                "REQUEST_MALFORMED",
                format!("the WebSocket handshake is wrong: {rejection}"),
                Vec::new(),
            ));
        }
    }
    let accepts_sse = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/event-stream"));
    if accepts_sse {
        return Ok(sse::answer(stream));
    }
    Err(ApiError::invalid(
        "EVENTS_HOW",
        "the request asks for events without saying how: by WebSocket, by Accept: text/event-stream, or by ?poll=SECONDS",
        Vec::new(),
    ))
}

fn asks_for_websocket(headers: &http::HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

fn cursor(text: &str) -> Result<Cursor> {
    text.parse().map_err(|_| {
        ApiError::invalid(
            "CURSOR_INVALID",
            "the cursor is not one of this gateway's",
            vec![at_query("after")],
        )
    })
}

fn filter(app: &App, caller: &Caller, query: &EventsQuery) -> Result<EventFilter> {
    let accounts: Vec<AccountName> = match &query.account {
        Some(name) => vec![caller.account(app, Some(name))?],
        None => caller.limited_to().to_vec(),
    };
    let types: Vec<String> = query
        .types
        .iter()
        .flat_map(|types| types.split(','))
        .map(str::trim)
        .filter(|kind| !kind.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(unknown) = types.iter().find(|kind| !TYPES.contains(&kind.as_str())) {
        return Err(ApiError::invalid(
            "EVENT_TYPE_UNKNOWN",
            format!(
                "`{unknown}` is no type of event; there are {}",
                TYPES.join(", ")
            ),
            vec![at_query("types")],
        ));
    }
    Ok(EventFilter { types, accounts })
}

fn at_query(parameter: &str) -> FieldError {
    FieldError {
        pointer: String::new(),
        detail: format!("the query parameter `{parameter}`"),
    }
}

/// A reader with what decides how long it may read.
struct Stream {
    reader: Reader,
    filter: EventFilter,
    caller: Caller,
    app: App,
}

impl Stream {
    /// Ends when the key ends: revoked now, or its time over. Pending for ever without a key.
    fn key_ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let (app, caller) = (self.app.clone(), self.caller.clone());
        async move {
            let mut revocations = app.revocations();
            loop {
                if caller.still_good(&app).is_err() {
                    return;
                }
                let ends = match &caller {
                    Caller::Key(key) => key.expires_at,
                    Caller::Operator => None,
                };
                let expiry = async {
                    match ends {
                        Some(at) => {
                            let left = at.since(app.clock.now()).saturating_add(1);
                            tokio::time::sleep(std::time::Duration::from_millis(left)).await;
                        }
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = expiry => {}
                    _ = revocations.changed() => {}
                }
            }
        }
    }
}

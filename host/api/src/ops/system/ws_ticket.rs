use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use sluice_domain::{Category, Problem, UnixMillis};

use crate::App;
use crate::auth::{Caller, Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};
use crate::tickets::LIFE;

/// A stand-in for the key.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticket {
    /// For `/api/events?ticket=`, once.
    ticket: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixMillis,
}

/// Makes a ticket that opens one event stream within a minute: for browsers, whose WebSockets
/// carry no headers.
#[utoipa::path(
    post,
    path = "/api/ws-ticket",
    operation_id = "createTicket",
    tag = "events",
    security(("key" = ["read"])),
    responses((status = 201, description = "The ticket", body = Ticket), Problems),
)]
pub(crate) async fn handler(State(app): State<App>, key: Key<Read>) -> Result<Response> {
    let Caller::Key(record) = &*key else {
        return Err(ApiError::invalid(
            "TICKET_NEEDS_KEY",
            "a ticket stands for a key, and the admin socket has none",
            Vec::new(),
        ));
    };
    let ticket = app
        .tickets
        .issue(record.clone(), app.clock.monotonic(), &*app.random)
        .ok_or_else(|| {
            let detail = "too many tickets are open";
            Problem::new(429, "TICKETS_EXHAUSTED", Category::RateLimit, detail)
                .after(LIFE.as_secs())
        })?;
    let life = u64::try_from(LIFE.as_millis()).unwrap_or(u64::MAX);
    let ticket = Ticket {
        ticket,
        expires_at: app.clock.now().plus(life),
    };
    Ok((StatusCode::CREATED, Json(ticket)).into_response())
}

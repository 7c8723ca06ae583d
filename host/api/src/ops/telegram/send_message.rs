use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sluice_domain::FieldError;

use super::formatted::{self, Formatted, Unreadable};
use crate::App;
use crate::auth::{Call, Key};
use crate::extract::{AccountQuery, CallHeaders, Json, Query};
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

const METHOD: &str = "messages.sendMessage";

/// See [`handler`].
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SendMessage {
    /// `"me"`, `"@username"`, `"+phone"`, a known id, or an `InputPeer` as in TL.
    peer: Value,
    /// The text.
    #[schema(min_length = 1)]
    text: String,
    /// How the text is marked up; plain when left out.
    parse_mode: Option<ParseMode>,
}

/// How a text is marked up.
#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ParseMode {
    /// Markdown, a line at a time.
    Markdown,
    /// HTML.
    Html,
}

/// A message that was sent.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SentMessage {
    /// Its id in the chat.
    id: Option<i64>,
    /// When Telegram took it, Unix seconds.
    date: Option<i64>,
    /// Telegram's whole answer.
    #[schema(value_type = crate::schema::TlObject)]
    updates: Value,
}

/// Sends a message. `Idempotency-Key` makes sending it twice harmless.
#[utoipa::path(
    post,
    path = "/api/telegram/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(AccountQuery, CallHeaders),
    request_body(content = SendMessage),
    security(("key" = ["call"])),
    responses((status = 201, description = "It was sent", body = SentMessage), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Call>,
    Query(query): Query<AccountQuery>,
    headers: CallHeaders,
    Json(body): Json<SendMessage>,
) -> Result<Response> {
    key.require_method(METHOD)?;
    let account = key.account(&app, query.account.as_deref())?;
    let read = match body.parse_mode {
        None => Ok(Formatted {
            text: body.text,
            entities: Vec::new(),
        }),
        Some(ParseMode::Markdown) => formatted::markdown(&body.text),
        Some(ParseMode::Html) => formatted::html(&body.text),
    };
    let read = read.map_err(|Unreadable| {
        let error = FieldError {
            pointer: "/text".to_owned(),
            detail: "not text of this parseMode".to_owned(),
        };
        ApiError::invalid("BODY_INVALID", "the mark-up cannot be read", vec![error])
    })?;
    let mut params = Map::new();
    params.insert("peer".into(), body.peer);
    params.insert("message".into(), json!(read.text));
    if !read.entities.is_empty() {
        params.insert("entities".into(), json!(read.entities));
    }
    let updates = app
        .accounts
        .call(&account, METHOD, params, headers.into())
        .await?;
    Ok((StatusCode::CREATED, Json(SentMessage::of(updates))).into_response())
}

impl SentMessage {
    /// The message that an answer speaks of.
    pub(super) fn of(updates: Value) -> Self {
        let (id, date) = sent(&updates);
        Self { id, date, updates }
    }
}

/// Id and date of the message that an `Updates` speaks of.
fn sent(updates: &Value) -> (Option<i64>, Option<i64>) {
    let number = |value: &Value, field| value.get(field).and_then(Value::as_i64);
    let message = updates
        .get("updates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find_map(|update| update.get("message").filter(|message| message.is_object()))
        // `updateShortSentMessage` holds them itself.
        .unwrap_or(updates);
    (number(message, "id"), number(message, "date"))
}

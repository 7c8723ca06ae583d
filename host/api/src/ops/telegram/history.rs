use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::{Call, Key};
use crate::extract::{CallHeaders, Json, Query, wrong_query};
use crate::openapi::Problems;
use crate::problem::Result;

const METHOD: &str = "messages.getHistory";

/// What Telegram gives at most in one answer.
const MOST: u32 = 100;

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// The account's name; the configuration's `default_account` when left out.
    account: Option<String>,
    /// `me`, `@username`, `+phone` or a known id.
    peer: String,
    /// How many messages at most, 1 to 100; 50 when left out.
    limit: Option<u32>,
    /// The `cursor` of the page before.
    cursor: Option<String>,
}

/// A page of messages.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct History {
    /// The messages, newest first, as in TL.
    #[schema(value_type = Vec<crate::schema::TlObject>)]
    messages: Value,
    /// Users they speak of.
    #[schema(value_type = Vec<crate::schema::TlObject>)]
    users: Value,
    /// Chats they speak of.
    #[schema(value_type = Vec<crate::schema::TlObject>)]
    chats: Value,
    /// For the next page; null on the last one.
    #[schema(required)]
    cursor: Option<String>,
}

/// The messages of a chat, newest first, in pages.
#[utoipa::path(
    get,
    path = "/api/telegram/messages",
    operation_id = "listMessages",
    tag = "messages",
    params(HistoryQuery, CallHeaders),
    security(("key" = ["call"])),
    responses((status = 200, description = "A page", body = History), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Call>,
    Query(query): Query<HistoryQuery>,
    headers: CallHeaders,
) -> Result<Json<History>> {
    key.require_method(METHOD)?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong_query("limit", "expected 1 to 100"));
    }
    let before: i32 = match query.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(id)) if id > 0 => id,
        Some(_) => {
            return Err(wrong_query(
                "cursor",
                "expected the cursor of the page before",
            ));
        }
    };
    let account = key.account(&app, query.account.as_deref())?;
    let params = json!({
        "peer": query.peer, "offset_id": before, "offset_date": 0, "add_offset": 0,
        "limit": limit, "max_id": 0, "min_id": 0, "hash": "0",
    });
    let Value::Object(params) = params else {
        return Ok(Json(History::of(Map::new(), limit)));
    };
    let answer = app
        .accounts
        .call(&account, METHOD, params, headers.into())
        .await?;
    let fields = match answer {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Ok(Json(History::of(fields, limit)))
}

impl History {
    fn of(mut answer: Map<String, Value>, limit: u32) -> Self {
        let mut list = |field: &str| answer.remove(field).unwrap_or_else(|| json!([]));
        let messages = list("messages");
        let page = messages.as_array().map(Vec::as_slice).unwrap_or_default();
        let full = page.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let oldest = page.last().and_then(|message| message.get("id")?.as_i64());
        Self {
            cursor: oldest.filter(|_| full).map(|id| id.to_string()),
            messages,
            users: list("users"),
            chats: list("chats"),
        }
    }
}

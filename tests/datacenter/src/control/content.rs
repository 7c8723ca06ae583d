//! Groups, channels and what is written in them.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Fault};
use crate::{Bounds, DataCenter, NewChannel, WorldError};

pub(super) fn routes() -> Router<DataCenter> {
    Router::new()
        .route("/accounts/{id}/messages", post(send))
        .route("/accounts/{id}/chats", post(create_chat))
        .route("/accounts/{id}/channels", post(create_channel))
        .route("/accounts/{id}/encrypted", post(send_encrypted))
        .route("/accounts/{id}/files", post(send_file))
        .route("/channels/{id}/members", post(join))
        .route("/files/expire", post(expire))
        .route("/bounds", get(bounds).put(set_bounds))
}

/// A message of the account in the path: `to` is a user id, a group's id with a minus sign, or a
/// channel's as bots write it. With `count` there are so many, and the answer tells all ids.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    to: i64,
    text: String,
    count: Option<usize>,
}

/// Messages of one request: what a channel keeps.
const MANY: usize = 50_000;

async fn send(
    State(dc): State<DataCenter>,
    Path(id): Path<i64>,
    Json(message): Json<Message>,
) -> Answer {
    match message.count {
        None => {
            let sent = dc.send_text(id, message.to, &message.text)?;
            Ok(Json(json!({"id": sent})))
        }
        Some(count) => {
            let sent = dc.send_many(id, message.to, &message.text, count.min(MANY));
            Ok(Json(json!({"ids": sent.await?})))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewChat {
    title: String,
    with: Vec<i64>,
}

async fn create_chat(
    State(dc): State<DataCenter>,
    Path(id): Path<i64>,
    Json(new): Json<NewChat>,
) -> Answer {
    let chat = dc.create_chat(id, &new.with, &new.title)?;
    Ok(Json(json!({"id": chat})))
}

async fn create_channel(
    State(dc): State<DataCenter>,
    Path(id): Path<i64>,
    Json(new): Json<NewChannel>,
) -> Answer {
    let channel = dc.create_channel(id, &new)?;
    Ok(Json(json!({"id": channel})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    account: i64,
}

async fn join(
    State(dc): State<DataCenter>,
    Path(id): Path<i64>,
    Json(joining): Json<Joining>,
) -> Answer {
    dc.join_channel(joining.account, id)?;
    Ok(Json(json!({})))
}

/// `bytes` in base64.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encrypted {
    chat: i32,
    bytes: String,
}

async fn send_encrypted(
    State(dc): State<DataCenter>,
    Path(id): Path<i64>,
    Json(message): Json<Encrypted>,
) -> Answer {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&message.bytes)
        .map_err(|error| Fault::from(WorldError::Invalid(error.to_string())))?;
    let qts = dc.send_encrypted(id, message.chat, &bytes)?;
    Ok(Json(json!({"qts": qts})))
}

/// A document of the account in the path, `size` random bytes long.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFile {
    to: i64,
    size: usize,
    name: Option<String>,
}

/// Bytes of a file that is made here: memory, not the protocol, is what bounds it.
const LARGEST: usize = 256 << 20;

async fn send_file(
    State(dc): State<DataCenter>,
    Path(id): Path<i64>,
    Json(file): Json<NewFile>,
) -> Answer {
    let content = dc.random_content(file.size.min(LARGEST));
    let name = file.name.as_deref().unwrap_or("file.bin");
    let sent = dc.send_file(id, file.to, name, content)?;
    Ok(Json(json!({"id": sent})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    file: Option<i64>,
}

async fn expire(State(dc): State<DataCenter>, Json(expire): Json<Expire>) -> Answer {
    let files = dc.expire_file_references(expire.file);
    Ok(Json(json!({"files": files})))
}

async fn bounds(State(dc): State<DataCenter>) -> Answer {
    Ok(Json(json!(dc.bounds())))
}

/// What is left out is as it is by default.
async fn set_bounds(State(dc): State<DataCenter>, Json(bounds): Json<Bounds>) -> Answer {
    dc.set_bounds(bounds);
    Ok(Json(json!(dc.bounds())))
}

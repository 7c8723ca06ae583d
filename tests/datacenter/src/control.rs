//! The control API: what the handle can do, over HTTP on the loopback interface. The crate's README
//! lists it.

mod content;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::{DataCenter, JournalFilter, NewAccount, PushFaults, Rule, StartError, WorldError};

/// Where it is and what opens it.
pub(crate) struct Control {
    address: SocketAddr,
    key: String,
}

impl Control {
    pub(crate) fn new(address: SocketAddr, key: String) -> Self {
        Self { address, key }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// Serves until the task is ended.
pub(crate) async fn serve(dc: DataCenter, listener: TcpListener) {
    let routes = Router::new()
        .route("/datacenters", get(datacenters))
        .route("/datacenters/{id}/stop", post(stop))
        .route("/datacenters/{id}/start", post(start))
        .route("/datacenters/{id}/cut", post(cut))
        .route("/accounts", get(accounts).post(create_account))
        .route("/accounts/{id}/authorizations", get(authorizations))
        .route("/accounts/{id}/auth-key", post(issue_auth_key))
        .route("/authorizations/age", post(age))
        .route("/keys/{id}", delete(forget_key))
        .route(
            "/pushes",
            get(pushes).put(fault_pushes).delete(clear_pushes),
        )
        .route("/accounts/{id}/events", delete(forget_events))
        .route("/rules", get(rules).post(add_rule).delete(clear_rules))
        .route("/rules/{id}", delete(remove_rule))
        .route("/journal", get(journal))
        .route("/clock/advance", post(advance))
        .merge(content::routes())
        .route("/clock/off", post(clock_off))
        .layer(middleware::from_fn_with_state(dc.clone(), authenticate))
        .with_state(dc);
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "the control api ended");
    }
}

/// Compared by digest, so that time tells nothing.
async fn authenticate(State(dc): State<DataCenter>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if Sha256::digest(given) == Sha256::digest(dc.control_key()) {
        next.run(request).await
    } else {
        Fault(
            StatusCode::UNAUTHORIZED,
            "the control key is missing or wrong".into(),
        )
        .into_response()
    }
}

/// An error as the caller sees it.
struct Fault(StatusCode, String);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<WorldError> for Fault {
    fn from(error: WorldError) -> Self {
        let status = match error {
            WorldError::Taken(_) => StatusCode::CONFLICT,
            WorldError::UnknownAccount(_) | WorldError::UnknownPeer(_) => StatusCode::NOT_FOUND,
            WorldError::Phone(_) | WorldError::UnknownDc(_) | WorldError::Invalid(_) => {
                StatusCode::BAD_REQUEST
            }
        };
        Self(status, error.to_string())
    }
}

impl From<StartError> for Fault {
    fn from(error: StartError) -> Self {
        let status = match error {
            StartError::UnknownDc(_) => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, error.to_string())
    }
}

fn not_found(what: &str) -> Fault {
    Fault(StatusCode::NOT_FOUND, format!("there is no such {what}"))
}

type Answer = Result<Json<Value>, Fault>;

async fn datacenters(State(dc): State<DataCenter>) -> Answer {
    let mut list = Vec::new();
    for info in dc.dcs() {
        list.push(json!({
            "id": info.id,
            "address": info.address,
            "media_address": info.media_address,
            "running": dc.is_running(info.id).await,
        }));
    }
    Ok(Json(
        json!({"datacenters": list, "public_key": dc.public_key_pem()}),
    ))
}

async fn stop(State(dc): State<DataCenter>, Path(id): Path<i32>) -> Answer {
    dc.stop_dc(id).await?;
    Ok(Json(json!({"running": false})))
}

async fn start(State(dc): State<DataCenter>, Path(id): Path<i32>) -> Answer {
    dc.start_dc(id).await?;
    Ok(Json(json!({"running": true})))
}

async fn cut(State(dc): State<DataCenter>, Path(id): Path<i32>) -> Answer {
    dc.cut_connections(Some(id)).await;
    Ok(Json(json!({})))
}

async fn accounts(State(dc): State<DataCenter>) -> Answer {
    Ok(Json(json!({"accounts": dc.accounts()})))
}

async fn create_account(
    State(dc): State<DataCenter>,
    Json(new): Json<NewAccount>,
) -> Result<Response, Fault> {
    let made = tokio::task::spawn_blocking(move || dc.create_account(new)).await;
    let made = made.map_err(|e| Fault(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))??;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

async fn issue_auth_key(State(dc): State<DataCenter>, Path(id): Path<i64>) -> Answer {
    let key = dc.issue_auth_key(id)?;
    Ok(Json(json!({"key": STANDARD.encode(key)})))
}

async fn authorizations(State(dc): State<DataCenter>, Path(id): Path<i64>) -> Answer {
    Ok(Json(json!({"authorizations": dc.authorizations(id)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Age {
    account: Option<i64>,
    seconds: u64,
}

async fn age(State(dc): State<DataCenter>, Json(age): Json<Age>) -> Answer {
    dc.age_authorizations(age.account, Duration::from_secs(age.seconds));
    Ok(Json(json!({})))
}

async fn forget_key(State(dc): State<DataCenter>, Path(id): Path<String>) -> Answer {
    if dc.forget_key(&id) {
        Ok(Json(json!({})))
    } else {
        Err(not_found("auth key"))
    }
}

async fn pushes(State(dc): State<DataCenter>) -> Answer {
    Ok(Json(json!(dc.push_counts())))
}

async fn fault_pushes(State(dc): State<DataCenter>, Json(faults): Json<PushFaults>) -> Answer {
    dc.fault_pushes(Some(faults));
    Ok(Json(json!({})))
}

async fn clear_pushes(State(dc): State<DataCenter>) -> Answer {
    let counts = dc.push_counts();
    dc.fault_pushes(None);
    Ok(Json(json!(counts)))
}

async fn forget_events(State(dc): State<DataCenter>, Path(id): Path<i64>) -> Answer {
    dc.forget_events(id)?;
    Ok(Json(json!({})))
}

async fn rules(State(dc): State<DataCenter>) -> Answer {
    Ok(Json(json!({"rules": dc.rules()})))
}

async fn add_rule(State(dc): State<DataCenter>, Json(rule): Json<Rule>) -> Response {
    let id = dc.add_rule(rule);
    (StatusCode::CREATED, Json(json!({"id": id}))).into_response()
}

async fn clear_rules(State(dc): State<DataCenter>) -> Answer {
    dc.clear_rules();
    Ok(Json(json!({})))
}

async fn remove_rule(State(dc): State<DataCenter>, Path(id): Path<u64>) -> Answer {
    if dc.remove_rule(id) {
        Ok(Json(json!({})))
    } else {
        Err(not_found("rule"))
    }
}

async fn journal(State(dc): State<DataCenter>, Query(filter): Query<JournalFilter>) -> Answer {
    Ok(Json(json!({"entries": dc.journal(&filter)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Off {
    seconds: i64,
}

async fn clock_off(State(dc): State<DataCenter>, Json(off): Json<Off>) -> Answer {
    dc.set_clock_off(off.seconds);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

async fn advance(State(dc): State<DataCenter>, Json(advance): Json<Advance>) -> Answer {
    dc.advance_clock(Duration::from_secs(advance.seconds));
    Ok(Json(json!({"now": dc.clock().now()})))
}

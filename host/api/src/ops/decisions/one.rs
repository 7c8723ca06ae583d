use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Serialize;
use sluice_domain::Cursor;
use sluice_policy::{Explanation, Reexecution};

use super::{Named, read};
use crate::App;
use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct Explained {
    #[serde(flatten)]
    decision: Named,
    explanation: Explanation,
    reexecution: Reexecution,
}

/// One decision: why it is as it is, by whom, which bounds held; and made again, bit for bit, by
/// the very component that made it.
#[utoipa::path(
    get,
    path = "/api/decisions/{id}",
    operation_id = "getDecision",
    tag = "decisions",
    params(("id" = String, Path, description = "The decision's id")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The decision", body = crate::schema::ExplainedDecision), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Path(id): Path<String>,
) -> Result<Json<Explained>> {
    let missing = || ApiError::missing("DECISION_NOT_FOUND", "no decision with this id is kept");
    let id: Cursor = id.parse().map_err(|_| missing())?;
    let found = read(&app.journal, move |journal| journal.log().decision(id)).await?;
    // A key must not learn what happens on accounts it does not reach.
    let record = found
        .filter(|record| key.reaches(&record.account))
        .ok_or_else(missing)?;
    let policies = Arc::clone(&app.policies);
    let explained = move || Explained {
        explanation: policies.explain(&record),
        reexecution: policies.reexecute(&record),
        decision: Named::new(id, record),
    };
    tokio::task::spawn_blocking(explained)
        .await
        .map(Json)
        .map_err(|error| ApiError::internal(&error))
}

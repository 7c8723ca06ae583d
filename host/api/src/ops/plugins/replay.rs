use core::time::Duration;
use std::sync::Arc;

use axum::extract::{Request, State};
use serde::Deserialize;
use sluice_domain::{Category, Problem};
use sluice_policy::{Replay, ReplayError, ReplayRequest};

use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::{Json, Query, bytes, wrong_query};
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// Records of one replay, unless the request says otherwise, and at most.
const RECORDS: u32 = 20_000;
const MOST_RECORDS: u32 = 200_000;
/// How long a replay may take. Admission comes before it, and takes up to some 15 s for a component
/// of 12 MB.
const TIME: Duration = Duration::from_secs(20);

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReplayQuery {
    /// How far back, as in `24h`; all that is kept when left out.
    since: Option<String>,
    /// The newest so many decisions at most, 1 to 200000; 20000 when left out.
    records: Option<u32>,
    /// Which day is played in virtual time; the same seed gives the same day. 1 when left out.
    seed: Option<u32>,
    /// The text of the candidate's `NAME.toml`.
    sidecar: Option<String>,
}

/// Replays the journal of decisions on a candidate, the component in the body (up to
/// `policy.max_size` bytes): where it would have decided something else, what it costs, and how a day of
/// failures in virtual time goes with it. Nothing that serves is touched. One at a time.
#[utoipa::path(
    post,
    path = "/api/plugins/replay",
    operation_id = "replayPlugin",
    tag = "plugins",
    params(ReplayQuery),
    request_body(content_type = "application/wasm", content = Vec<u8>),
    security(("key" = ["admin"])),
    responses((status = 200, description = "What it would have done", body = crate::schema::Replay), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Admin>,
    Query(query): Query<ReplayQuery>,
    request: Request,
) -> Result<Json<Replay>> {
    let records = query.records.unwrap_or(RECORDS);
    if !(1..=MOST_RECORDS).contains(&records) {
        return Err(wrong_query("records", "expected 1 to 200000"));
    }
    let since = match query.since.as_deref().map(sluice_config::parse_duration) {
        None => None,
        Some(Some(back)) => Some(app.clock.now().before(back)),
        Some(None) => return Err(wrong_query("since", "expected a duration like 24h or 7d")),
    };
    let _alone = app.replays.try_acquire().map_err(|_| running())?;
    let most = app.config.load().policy.max_size;
    let component = bytes(request, &app, most, "policy.max_size").await?;
    let (policies, journal) = (Arc::clone(&app.policies), Arc::clone(&app.journal));
    let replay = move || {
        journal.flush(crate::ops::decisions::SOON);
        let request = ReplayRequest {
            component: &component,
            accounts: key.limited_to(),
            sidecar: query.sidecar.as_deref().unwrap_or_default(),
            since,
            records: usize::try_from(records).unwrap_or(usize::MAX),
            time: TIME,
            seed: query.seed.unwrap_or(1).into(),
        };
        policies.replay(journal.log().as_ref(), &request)
    };
    match tokio::task::spawn_blocking(replay).await {
        Ok(Ok(replay)) => Ok(Json(replay)),
        Ok(Err(ReplayError::Refused(why))) => Err(refused(why)),
        Ok(Err(ReplayError::Store(error))) => Err(ApiError::store(&error)),
        Err(error) => Err(ApiError::internal(&error)),
    }
}

fn running() -> ApiError {
    Problem::new(
        409,
        "REPLAY_RUNNING",
        Category::Conflict,
        "another candidate is being replayed",
    )
    .advise("ask again when it has ended, in at most a minute")
    .into()
}

fn refused(why: String) -> ApiError {
    Problem::new(422, "CANDIDATE_REFUSED", Category::InvalidRequest, why).into()
}

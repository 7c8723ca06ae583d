use axum::extract::State;
use serde::{Deserialize, Serialize};
use sluice_domain::DecisionFilter;

use super::{Named, read};
use crate::App;
use crate::auth::{Key, Read};
use crate::extract::{Json, Query, wrong_query};
use crate::openapi::Problems;
use crate::problem::Result;

/// Records in one answer.
const MOST: u32 = 500;

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DecisionsQuery {
    /// The account's name; all accounts of the key when left out.
    account: Option<String>,
    /// The method, as in `messages.sendMessage`.
    method: Option<String>,
    /// The code of the verdict, as in `FLOOD_WAIT`.
    code: Option<String>,
    /// The plugin that gave the verdict or the decision; `native-retry` and `native-categorize` for
    /// the libraries in the gateway.
    plugin: Option<String>,
    /// The `cursor` of the page before.
    after: Option<String>,
    /// How many at most, 1 to 500; 50 when left out.
    limit: Option<u32>,
}

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct Page {
    decisions: Vec<Named>,
    cursor: Option<String>,
    lost: u64,
}

/// Lists decisions about failed calls, newest first. A page may hold fewer than `limit`, even none,
/// and still have a `cursor`: the search goes on there. None of what was called with is kept.
#[utoipa::path(
    get,
    path = "/api/decisions",
    operation_id = "listDecisions",
    tag = "decisions",
    params(DecisionsQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page", body = crate::schema::DecisionList), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    key: Key<Read>,
    Query(query): Query<DecisionsQuery>,
) -> Result<Json<Page>> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong_query("limit", "expected 1 to 500"));
    }
    let after = match query.after.as_deref().map(str::parse) {
        None => None,
        Some(Ok(cursor)) => Some(cursor),
        Some(Err(_)) => {
            return Err(wrong_query(
                "after",
                "expected the cursor of the page before",
            ));
        }
    };
    let accounts = match query.account.as_deref() {
        Some(_) => vec![key.account(&app, query.account.as_deref())?],
        None => key.limited_to().to_vec(),
    };
    let filter = DecisionFilter {
        accounts,
        method: query.method,
        code: query.code,
        plugin: query.plugin,
        since: None,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = read(&app.journal, move |journal| {
        journal.log().decisions(after, &filter, limit)
    })
    .await?;
    Ok(Json(Page {
        decisions: page
            .records
            .into_iter()
            .map(|(id, record)| Named::new(id, record))
            .collect(),
        cursor: page.next.map(|cursor| cursor.to_string()),
        lost: app.journal.lost(),
    }))
}

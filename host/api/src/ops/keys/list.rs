use axum::extract::State;
use serde::Serialize;

use super::KeyView;
use crate::App;
use crate::auth::{Admin, Key};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Serialize)]
pub(crate) struct KeyList {
    keys: Vec<KeyView>,
}

/// Lists the API keys, expired and revoked ones too.
#[utoipa::path(
    get,
    path = "/api/keys",
    operation_id = "listKeys",
    tag = "keys",
    security(("key" = ["admin"])),
    responses((status = 200, description = "The keys", body = crate::schema::KeyList), Problems),
)]
pub(crate) async fn handler(State(app): State<App>, _: Key<Admin>) -> Result<Json<KeyList>> {
    let keys = app.keys.list();
    let keys = keys.iter().map(|key| KeyView::from(&**key)).collect();
    Ok(Json(KeyList { keys }))
}

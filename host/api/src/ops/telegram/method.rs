use axum::extract::Path;
use serde_json::Value;
use sluice_tl::Schema;

use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// Describes one method: its parameters, their types, its answer, and an example of a body.
#[utoipa::path(
    get,
    path = "/api/telegram/methods/{name}",
    operation_id = "getMethod",
    tag = "calls",
    params(("name" = String, Path, description = "The method, like `messages.sendMessage`")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The method", body = crate::schema::MethodDescription), Problems),
)]
pub(crate) async fn handler(_: Key<Read>, Path(name): Path<String>) -> Result<Json<Value>> {
    Schema::newest().describe(&name).map(Json).ok_or_else(|| {
        let detail = format!("Telegram's schema has no method `{name}`");
        ApiError::missing("METHOD_NOT_FOUND", detail)
    })
}

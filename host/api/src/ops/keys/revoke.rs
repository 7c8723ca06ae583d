use axum::extract::{Path, State};
use http::StatusCode;
use sluice_domain::StoreError;

use crate::App;
use crate::auth::{Admin, Key};
use crate::openapi::Problems;
use crate::problem::{ApiError, Result};

/// Revokes an API key. It is refused from this moment on, and sockets it opened are closed.
#[utoipa::path(
    delete,
    path = "/api/keys/{id}",
    operation_id = "revokeKey",
    tag = "keys",
    params(("id" = String, Path, description = "The key's id: what stands between its underscores")),
    security(("key" = ["admin"])),
    responses((status = 204, description = "It is revoked"), Problems),
)]
pub(crate) async fn handler(
    State(app): State<App>,
    _: Key<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    let keys = app.keys.clone();
    let revoked = tokio::task::spawn_blocking(move || keys.revoke(&id))
        .await
        .map_err(|error| ApiError::internal(&error))?;
    match revoked {
        Ok(_) => {
            app.announce_revocation();
            Ok(StatusCode::NO_CONTENT)
        }
        Err(StoreError::Missing(_)) => {
            Err(ApiError::missing("KEY_NOT_FOUND", "no key has this id"))
        }
        Err(error) => Err(ApiError::store(&error)),
    }
}

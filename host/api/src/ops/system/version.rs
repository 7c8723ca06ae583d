use serde::Serialize;
use sluice_tl::Schema;

use crate::auth::{Key, Read};
use crate::extract::Json;
use crate::openapi::Problems;
use crate::problem::Result;

/// Which gateway this is.
#[derive(Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_field_names, reason = "the field's name is the API's")]
pub(crate) struct Version {
    /// `sluice`.
    name: &'static str,
    /// The gateway's version.
    version: &'static str,
    /// The version of the API: `/api` only gains fields within it.
    api: u32,
    /// The layer of Telegram's schema.
    layer: i32,
}

/// Names the gateway's version and Telegram's layer.
#[utoipa::path(
    get,
    path = "/api/version",
    operation_id = "getVersion",
    tag = "system",
    security(("key" = ["read"])),
    responses((status = 200, description = "The version", body = Version), Problems),
)]
pub(crate) async fn handler(_: Key<Read>) -> Result<Json<Version>> {
    Ok(Json(Version {
        name: "sluice",
        version: env!("CARGO_PKG_VERSION"),
        api: 1,
        layer: Schema::newest().layer(),
    }))
}

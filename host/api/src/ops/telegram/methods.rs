use serde::{Deserialize, Serialize};
use sluice_tl::Schema;

use super::dangerous;
use crate::auth::{Key, Read};
use crate::extract::{Json, Query};
use crate::openapi::Problems;
use crate::problem::Result;

/// See [`handler`].
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MethodsQuery {
    /// Only names that contain this, in any case.
    q: Option<String>,
}

/// The methods of the layer.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Methods {
    /// The layer of Telegram's schema.
    layer: i32,
    /// The methods, by name.
    methods: Vec<MethodLine>,
}

/// One method in the list.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct MethodLine {
    /// Its name.
    name: &'static str,
    /// The type it answers, in TL.
    result: String,
    /// Whether a key needs the scope `dangerous` for it.
    dangerous: bool,
}

/// Lists the methods that can be called.
#[utoipa::path(
    get,
    path = "/api/telegram/methods",
    operation_id = "listMethods",
    tag = "calls",
    params(MethodsQuery),
    security(("key" = ["read"])),
    responses((status = 200, description = "The methods", body = Methods), Problems),
)]
pub(crate) async fn handler(
    _: Key<Read>,
    Query(query): Query<MethodsQuery>,
) -> Result<Json<Methods>> {
    let schema = Schema::newest();
    let wanted = query.q.unwrap_or_default().to_ascii_lowercase();
    let mut methods: Vec<_> = schema
        .methods()
        .filter(|method| !method.generic)
        .filter(|method| method.name.to_ascii_lowercase().contains(&wanted))
        .map(|method| MethodLine {
            name: method.name,
            result: method.result.to_string(),
            dangerous: dangerous::is(method.name),
        })
        .collect();
    methods.sort_unstable_by_key(|method| method.name);
    Ok(Json(Methods {
        layer: schema.layer(),
        methods,
    }))
}

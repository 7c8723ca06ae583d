//! The OpenAPI document, made from the operations' own annotations.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::{events, ops, schema};

/// Every error of every operation: one shape.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = ResponseBuilder::new()
            .description("A problem; `code` names it, `advice` says what to do")
            .content(
                "application/problem+json",
                ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("Problem")))
                    .build(),
            )
            .build();
        BTreeMap::from([("default".to_owned(), RefOr::T(problem))])
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sluice",
        description = "A self-hosted Telegram gateway: accounts, any method of Telegram's schema as JSON, updates as events.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        ops::accounts::list::handler,
        ops::accounts::create::handler,
        ops::accounts::one::handler,
        ops::accounts::change::handler,
        ops::accounts::delete::handler,
        ops::session::status::handler,
        ops::session::connect::handler,
        ops::session::disconnect::handler,
        ops::session::rotate::handler,
        ops::session::rotations::handler,
        ops::session::rotation::handler,
        ops::session::health::handler,
        ops::session::me::handler,
        ops::signin::send_code::handler,
        ops::signin::resend_code::handler,
        ops::signin::cancel_code::handler,
        ops::signin::sign_in::handler,
        ops::signin::password::handler,
        ops::signin::qr::handler,
        ops::signin::bot::handler,
        ops::telegram::pool_status::handler,
        ops::telegram::pool_cleanup::handler,
        ops::telegram::limits::handler,
        ops::telegram::remove_limit::handler,
        ops::telegram::methods::handler,
        ops::telegram::method::handler,
        ops::telegram::call::handler,
        ops::telegram::history::handler,
        ops::telegram::send_message::handler,
        ops::telegram::upload::handler,
        ops::telegram::send_file::handler,
        ops::telegram::file::handler,
        ops::monitoring::telegram::handler,
        ops::monitoring::sessions::handler,
        ops::plugins::list::handler,
        ops::plugins::one::handler,
        ops::plugins::diff::handler,
        ops::plugins::promote::handler,
        ops::plugins::abort::handler,
        ops::plugins::rollback::handler,
        ops::plugins::replay::handler,
        ops::decisions::list::handler,
        ops::decisions::one::handler,
        ops::keys::list::handler,
        ops::keys::create::handler,
        ops::keys::revoke::handler,
        ops::system::ws_ticket::handler,
        ops::system::version::handler,
        events::handler,
    ),
    components(schemas(schema::Problem)),
    modifiers(&BearerKey),
)]
struct Document;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some(
            "`slc_<id>_<secret>`. Scopes: `read`, `call`, `admin`, `dangerous`; none includes another."
                .to_owned(),
        );
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

static JSON: LazyLock<String> = LazyLock::new(|| {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
});

/// The document as JSON text, with a line break at its end.
pub(crate) fn json() -> &'static str {
    &JSON
}

/// The OpenAPI document as JSON text.
pub fn document() -> &'static str {
    json()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Document, document};
    use utoipa::OpenApi;

    /// Breaks when a route is added without its operation in the document, or the other way round.
    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let written: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(move |method| (method.clone(), path.clone()))
            })
            .collect();
        let routed: BTreeSet<(String, String)> = crate::routes::known()
            .into_iter()
            // Documents about the API rather than operations of it.
            .filter(|(_, path)| path.starts_with("/api/"))
            .map(|(method, path)| (method.to_owned(), path.to_owned()))
            .collect();
        assert_eq!(written, routed);
    }

    /// Breaks when `docs/openapi.json` is stale: write the output of `sluice openapi` there.
    #[test]
    fn the_committed_document_is_current() {
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let committed = std::fs::read_to_string(committed).unwrap_or_default();
        assert!(
            committed == document(),
            "docs/openapi.json is stale; `sluice openapi > docs/openapi.json` renews it"
        );
    }
}

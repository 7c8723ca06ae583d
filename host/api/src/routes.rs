use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use axum::{Extension, Router};
use http::StatusCode;

use crate::auth::ThroughAdminSocket;
use crate::finish::finish;
use crate::{App, events, ops};

/// Which side of the gateway a listener shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// The API.
    Public,
    /// The API, and beside it health and what exporters serve.
    Admin,
    /// As [`Face::Admin`], and whoever reaches it has every right: the admin socket.
    Socket,
}

/// Every route of a face, ready to be served.
pub fn router(app: &App, face: Face) -> Router {
    let mut routes = api();
    if face == Face::Public {
        routes.router = routes.router.fallback(nothing);
    } else {
        routes = routes
            .get("/livez", ops::system::livez::handler)
            .get("/readyz", ops::system::readyz::handler);
        // Exporters choose their paths, so everything else is asked of them.
        routes.router = routes.router.fallback(ops::system::metrics::handler);
    }
    let mut router = routes
        .router
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), finish));
    if face == Face::Socket {
        router = router.layer(Extension(ThroughAdminSocket));
    }
    router.with_state(app.clone())
}

async fn nothing(_: Request) -> impl IntoResponse {
    StatusCode::NOT_FOUND
}

async fn not_allowed(_: Request) -> impl IntoResponse {
    StatusCode::METHOD_NOT_ALLOWED
}

/// The routes of the API, each with its operation.
fn api() -> Routes {
    use ops::{accounts, decisions, keys, monitoring, plugins, session, signin, system, telegram};
    Routes::default()
        .get("/api/accounts", accounts::list::handler)
        .post("/api/accounts", accounts::create::handler)
        .get("/api/accounts/{name}", accounts::one::handler)
        .patch("/api/accounts/{name}", accounts::change::handler)
        .delete("/api/accounts/{name}", accounts::delete::handler)
        .get("/api/telegram-auth/status", session::status::handler)
        .post("/api/telegram-auth/connect", session::connect::handler)
        .post(
            "/api/telegram-auth/disconnect",
            session::disconnect::handler,
        )
        .post(
            "/api/telegram-auth/rotate-session",
            session::rotate::handler,
        )
        .get("/api/telegram-auth/rotations", session::rotations::handler)
        .get(
            "/api/telegram-auth/rotations/{id}",
            session::rotation::handler,
        )
        .get(
            "/api/telegram-auth/session-health",
            session::health::handler,
        )
        .get("/api/telegram-auth/me", session::me::handler)
        .post("/api/telegram-auth/send-code", signin::send_code::handler)
        .post(
            "/api/telegram-auth/resend-code",
            signin::resend_code::handler,
        )
        .post(
            "/api/telegram-auth/cancel-code",
            signin::cancel_code::handler,
        )
        .post("/api/telegram-auth/sign-in", signin::sign_in::handler)
        .post("/api/telegram-auth/password", signin::password::handler)
        .post("/api/telegram-auth/qr", signin::qr::handler)
        .post("/api/telegram-auth/bot", signin::bot::handler)
        .get(
            "/api/telegram/connection-pool/status",
            telegram::pool_status::handler,
        )
        .post(
            "/api/telegram/connection-pool/cleanup",
            telegram::pool_cleanup::handler,
        )
        .get("/api/telegram/limits", telegram::limits::handler)
        .delete("/api/telegram/limits/{id}", telegram::remove_limit::handler)
        .get("/api/telegram/methods", telegram::methods::handler)
        .get("/api/telegram/methods/{name}", telegram::method::handler)
        .post("/api/telegram/call/{method}", telegram::call::handler)
        .get("/api/telegram/messages", telegram::history::handler)
        .post("/api/telegram/messages", telegram::send_message::handler)
        .post("/api/telegram/upload", telegram::upload::handler)
        .post("/api/telegram/messages/file", telegram::send_file::handler)
        .get(
            "/api/telegram/messages/{peer}/{id}/file",
            telegram::file::handler,
        )
        .get("/api/monitoring/telegram", monitoring::telegram::handler)
        .get("/api/monitoring/sessions", monitoring::sessions::handler)
        .get("/api/plugins", plugins::list::handler)
        .get("/api/plugins/{name}", plugins::one::handler)
        .get("/api/plugins/{name}/diff", plugins::diff::handler)
        .post("/api/plugins/{name}/promote", plugins::promote::handler)
        .post("/api/plugins/{name}/abort", plugins::abort::handler)
        .post("/api/plugins/{name}/rollback", plugins::rollback::handler)
        .post("/api/plugins/replay", plugins::replay::handler)
        .get("/api/decisions", decisions::list::handler)
        .get("/api/decisions/{id}", decisions::one::handler)
        .get("/api/keys", keys::list::handler)
        .post("/api/keys", keys::create::handler)
        .delete("/api/keys/{id}", keys::revoke::handler)
        .get("/api/events", events::handler)
        .post("/api/ws-ticket", system::ws_ticket::handler)
        .get("/api/version", system::version::handler)
        .get("/openapi.json", system::openapi::handler)
        .get("/problems/{slug}", system::problem_page::handler)
}

/// A router that remembers what was put into it, so that a test can hold it against the OpenAPI
/// document.
#[derive(Default)]
struct Routes {
    router: Router<App>,
    #[cfg(test)]
    known: Vec<(&'static str, &'static str)>,
}

impl Routes {
    fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, App>) -> Self {
        self.on("get", MethodFilter::GET, path, handler)
    }

    fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, App>) -> Self {
        self.on("post", MethodFilter::POST, path, handler)
    }

    fn patch<T: 'static>(self, path: &'static str, handler: impl Handler<T, App>) -> Self {
        self.on("patch", MethodFilter::PATCH, path, handler)
    }

    fn delete<T: 'static>(self, path: &'static str, handler: impl Handler<T, App>) -> Self {
        self.on("delete", MethodFilter::DELETE, path, handler)
    }

    fn on<T: 'static>(
        mut self,
        #[cfg_attr(not(test), expect(unused_variables, reason = "what the test compares"))]
        name: &'static str,
        method: MethodFilter,
        path: &'static str,
        handler: impl Handler<T, App>,
    ) -> Self {
        self.router = self.router.route(path, axum::routing::on(method, handler));
        #[cfg(test)]
        self.known.push((name, path));
        self
    }
}

#[cfg(test)]
pub(crate) fn known() -> Vec<(&'static str, &'static str)> {
    api().known
}

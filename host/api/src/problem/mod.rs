//! Errors as callers see them: RFC 9457 problem documents with the older basic shape beside.

pub(crate) mod catalogue;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sluice_domain::{AccountName, Category, FieldError, Problem, StoreError, TelegramError};

/// The error of every handler. Carries the problem to [`crate::finish`], which writes it out with
/// the request's id.
#[derive(Debug)]
pub struct ApiError(pub Box<Problem>);

/// What handlers return.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl ApiError {
    /// 400 with what is wrong where.
    pub fn invalid(code: &str, detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        let mut problem = Problem::new(400, code, Category::InvalidRequest, detail);
        problem.errors = errors;
        problem.into()
    }

    /// 404 for something of ours that is not there.
    pub fn missing(code: &str, detail: impl Into<String>) -> Self {
        Problem::new(404, code, Category::NotFound, detail).into()
    }

    /// The problem of a store that refuses.
    pub fn store(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(reason) => {
                tracing::error!(%reason, "the store cannot be written to");
                let detail = "the gateway's store cannot be written to";
                Problem::new(503, "STORE_UNAVAILABLE", Category::Server, detail).into()
            }
            StoreError::Exists(what) => {
                let detail = format!("{what} already exists");
                Problem::new(409, "ALREADY_EXISTS", Category::Conflict, detail).into()
            }
            StoreError::Missing(what) => {
                Self::missing("NOT_FOUND", format!("{what} does not exist"))
            }
            StoreError::Damaged(_) => Self::internal(error),
        }
    }

    /// 500 with nothing of the inside shown; the reason goes to the log under the request's id.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!(%reason, "a request failed inside the gateway");
        Problem::new(
            500,
            "INTERNAL",
            Category::Internal,
            "the gateway failed to answer; its log says why under this request's id",
        )
        .into()
    }
}

/// A problem in the extensions of a response, until it is written out.
#[derive(Clone)]
pub(crate) struct Pending(pub Problem);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(Pending(*self.0));
        response
    }
}

/// The problem document, field for field.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: String,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    success: bool,
    message: &'a str,
    code: &'a str,
    category: Category,
    retryable: bool,
    #[serde(rename = "retryAfter")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    telegram: Option<&'a TelegramError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a AccountName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

/// Puts the problem document into `response`, keeping its other headers.
pub(crate) fn write_out(response: &mut Response, problem: &Problem, base: &str, request_id: &str) {
    let document = Document {
        r#type: format!("{base}/problems/{}", slug(&problem.code)),
        title: title(&problem.code),
        status: problem.status,
        detail: &problem.detail,
        instance: request_id,
        success: false,
        message: &problem.detail,
        code: &problem.code,
        category: problem.category,
        retryable: problem.retryable,
        retry_after: problem.retry_after,
        telegram: problem.telegram.as_ref(),
        account: problem.account.as_ref(),
        advice: problem.advice.as_deref(),
        errors: &problem.errors,
    };
    // A struct of strings and numbers always serializes.
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == 401 {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"sluice\""),
        );
    }
    *response.body_mut() = body.into();
}

/// `FLOOD_WAIT` -> `flood-wait`.
pub(crate) fn slug(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', "-")
}

/// `FLOOD_WAIT` -> `Flood wait`. The same for every occurrence of a type.
pub(crate) fn title(code: &str) -> String {
    let mut words: Vec<String> = code.split('_').map(str::to_ascii_lowercase).collect();
    for word in &mut words {
        if matches!(word.as_str(), "api" | "json" | "dc" | "2fa" | "srp") {
            word.make_ascii_uppercase();
        }
    }
    if let Some(first) = words.first_mut().and_then(|word| word.get_mut(..1)) {
        first.make_ascii_uppercase();
    }
    words.join(" ")
}

/// The problem for an error that the framework made without a word of ours.
pub(crate) fn of_status(status: StatusCode) -> Problem {
    let (code, category, detail) = match status.as_u16() {
        404 => (
            "PATH_NOT_FOUND",
            Category::NotFound,
            "there is nothing at this path; /openapi.json lists what there is",
        ),
        405 => (
            "METHOD_NOT_ALLOWED",
            Category::InvalidRequest,
            "this path does not take this HTTP method; the Allow header lists those it takes",
        ),
        408 => (
            "REQUEST_TIMEOUT",
            Category::Timeout,
            "the request did not arrive in time",
        ),
        413 => (
            "BODY_TOO_LARGE",
            Category::InvalidRequest,
            "the body is larger than the gateway accepts",
        ),
        415 => (
            "MEDIA_TYPE_UNSUPPORTED",
            Category::InvalidRequest,
            "the body has to be application/json",
        ),
        400..=499 => (
            "REQUEST_MALFORMED",
            Category::InvalidRequest,
            "the request is not well-formed",
        ),
        503 => (
            "UNAVAILABLE",
            Category::Server,
            "the gateway cannot answer now",
        ),
        _ => (
            "INTERNAL",
            Category::Internal,
            "the gateway failed to answer; its log says why under this request's id",
        ),
    };
    let mut problem = Problem::new(status.as_u16(), code, category, detail);
    problem.retryable = matches!(status.as_u16(), 408 | 503);
    problem
}

#[cfg(test)]
mod tests {
    use super::{slug, title};

    #[test]
    fn names_of_types() {
        assert_eq!(slug("FLOOD_WAIT"), "flood-wait");
        assert_eq!(title("FLOOD_WAIT"), "Flood wait");
        assert_eq!(title("API_ID_MISSING"), "API id missing");
        assert_eq!(title(""), "");
    }
}

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use sluice_accounts::CallOptions;
use sluice_domain::FieldError;

use crate::App;
use crate::finish::RequestId;
use crate::problem::ApiError;

/// The headers of a call: how long it may take, how long known waits may take, what makes it the
/// same call when it is sent again, and the request's id.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub struct CallHeaders {
    /// The deadline in seconds, capped by `calls.max_timeout`; 504 when it passes.
    #[param(rename = "X-Timeout", value_type = Option<f64>, exclusive_minimum = 0)]
    pub timeout: Duration,
    /// The patience for known waits in seconds, capped by `calls.max_wait`; without it, 429 at once.
    #[param(rename = "X-Wait", value_type = Option<f64>, minimum = 0)]
    pub patience: Duration,
    /// The same key makes the same call: a `random_id` left out is made from it.
    #[param(rename = "Idempotency-Key", max_length = 255, min_length = 1)]
    pub idempotency_key: Option<String>,
    /// Names the request in answers and logs; made when left out.
    #[param(rename = "X-Request-Id", value_type = Option<String>)]
    pub request_id: String,
}

/// Longest `Idempotency-Key`: what comparable APIs take.
const LONGEST_KEY: usize = 255;

impl FromRequestParts<App> for CallHeaders {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let calls = app.call_limits();
        let timeout = seconds(parts, "X-Timeout")?.unwrap_or(calls.default_timeout);
        if timeout.is_zero() {
            return Err(wrong("X-Timeout", "expected more than 0 seconds"));
        }
        let patience = seconds(parts, "X-Wait")?
            .unwrap_or_default()
            .min(calls.max_wait);
        let idempotency_key = match parts.headers.get("idempotency-key") {
            None => None,
            Some(value) => match value.to_str() {
                Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Some(key.to_owned()),
                _ => {
                    return Err(wrong(
                        "Idempotency-Key",
                        "expected 1 to 255 visible ASCII characters",
                    ));
                }
            },
        };
        let request_id = parts
            .extensions
            .get::<RequestId>()
            .map_or_else(String::new, |id| id.0.clone());
        Ok(Self {
            timeout: timeout.min(calls.max_timeout),
            patience,
            idempotency_key,
            request_id,
        })
    }
}

impl From<CallHeaders> for CallOptions {
    fn from(headers: CallHeaders) -> Self {
        Self {
            timeout: headers.timeout,
            patience: headers.patience,
            idempotency_key: headers.idempotency_key,
            request_id: headers.request_id,
        }
    }
}

fn seconds(parts: &Parts, name: &str) -> Result<Option<Duration>, ApiError> {
    let Some(value) = parts.headers.get(name) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map(Some)
        .ok_or_else(|| wrong(name, "expected a number of seconds, 0 or more"))
}

fn wrong(header: &str, detail: &str) -> ApiError {
    ApiError::invalid(
        "HEADER_INVALID",
        format!("the header {header} is wrong: {detail}"),
        vec![FieldError {
            pointer: String::new(),
            detail: format!("{header}: {detail}"),
        }],
    )
}

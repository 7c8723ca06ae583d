use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sluice_domain::FieldError;

use crate::problem::ApiError;

/// The query string, decoded. Unknown parameters are errors where the type says so.
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| {
                let detail = std::error::Error::source(&rejection)
                    .map_or_else(|| "not a query string".to_owned(), ToString::to_string);
                ApiError::invalid(
                    "QUERY_INVALID",
                    format!("the query string is wrong: {detail}"),
                    vec![FieldError {
                        pointer: String::new(),
                        detail,
                    }],
                )
            })
    }
}

/// 400 for a parameter that cannot be meant.
pub fn wrong_query(parameter: &str, detail: &str) -> ApiError {
    ApiError::invalid(
        "QUERY_INVALID",
        format!("the query string is wrong: {parameter}: {detail}"),
        vec![FieldError {
            pointer: String::new(),
            detail: format!("{parameter}: {detail}"),
        }],
    )
}

/// `?account=NAME`: which account is meant.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// The account's name; the configuration's `default_account` when left out.
    pub account: Option<String>,
}

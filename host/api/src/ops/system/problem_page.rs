use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse};
use sluice_domain::{AccountKind, AccountName, Category, Failure};

use crate::App;
use crate::problem::{ApiError, Result, catalogue, title};

/// The page of a problem type, where its `type` leads.
pub(crate) async fn handler(
    State(app): State<App>,
    Path(slug): Path<String>,
) -> Result<impl IntoResponse> {
    let known = slug.len() <= 100
        && !slug.is_empty()
        && slug
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !known {
        return Err(ApiError::missing(
            "PROBLEM_NOT_FOUND",
            "no problem type has this name",
        ));
    }
    let code = slug.to_ascii_uppercase().replace('-', "_");
    if let Some(entry) = catalogue::of(&code) {
        return Ok(Html(page(&code, entry.category, "", entry.meaning, "")));
    }
    // A code of Telegram's: the policy in force says what it means, with a number where it has one.
    let account = AccountName::default();
    let ask = |name: &str| {
        let failure = Failure::telegram(400, name, "", AccountKind::User);
        app.policies.categorize(&failure, &account)
    };
    let verdict = [format!("{code}_1"), code.clone()]
        .iter()
        .map(|name| ask(name))
        .find(|verdict| verdict.code == code)
        .unwrap_or_else(|| ask(&code));
    let retry = if verdict.retryable {
        "The same request can succeed later."
    } else {
        "The same request will fail again."
    };
    Ok(Html(page(
        &code,
        verdict.category,
        "An error of Telegram's.",
        &verdict.advice,
        retry,
    )))
}

/// Nothing in here comes from the request but the code, whose letters were checked.
fn page(code: &str, category: Category, origin: &str, meaning: &str, retry: &str) -> String {
    let title = title(code);
    let mut paragraphs = String::new();
    for text in [origin, meaning, retry] {
        if !text.is_empty() {
            paragraphs.extend(["<p>", &escape(text), "</p>\n"]);
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p><code>{code}</code>, category <code>{category}</code></p>\n\
         {paragraphs}</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

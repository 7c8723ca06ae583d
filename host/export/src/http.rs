use core::time::Duration;
use std::error::Error;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sluice_domain::UnixMillis;
use tokio::time::timeout;

use crate::queue::Parcel;
use crate::repeat::Outcome;
use crate::target::Target;
use crate::tls;

/// How much of an answer is read: enough for what a receiver says of a refusal, and so that the
/// connection can be used again.
const ANSWER: usize = 64 << 10;
/// Letters of an answer that go into the log.
const SHOWN: usize = 200;
/// A quiet connection is closed before the receiver does it: many do after a minute.
const IDLE: Duration = Duration::from_secs(50);

/// Sends requests to one target.
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    timeout: Duration,
}

impl Http {
    /// The error is for the operator, and does not show the address: it may hold a secret.
    pub fn new(url: &str, target: &Target) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "url is no address".to_owned())?;
        let mut headers = HeaderMap::new();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("sluice/", env!("CARGO_PKG_VERSION"))),
        );
        for (name, value) in &target.headers {
            let bad = || format!("header {name} is none that can be sent");
            let key: HeaderName = name.parse().map_err(|_| bad())?;
            let mut value: HeaderValue = value.expose().parse().map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(target.timeout));
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(target.ca_file.as_deref())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .build(connector);
        Ok(Self {
            client,
            uri,
            headers,
            timeout: target.timeout,
        })
    }

    /// One try.
    pub async fn send(&self, parcel: &Parcel, now: UnixMillis) -> Outcome {
        let mut request = Request::new(Full::new(parcel.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let kind = parcel.content_type.as_deref().unwrap_or_default();
        if let Ok(kind) = HeaderValue::from_str(kind) {
            request.headers_mut().insert(CONTENT_TYPE, kind);
        }
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|e| chain(&e))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, String>((status, headers, told(answer).await))
        };
        match timeout(self.timeout, exchange).await {
            Err(_) => Outcome::Later(None, format!("no answer within {:?}", self.timeout)),
            Ok(Err(error)) => Outcome::Later(None, error),
            Ok(Ok((status, headers, told))) => judge(status, &headers, &told, now),
        }
    }
}

/// What an answer means. OpenTelemetry's rules, which suit others as well: full, overloaded and gone
/// for a moment are tried again, everything else is not.
fn judge(status: StatusCode, headers: &HeaderMap, told: &str, now: UnixMillis) -> Outcome {
    if status.is_success() {
        return Outcome::Sent;
    }
    let said = if told.is_empty() {
        format!("answered {status}")
    } else {
        format!("answered {status}: {told}")
    };
    match status.as_u16() {
        408 | 425 | 429 | 500 | 502..=504 => Outcome::Later(retry_after(headers, now), said),
        // Also what sends elsewhere: a target is an address that the operator chose.
        _ => Outcome::Refused(said),
    }
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let at = u64::try_from(date.timestamp().as_millisecond()).ok()?;
    Some(Duration::from_millis(at.saturating_sub(now.0)))
}

/// The beginning of an answer's body, as one line.
async fn told(answer: Response<Incoming>) -> String {
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    let bytes = body.map(http_body_util::Collected::to_bytes);
    let text = bytes.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(SHOWN).collect::<String>().trim().to_owned()
}

/// An error with its causes: the outermost says only that there is one.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_whether_another_try_helps() {
        let now = UnixMillis(1_700_000_000_000);
        let mut headers = HeaderMap::new();
        let judged = |status, headers: &HeaderMap| {
            judge(StatusCode::from_u16(status).unwrap(), headers, "", now)
        };
        assert_eq!(judged(202, &headers), Outcome::Sent);
        for status in [400, 401, 404, 413, 301, 307] {
            assert!(
                matches!(judged(status, &headers), Outcome::Refused(_)),
                "{status}"
            );
        }
        for (value, wait) in [
            ("7", Some(7)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30)),
            ("Tue, 14 Nov 2023 22:00:00 GMT", Some(0)),
            ("soon", None),
        ] {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            for status in [429, 503] {
                let Outcome::Later(named, _) = judged(status, &headers) else {
                    panic!("{status}");
                };
                assert_eq!(named, wait.map(Duration::from_secs), "{value}");
            }
        }
    }
}

//! HTTP CONNECT: RFC 9110, 9.3.6, with the basic password of RFC 7617.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sluice_domain::{Login, Secret};

use super::{ProxyError, Talk};
use crate::DcAddress;

/// The longest head that is waited for. Proxies say little.
const HEAD: usize = 16 << 10;
const END: &[u8] = b"\r\n\r\n";

/// Has the proxy connect to an address. Names are resolved by the proxy.
pub(crate) async fn connect(
    talk: &mut Talk<'_>,
    login: Option<&Login>,
    to: &DcAddress,
) -> Result<(), ProxyError> {
    let step = "the request";
    let authority = if to.host.contains(':') {
        format!("[{}]:{}", to.host, to.port)
    } else {
        format!("{}:{}", to.host, to.port)
    };
    let authorization = login.map_or_else(String::new, |login| {
        let both = Secret::new(format!("{}:{}", login.user, login.password.expose()));
        let both = Secret::new(BASE64_STANDARD.encode(both.expose()));
        format!("Proxy-Authorization: Basic {}\r\n", both.expose())
    });
    let request = Secret::new(format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n"
    ));
    drop(Secret::new(authorization));
    talk.say(step, request.expose().as_bytes()).await?;
    let head = loop {
        let at = talk.incoming.windows(END.len()).position(|w| w == END);
        if let Some(at) = at {
            // What follows is the data center's already.
            break talk.incoming.split_to(at + END.len());
        }
        if talk.incoming.len() > HEAD {
            return Err(ProxyError::Foreign("http"));
        }
        talk.more(step).await?;
    };
    match status(&head) {
        None => Err(ProxyError::Foreign("http")),
        Some(200..=299) => Ok(()),
        Some(407) if login.is_none() => Err(ProxyError::WantsPassword),
        Some(407) => Err(ProxyError::Password),
        Some(other) => Err(ProxyError::Status(other)),
    }
}

/// The status in `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.")?;
    let digits = line.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

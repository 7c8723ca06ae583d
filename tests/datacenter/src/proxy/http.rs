//! HTTP CONNECT: RFC 9110, 9.3.6.

use sluice_domain::Login;
use tokio::io::AsyncWriteExt;

use super::{Inner, Refusal, Visitor, relay::Through, socks5::resolve};

const END: &[u8] = b"\r\n\r\n";

pub(super) async fn greet(
    visitor: &mut Visitor,
    inner: &Inner,
    login: Option<&Login>,
) -> Result<Through, Refusal> {
    let end = loop {
        let mut places = visitor.incoming.windows(END.len());
        if let Some(at) = places.position(|window| window == END) {
            break at + END.len();
        }
        visitor.more().await?;
    };
    let head = visitor.hear(end).await?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.strip_prefix("CONNECT "));
    let Some((authority, _)) = target.and_then(|rest| rest.split_once(' ')) else {
        answer(visitor, "405 Method Not Allowed").await?;
        return Err(Refusal::Protocol);
    };
    if let Some(login) = login {
        let wanted = basic(login);
        let given = lines.find_map(|line| line.strip_prefix("Proxy-Authorization: "));
        if given != Some(&*wanted) {
            answer(visitor, "407 Proxy Authentication Required").await?;
            return Err(Refusal::Password);
        }
    }
    let to = authority.rsplit_once(':').and_then(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some((host, port.parse().ok()?))
    });
    let Some((host, port)) = to else {
        answer(visitor, "400 Bad Request").await?;
        return Err(Refusal::Protocol);
    };
    let server = match resolve(host, port).await {
        Ok(to) => inner.connect(to).await,
        Err(refusal) => Err(refusal),
    };
    match server {
        Ok(server) => {
            answer(visitor, "200 Connection established").await?;
            Ok(Through {
                server,
                cover: None,
            })
        }
        Err(refusal) => {
            let status = match refusal {
                Refusal::Elsewhere => "403 Forbidden",
                _ => "502 Bad Gateway",
            };
            answer(visitor, status).await?;
            Err(refusal)
        }
    }
}

async fn answer(visitor: &mut Visitor, status: &str) -> Result<(), Refusal> {
    let head = format!("HTTP/1.1 {status}\r\n\r\n");
    Ok(visitor.stream.write_all(head.as_bytes()).await?)
}

fn basic(login: &Login) -> String {
    use base64::Engine as _;
    let both = format!("{}:{}", login.user, login.password.expose());
    format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(both))
}

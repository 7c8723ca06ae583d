//! SOCKS 5: RFC 1928 and 1929.

use std::net::{IpAddr, SocketAddr};

use sluice_domain::Login;
use tokio::{io::AsyncWriteExt, net::lookup_host};

use super::{Inner, Refusal, Visitor, relay::Through};

const FAILED: [u8; 10] = [5, 1, 0, 1, 0, 0, 0, 0, 0, 0];
const NOT_ALLOWED: [u8; 10] = [5, 2, 0, 1, 0, 0, 0, 0, 0, 0];
const DONE: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

pub(super) async fn greet(
    visitor: &mut Visitor,
    inner: &Inner,
    login: Option<&Login>,
) -> Result<Through, Refusal> {
    let [5, count] = *visitor.hear(2).await? else {
        return Err(Refusal::Protocol);
    };
    let methods = visitor.hear(usize::from(count)).await?;
    let method = u8::from(login.is_some()) * 2;
    if !methods.contains(&method) {
        visitor.stream.write_all(&[5, 0xff]).await?;
        return Err(Refusal::Password);
    }
    visitor.stream.write_all(&[5, method]).await?;
    if let Some(login) = login {
        log_in(visitor, login).await?;
    }
    let [5, 1, 0, kind] = *visitor.hear(4).await? else {
        return Err(Refusal::Protocol);
    };
    let host = match kind {
        1 => {
            let octets = visitor.hear(4).await?;
            octets
                .first_chunk::<4>()
                .map(|ip| IpAddr::from(*ip).to_string())
        }
        4 => {
            let octets = visitor.hear(16).await?;
            octets
                .first_chunk::<16>()
                .map(|ip| IpAddr::from(*ip).to_string())
        }
        3 => {
            let length = usize::from(visitor.hear(1).await?.first().copied().unwrap_or_default());
            String::from_utf8(visitor.hear(length).await?.to_vec()).ok()
        }
        _ => None,
    };
    let port = visitor.hear(2).await?;
    let port = port.first_chunk().map(|port| u16::from_be_bytes(*port));
    let (Some(host), Some(port)) = (host, port) else {
        return Err(Refusal::Protocol);
    };
    let to = resolve(&host, port).await?;
    match inner.connect(to).await {
        Ok(server) => {
            visitor.stream.write_all(&DONE).await?;
            Ok(Through {
                server,
                cover: None,
            })
        }
        Err(refusal) => {
            let reply = match refusal {
                Refusal::Elsewhere => NOT_ALLOWED,
                _ => FAILED,
            };
            visitor.stream.write_all(&reply).await?;
            Err(refusal)
        }
    }
}

async fn log_in(visitor: &mut Visitor, login: &Login) -> Result<(), Refusal> {
    let [1] = *visitor.hear(1).await? else {
        return Err(Refusal::Protocol);
    };
    let mut same = true;
    for part in [&login.user, login.password.expose()] {
        let length = visitor.hear(1).await?.first().copied().unwrap_or_default();
        same &= visitor.hear(usize::from(length)).await? == part.as_bytes();
    }
    visitor.stream.write_all(&[1, u8::from(!same)]).await?;
    if same { Ok(()) } else { Err(Refusal::Password) }
}

/// The first address of a name.
pub(super) async fn resolve(host: &str, port: u16) -> Result<SocketAddr, Refusal> {
    let mut found = lookup_host((host, port)).await?;
    found.next().ok_or(Refusal::Elsewhere)
}

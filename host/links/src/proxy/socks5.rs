//! SOCKS 5: RFC 1928, and RFC 1929 for the password.

use std::net::IpAddr;

use sluice_domain::{Login, Secret};

use super::{ProxyError, Talk};
use crate::DcAddress;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const NOTHING_FITS: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Has the proxy connect to an address. Names are resolved by the proxy.
pub(crate) async fn connect(
    talk: &mut Talk<'_>,
    login: Option<&Login>,
    to: &DcAddress,
) -> Result<(), ProxyError> {
    let step = "the greeting";
    let methods: &[u8] = match login {
        None => &[VERSION, 1, NO_LOGIN],
        Some(_) => &[VERSION, 2, NO_LOGIN, PASSWORD],
    };
    talk.say(step, methods).await?;
    match (talk.hear(step).await?, login) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, PASSWORD], Some(login)) => log_in(talk, login).await?,
        ([VERSION, PASSWORD | NOTHING_FITS], None) => return Err(ProxyError::WantsPassword),
        ([VERSION, NOTHING_FITS], Some(_)) => return Err(ProxyError::Password),
        _ => return Err(ProxyError::Foreign("socks5")),
    }
    let step = "the request";
    talk.say(step, &request(to)).await?;
    let [version, reply, _, kind] = talk.hear(step).await?;
    if version != VERSION {
        return Err(ProxyError::Foreign("socks5"));
    }
    if reply != 0 {
        return Err(ProxyError::Refused(meaning(reply)));
    }
    // The address it connects from, of which nothing is to be known.
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(talk.hear::<1>(step).await?[0]),
        _ => return Err(ProxyError::Foreign("socks5")),
    };
    for _ in 0..length + 2 {
        talk.hear::<1>(step).await?;
    }
    Ok(())
}

async fn log_in(talk: &mut Talk<'_>, login: &Login) -> Result<(), ProxyError> {
    let step = "the password";
    let mut said = vec![1];
    for part in [&login.user, login.password.expose()] {
        // A login has at most 255 bytes in either part.
        said.push(u8::try_from(part.len()).map_err(|_| ProxyError::Password)?);
        said.extend_from_slice(part.as_bytes());
    }
    // Wiped when it was said.
    let said = Secret::new(said);
    talk.say(step, said.expose()).await?;
    match talk.hear(step).await {
        Ok([_, 0]) => Ok(()),
        // Refused politely, or as most do it.
        Ok(_) | Err(ProxyError::Closed(_) | ProxyError::Broken(..)) => Err(ProxyError::Password),
        Err(error) => Err(error),
    }
}

fn request(to: &DcAddress) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    match to.host.parse() {
        Ok(IpAddr::V4(ip)) => {
            request.push(IPV4);
            request.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(IPV6);
            request.extend(ip.octets());
        }
        Err(_) => {
            // What is longer is no name, and the proxy says so.
            let name = to.host.as_bytes();
            let name = name.get(..255).unwrap_or(name);
            request.push(NAME);
            request.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            request.extend(name);
        }
    }
    request.extend(to.port.to_be_bytes());
    request
}

const fn meaning(reply: u8) -> &'static str {
    match reply {
        2 => "its rules do not allow it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "it took too long",
        7 => "it does not know the command",
        8 => "it does not know this kind of address",
        _ => "it failed",
    }
}

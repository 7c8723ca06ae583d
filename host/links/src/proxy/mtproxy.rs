//! Proxies of Telegram's own kind.

use sluice_domain::{Look, ProxySecret, Random};
use sluice_mtproto::transport::tls::{ClientHandshake, Records};
use sluice_mtproto::transport::{Framing, Kind};

use super::{ProxyError, Talk};

/// Readies a stream to the proxy. Whether a proxy that does not speak TLS knows the secret shows
/// only when it answers, or does not.
pub(crate) async fn connect(
    talk: &mut Talk<'_>,
    secret: &ProxySecret,
    dc: i16,
    unix: u64,
    random: &dyn Random,
) -> Result<Framing, ProxyError> {
    let key = secret.key.expose();
    let kind = match secret.look {
        Look::Plain => Kind::Intermediate,
        Look::Padded | Look::Tls(_) => Kind::Padded,
    };
    let framing = Framing::hidden(kind, dc, Some(key), random);
    let Look::Tls(domain) = &secret.look else {
        return Ok(framing);
    };
    let step = "the TLS hello";
    let (handshake, hello) = ClientHandshake::start(key, domain, unix, random);
    talk.say(step, &hello).await?;
    while !handshake.receive(&mut talk.incoming)? {
        talk.more(step).await?;
    }
    Ok(framing.in_records(Records::client()))
}

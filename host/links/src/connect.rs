use bytes::BytesMut;
use sluice_domain::{ProxyKind, Transport};
use sluice_mtproto::transport::{Framing, Kind};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::DcAddress;
use crate::dial::DialError;
use crate::proxy::{self, ProxyError, Talk};
use crate::shared::{Seat, Shared};
use crate::ways::Hold;

/// A stream on which Telegram is to be spoken to.
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) framing: Framing,
    /// What came behind a proxy's last word.
    pub(crate) incoming: BytesMut,
    /// A proxy that shows only by its silence that it has another secret.
    pub(crate) shy: bool,
    pub(crate) hold: Hold,
}

/// Connects to an address of a data center by the way that is held. Every step has its deadline.
pub(crate) async fn connect(
    shared: &Shared,
    seat: Seat,
    address: &DcAddress,
    hold: Hold,
) -> Result<Connected, DialError> {
    let within = shared.limits.connect;
    let random = &*shared.random;
    let Some(proxy) = &hold.way.proxy else {
        let stream = open(&address.host, address.port);
        let stream = timeout(within, stream)
            .await
            .map_err(|_| DialError::ConnectTimeout)?
            .map_err(DialError::Connect)?;
        return Ok(Connected {
            stream,
            framing: framing(&hold, shared),
            incoming: BytesMut::new(),
            shy: false,
            hold,
        });
    };
    let mut stream = timeout(within, open(&proxy.host, proxy.port))
        .await
        .map_err(|_| ProxyError::ConnectTimeout)?
        .map_err(ProxyError::Connect)?;
    let mut talk = Talk::new(&mut stream, Instant::now() + within);
    let framing = match &proxy.kind {
        ProxyKind::Socks5(login) => {
            proxy::socks5(&mut talk, login.as_ref(), address).await?;
            framing(&hold, shared)
        }
        ProxyKind::Http(login) => {
            proxy::http(&mut talk, login.as_ref(), address).await?;
            framing(&hold, shared)
        }
        ProxyKind::MtProxy(secret) => {
            let unix = shared.now().unix.as_secs();
            proxy::mtproxy(&mut talk, secret, number(shared, seat), unix, random).await?
        }
    };
    let incoming = talk.incoming;
    let shy = matches!(proxy.kind, ProxyKind::MtProxy(_));
    Ok(Connected {
        stream,
        framing,
        incoming,
        shy,
        hold,
    })
}

async fn open(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// As the configuration wants it.
fn framing(hold: &Hold, shared: &Shared) -> Framing {
    let random = &*shared.random;
    match hold.way.transport {
        Transport::Intermediate => Framing::client(Kind::Intermediate),
        Transport::Abridged => Framing::client(Kind::Abridged),
        Transport::Padded => Framing::client(Kind::Padded).seeded(random),
        Transport::Full => Framing::client(Kind::Full),
        // Only a proxy reads the number of the data center.
        Transport::Obfuscated => Framing::hidden(Kind::Intermediate, 0, None, random),
    }
}

/// The data center as a proxy wants it named: negative for media.
fn number(shared: &Shared, seat: Seat) -> i16 {
    let number = shared.topology.exchange_number(seat.dc);
    let number = if seat.is_media() { -number } else { number };
    i16::try_from(number).unwrap_or_default()
}

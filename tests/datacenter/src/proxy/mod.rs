//! Proxies in front of the data centers, of every kind that clients are configured with. They
//! forward to these data centers and nowhere else, and count.

mod http;
mod mtproxy;
mod relay;
mod socks5;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use parking_lot::Mutex;
use sluice_domain::{Login, Look, ProxyKind, Random};
use sluice_mtproto::transport::tls::Doorkeeper;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{DcInfo, net::Door};

/// How long a client may take to say where it wants to go.
const GREETING: Duration = Duration::from_secs(10);
/// The longest that a client says before.
const HEAD: usize = 16 << 10;

/// Why a client is not let through.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the client closed it")]
    Closed,
    #[error("not this kind of proxy's protocol")]
    Protocol,
    #[error("a wrong password, or none")]
    Password,
    #[error("a wrong secret: {0}")]
    Secret(#[from] sluice_mtproto::transport::FramingError),
    #[error("a wrong secret: {0}")]
    Tls(#[from] sluice_mtproto::transport::tls::TlsError),
    #[error("no data center is there")]
    Elsewhere,
}

/// What a proxy has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProxyCounts {
    /// Connections that came.
    pub accepted: usize,
    /// Those that were led to a data center.
    pub forwarded: usize,
    /// Those of them that are still open.
    pub open: usize,
}

/// A running proxy. It ends when this is dropped, or with its data centers.
pub struct ProxyServer {
    inner: Arc<Inner>,
    address: SocketAddr,
    stop: CancellationToken,
}

struct Inner {
    kind: ProxyKind,
    /// For a secret with a domain.
    door: Option<Mutex<Doorkeeper>>,
    dcs: Vec<DcInfo>,
    random: Arc<dyn Random>,
    /// The time of day in seconds.
    unix: Box<dyn Fn() -> u64 + Send + Sync>,
    accepted: AtomicUsize,
    counts: watch::Sender<ProxyCounts>,
    tracker: TaskTracker,
}

impl ProxyServer {
    pub(crate) fn start(
        kind: ProxyKind,
        address: SocketAddr,
        dcs: Vec<DcInfo>,
        random: Arc<dyn Random>,
        unix: Box<dyn Fn() -> u64 + Send + Sync>,
        tracker: TaskTracker,
        ending: &CancellationToken,
    ) -> io::Result<Self> {
        let listener = Door::bind(address)?;
        let address = listener.local_addr()?;
        let door = match &kind {
            ProxyKind::MtProxy(secret) => match &secret.look {
                Look::Tls(domain) => Some(Doorkeeper::new(*secret.key.expose(), domain.clone())),
                Look::Plain | Look::Padded => None,
            },
            ProxyKind::Socks5(_) | ProxyKind::Http(_) => None,
        };
        let inner = Arc::new(Inner {
            kind,
            door: door.map(Mutex::new),
            dcs,
            random,
            unix,
            accepted: AtomicUsize::new(0),
            counts: watch::Sender::default(),
            tracker,
        });
        let stop = ending.child_token();
        inner
            .tracker
            .spawn(accept(Arc::clone(&inner), listener, stop.clone()));
        Ok(Self {
            inner,
            address,
            stop,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, with all that is needed to be let through.
    pub fn url(&self) -> String {
        let at = self.address;
        let login = |login: &Option<Login>| {
            login.as_ref().map_or_else(String::new, |login| {
                format!("{}:{}@", login.user, login.password.expose())
            })
        };
        match &self.inner.kind {
            ProxyKind::Socks5(who) => format!("socks5://{}{at}", login(who)),
            ProxyKind::Http(who) => format!("http://{}{at}", login(who)),
            ProxyKind::MtProxy(secret) => format!("mtproxy://{at}?secret={}", secret.to_hex()),
        }
    }

    /// What it has seen.
    pub fn counts(&self) -> ProxyCounts {
        *self.inner.counts.borrow()
    }

    /// Waits until what it has seen is as wanted.
    pub async fn until(&self, wanted: impl FnMut(&ProxyCounts) -> bool) -> ProxyCounts {
        // The sender lives in this.
        match self.inner.counts.subscribe().wait_for(wanted).await {
            Ok(counts) => *counts,
            Err(_) => self.counts(),
        }
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(inner: Arc<Inner>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: some will be free in a moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        inner.accepted.fetch_add(1, Ordering::Relaxed);
        inner.counts.send_modify(|counts| counts.accepted += 1);
        let serving = serve(Arc::clone(&inner), stream);
        inner
            .tracker
            .spawn(stop.clone().run_until_cancelled_owned(serving));
    }
}

async fn serve(inner: Arc<Inner>, stream: TcpStream) {
    let kind = &inner.kind;
    let mut visitor = Visitor {
        stream,
        incoming: BytesMut::new(),
    };
    let greeted = timeout(GREETING, async {
        match kind {
            ProxyKind::Socks5(login) => socks5::greet(&mut visitor, &inner, login.as_ref()).await,
            ProxyKind::Http(login) => http::greet(&mut visitor, &inner, login.as_ref()).await,
            ProxyKind::MtProxy(secret) => mtproxy::greet(&mut visitor, &inner, secret).await,
        }
    });
    let through = match greeted.await {
        Ok(Ok(through)) => through,
        Ok(Err(refusal)) => {
            tracing::debug!(%refusal, "a client was not let through");
            return;
        }
        Err(_) => return,
    };
    inner.counts.send_modify(|counts| {
        counts.forwarded += 1;
        counts.open += 1;
    });
    let _open = Open(&inner);
    // However it ended: both ends see it closed.
    let _ = relay::relay(visitor, through).await;
}

/// Counts a connection out, however it ends.
struct Open<'a>(&'a Inner);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| counts.open -= 1);
    }
}

impl Inner {
    /// Connects to an address of a data center.
    async fn connect(&self, to: SocketAddr) -> Result<TcpStream, Refusal> {
        let ours = self
            .dcs
            .iter()
            .any(|dc| dc.address == to || dc.media_address == to);
        if !ours {
            return Err(Refusal::Elsewhere);
        }
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A client that has not said everything yet.
struct Visitor {
    stream: TcpStream,
    /// Read and not yet taken.
    incoming: BytesMut,
}

impl Visitor {
    async fn more(&mut self) -> Result<(), Refusal> {
        if self.incoming.len() > HEAD {
            return Err(Refusal::Protocol);
        }
        match self.stream.read_buf(&mut self.incoming).await? {
            0 => Err(Refusal::Closed),
            _ => Ok(()),
        }
    }

    async fn hear(&mut self, count: usize) -> Result<BytesMut, Refusal> {
        while self.incoming.len() < count {
            self.more().await?;
        }
        Ok(self.incoming.split_to(count))
    }
}

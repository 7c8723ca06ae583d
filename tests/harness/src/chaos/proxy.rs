use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::relay::{relay, until};
use super::{Ending, Mode, Piece, Plan, Seed, Way};

/// For how long a port that was closed is tried: meanwhile the system may have lent it out.
const PATIENCE: Duration = Duration::from_secs(10);

/// Changes bytes on their way.
pub(super) type Mutation = dyn Fn(Piece<'_>) + Send + Sync;

/// What all proxies of one data center share.
pub(super) struct Shared {
    pub(super) seed: Seed,
    /// What is done, and the how manieth mode it is.
    pub(super) modes: watch::Sender<(u64, Mode)>,
    /// Told when all connections of now end, and how.
    pub(super) cuts: watch::Sender<Ending>,
    /// Connections that were ended here.
    pub(super) cut: watch::Sender<u64>,
    pub(super) accepted: AtomicU64,
    pub(super) mutation: RwLock<Option<Arc<Mutation>>>,
    pub(super) end: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Shared {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seed,
            modes: watch::Sender::new((0, Mode::CLEAR)),
            cuts: watch::Sender::new(Ending::Close),
            cut: watch::Sender::new(0),
            accepted: AtomicU64::new(0),
            mutation: RwLock::default(),
            end: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// What the mode of now means for this connection.
    pub(super) fn plan(
        &self,
        line: Line,
        modes: &mut watch::Receiver<(u64, Mode)>,
    ) -> Option<Plan> {
        let (count, mode) = *modes.borrow_and_update();
        let subject = line.number << 8 | u64::from(line.dc.unsigned_abs() & 0x7f) << 1;
        let mut dice = self.seed.dice(subject | u64::from(line.media));
        if let Mode::Once(_) = mode {
            // A connection that outlives one of them is not to draw the same again.
            dice = Seed(dice.roll()).dice(count);
        }
        mode.plan(line.born >= count, &mut dice)
    }

    pub(super) fn change(&self, line: Line, way: Way, offset: u64, bytes: &mut Vec<u8>) {
        let mutation = self.mutation.read().clone();
        if let Some(mutation) = mutation {
            mutation(Piece {
                connection: line.number,
                dc: line.dc,
                media: line.media,
                way,
                offset,
                bytes,
            });
        }
    }
}

/// Names a connection: the n-th at this port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) number: u64,
    /// Under the how manieth mode it came.
    pub(super) born: u64,
    pub(super) dc: i32,
    pub(super) media: bool,
}

/// Opens a port before an address, and returns its own.
pub(super) fn open(
    shared: &Arc<Shared>,
    dc: i32,
    media: bool,
    before: SocketAddr,
) -> std::io::Result<SocketAddr> {
    let listener = bind(SocketAddr::new(before.ip(), 0))?;
    let at = listener.local_addr()?;
    let first = Line {
        number: 0,
        born: 0,
        dc,
        media,
    };
    let accepting = accept(Arc::clone(shared), listener, at, before, first);
    let until = shared.end.clone().run_until_cancelled_owned(accepting);
    shared.tasks.spawn(until);
    Ok(at)
}

fn bind(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match at {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(1_024)
}

async fn accept(
    shared: Arc<Shared>,
    listener: TcpListener,
    at: SocketAddr,
    before: SocketAddr,
    mut next: Line,
) {
    let mut modes = shared.modes.subscribe();
    let mut listener = Some(listener);
    loop {
        if modes.borrow_and_update().1 == Mode::Refused {
            drop(listener.take());
            until(&mut modes, |(_, mode)| *mode != Mode::Refused).await;
        }
        let open = match listener.take() {
            Some(open) => open,
            None => match bind_again(at).await {
                Some(open) => open,
                None => return,
            },
        };
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.accepted.fetch_add(1, Ordering::Relaxed);
                    next.born = modes.borrow().0;
                    let serving = serve(Arc::clone(&shared), next, stream, before);
                    let until = shared.end.clone().run_until_cancelled_owned(serving);
                    shared.tasks.spawn(until);
                    next.number += 1;
                }
                // Out of descriptors: some will be free in a moment.
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
            _ = modes.changed() => {}
        }
        listener = Some(open);
    }
}

async fn bind_again(at: SocketAddr) -> Option<TcpListener> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match bind(at) {
            Ok(listener) => return Some(listener),
            Err(error) if Instant::now() > deadline => {
                eprintln!("the proxy's port {at} is lost: {error}");
                return None;
            }
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn serve(shared: Arc<Shared>, line: Line, gateway: TcpStream, before: SocketAddr) {
    let plan = shared.plan(line, &mut shared.modes.subscribe());
    if plan.is_none_or(|plan| plan.turned_away) {
        // It may be gone already.
        let _ = gateway.set_zero_linger();
        return;
    }
    // A data center that is down looks the same through the proxy as without it.
    let Ok(telegram) = TcpStream::connect(before).await else {
        let _ = gateway.set_zero_linger();
        return;
    };
    for stream in [&gateway, &telegram] {
        let _ = stream.set_nodelay(true);
    }
    relay(shared, line, gateway, telegram).await;
}

use std::sync::Arc;

use sluice_domain::{DcKey, Secret};
use sluice_mtproto::exchange::{ClientExchange, ClientStep, ExchangeError, factorize};
use tokio::time::timeout;

use crate::PoolError;
use crate::board::Board;
use crate::connect::connect;
use crate::proxy::ProxyError;
use crate::shared::{Seat, Shared, main_seat};
use crate::ways::Hold;
use crate::wire::{Wire, WireError};

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("no address is known for data center {0}")]
    NoAddress(i32),
    #[error("no connection within the time allowed")]
    ConnectTimeout,
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("the way out was changed")]
    WayChanged,
    #[error("the key exchange was not done within the time allowed")]
    HandshakeTimeout,
    #[error("the key exchange failed: {0}")]
    Exchange(#[from] ExchangeError),
    #[error("the key exchange failed: {0}")]
    Wire(#[from] WireError),
    #[error("the new key could not be kept: {0}")]
    Store(#[from] PoolError),
    #[error("no key for data center {0} yet")]
    NoKey(i32),
}

impl DialError {
    /// A stable name for counting.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::NoAddress(_) => "no_address",
            Self::ConnectTimeout => "connect_timeout",
            Self::Connect(_) => "connect",
            Self::Proxy(_) => "proxy",
            Self::WayChanged => "way_changed",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Exchange(_) => "handshake",
            Self::Wire(error) => error.kind(),
            Self::Store(_) => "store",
            Self::NoKey(_) => "no_key",
        }
    }

    /// Whether another address may do.
    const fn blames_address(&self) -> bool {
        match self {
            Self::ConnectTimeout | Self::Connect(_) => true,
            Self::Proxy(error) => error.blames_address(),
            _ => false,
        }
    }
}

/// Connects, and makes the data center's key if there is none. The key is in the store before this
/// returns.
pub(crate) async fn dial(
    shared: Arc<Shared>,
    seat: Seat,
    attempt: usize,
    board: Arc<Board>,
) -> Result<(Wire, DcKey), DialError> {
    let hold = shared.ways.hold().await;
    let turn = hold.turn();
    tokio::select! {
        // First: a dial must not succeed on a way that is being left.
        biased;
        () = shared.ways.left(turn) => Err(DialError::WayChanged),
        dialed = dial_by(&shared, seat, attempt, board, hold) => dialed,
    }
}

async fn dial_by(
    shared: &Arc<Shared>,
    seat: Seat,
    attempt: usize,
    board: Arc<Board>,
    hold: Hold,
) -> Result<(Wire, DcKey), DialError> {
    let address = shared
        .addresses
        .get(seat, attempt, hold.way.ipv6)
        .ok_or(DialError::NoAddress(seat.dc))?;
    hold.gate.pass().await;
    let main = seat == main_seat(&shared.table.lock());
    let connected = connect(shared, seat, &address, hold).await;
    if main && connected.as_ref().is_err_and(DialError::blames_address) {
        shared.addresses.failed();
    }
    let connected = connected?;
    board.opened();
    let mut wire = Wire::new(connected, board);
    if let Some(key) = shared.keys.get(seat.dc) {
        return Ok((wire, key));
    }
    if seat.is_media() {
        // Keys are made over ordinary links only: one made over a media address serves media only.
        return Err(DialError::NoKey(seat.dc));
    }
    let key = timeout(
        shared.limits.handshake,
        exchange(shared, seat.dc, &mut wire),
    )
    .await
    .map_err(|_| DialError::HandshakeTimeout)??;
    shared.keys.add(key.clone()).await?;
    Ok((wire, key))
}

async fn exchange(shared: &Shared, dc: i32, wire: &mut Wire) -> Result<DcKey, DialError> {
    let random = &*shared.random;
    let number = shared.topology.exchange_number(dc);
    let (mut exchange, first) =
        ClientExchange::start(shared.topology.keys(), number, shared.now(), random);
    wire.send(&first);
    loop {
        let packet = wire.next().await?;
        match exchange.receive(&packet, shared.now(), random)? {
            ClientStep::Send(packet) => wire.send(&packet),
            ClientStep::Factor { pq } => {
                let (p, q) = shared
                    .tracker
                    .spawn_blocking(move || factorize(pq))
                    .await
                    .ok()
                    .flatten()
                    .ok_or(ExchangeError::Factors)?;
                wire.send(&exchange.factored(p, q, shared.now(), random)?);
            }
            ClientStep::Done(made) => {
                return Ok(DcKey {
                    dc,
                    key: Secret::new(made.auth_key.expose().to_vec()),
                    salt: made.salt,
                    time_offset: made.time_offset,
                    authorized: false,
                    session: None,
                });
            }
        }
    }
}

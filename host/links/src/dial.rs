use std::sync::Arc;

use sluice_domain::{DcKey, Secret};
use sluice_mtproto::exchange::{ClientExchange, ClientStep, ExchangeError, factorize};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::PoolError;
use crate::board::Board;
use crate::shared::{Seat, Shared};
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
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Exchange(_) => "handshake",
            Self::Wire(error) => error.kind(),
            Self::Store(_) => "store",
            Self::NoKey(_) => "no_key",
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
    let limits = &shared.limits;
    let address = shared
        .addresses
        .get(seat, attempt)
        .ok_or(DialError::NoAddress(seat.dc))?;
    shared.gate.pass().await;
    let stream = timeout(
        limits.connect,
        TcpStream::connect((address.host.as_str(), address.port)),
    )
    .await
    .map_err(|_| DialError::ConnectTimeout)?
    .map_err(DialError::Connect)?;
    stream.set_nodelay(true).map_err(DialError::Connect)?;
    board.opened();
    let mut wire = Wire::new(stream, board);
    if let Some(key) = shared.keys.get(seat.dc) {
        return Ok((wire, key));
    }
    if seat.is_media() {
        // Keys are made over ordinary links only: one made over a media address serves media only.
        return Err(DialError::NoKey(seat.dc));
    }
    let key = timeout(limits.handshake, exchange(&shared, seat.dc, &mut wire))
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
                });
            }
        }
    }
}

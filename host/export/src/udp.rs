use core::time::Duration;
use std::net::SocketAddr;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, sleep};

use crate::repeat::Outcome;

/// How long an address that was looked up is believed.
const BELIEVED: Duration = Duration::from_mins(1);
/// Datagrams sent without a pause. Receivers lose what does not fit into their socket's buffer
/// (208 KiB by default), and nobody tells.
const BURST: u32 = 32;
const BREATH: Duration = Duration::from_millis(1);

/// Sends datagrams to one target.
pub(crate) struct Udp {
    address: String,
    socket: Option<(UdpSocket, Instant)>,
    /// Which of the name's addresses: the next one after each error, because "localhost" is often two
    /// and the receiver listens on one.
    turn: usize,
    burst: u32,
}

impl Udp {
    pub const fn new(address: String) -> Self {
        Self {
            address,
            socket: None,
            turn: 0,
            burst: 0,
        }
    }

    /// Sends one. What happens to it on the way is not known; that nobody listens on this machine or
    /// the next is told by an error of a later one.
    pub async fn send(&mut self, payload: &[u8]) -> Outcome {
        self.burst += 1;
        if self.burst >= BURST {
            self.burst = 0;
            sleep(BREATH).await;
        }
        let known = self.socket.take();
        let known = known.filter(|(_, since)| since.elapsed() < BELIEVED);
        let (socket, since) = match known {
            Some(known) => known,
            None => match self.open().await {
                Ok(socket) => (socket, Instant::now()),
                Err(error) => return Outcome::Refused(format!("{}: {error}", self.address)),
            },
        };
        match socket.send(payload).await {
            Ok(_) => {
                self.socket = Some((socket, since));
                Outcome::Sent
            }
            // Another socket next time, and the address looked up anew.
            Err(error) => {
                self.turn = self.turn.wrapping_add(1);
                Outcome::Refused(format!("{}: {error}", self.address))
            }
        }
    }

    async fn open(&self) -> std::io::Result<UdpSocket> {
        let addresses: Vec<_> = lookup_host(self.address.as_str()).await?.collect();
        let mut last = std::io::Error::other("the name has no address");
        let first = self.turn.checked_rem(addresses.len()).unwrap_or(0);
        let (later, sooner) = addresses.split_at(first);
        for address in sooner.iter().chain(later) {
            match connect(*address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

async fn connect(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let any = if address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::proxy::{Line, Shared};
use super::{Ending, Plan, Way};

/// The longest piece that is read at once.
const PIECE: usize = 16 << 10;

/// Some bytes on their way, to be changed as a test likes.
#[derive(Debug)]
pub struct Piece<'a> {
    /// The connection, counted from 0 at each data center's port.
    pub connection: u64,
    /// The data center.
    pub dc: i32,
    /// Whether it is the port for media.
    pub media: bool,
    /// Where they go.
    pub way: Way,
    /// How many bytes of the connection went that way before.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a mut Vec<u8>,
}

/// Why one direction ended.
enum Stop {
    /// A side closed, or its socket broke.
    Gone,
    /// The plan, or an order, ends the connection.
    Cut(Ending),
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Carries one connection until it ends. Both sockets are closed when this returns.
pub(super) async fn relay(
    shared: Arc<Shared>,
    line: Line,
    mut gateway: TcpStream,
    mut telegram: TcpStream,
) {
    let mut orders = shared.cuts.subscribe();
    let stop = {
        let (from_gateway, to_gateway) = gateway.split();
        let (from_telegram, to_telegram) = telegram.split();
        let up = carry(&shared, line, Way::ToTelegram, from_gateway, to_telegram);
        let down = carry(&shared, line, Way::ToGateway, from_telegram, to_gateway);
        let ended = tokio::select! {
            ended = up => ended,
            ended = down => ended,
            Ok(()) = orders.changed() => Err(Stop::Cut(*orders.borrow())),
        };
        match ended {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    };
    if let Stop::Cut(ending) = stop {
        shared.cut.send_modify(|count| *count += 1);
        if ending == Ending::Reset {
            for stream in [&gateway, &telegram] {
                // It may be gone already.
                let _ = stream.set_zero_linger();
            }
        }
    }
}

async fn carry(
    shared: &Shared,
    line: Line,
    way: Way,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> Result<Infallible, Stop> {
    let mut modes = shared.modes.subscribe();
    let mut bytes = Vec::with_capacity(PIECE);
    let mut offset = 0;
    loop {
        let Some(plan) = shared.plan(line, &mut modes) else {
            return Err(Stop::Cut(Ending::Reset));
        };
        // Counted anew when the mode changes, like the plan.
        let mut left = plan
            .cut
            .filter(|cut| cut.way == way)
            .map(|cut| (cut.after, cut.ending));
        loop {
            if held(&plan, way) {
                // The sender is the hub's, which is there as long as this runs.
                let _ = modes.changed().await;
                break;
            }
            if bytes.is_empty() {
                tokio::select! {
                    read = from.read_buf(&mut bytes) => if read? == 0 {
                        return Err(Stop::Gone);
                    },
                    Ok(()) = modes.changed() => break,
                }
                let before = bytes.len() as u64;
                shared.change(line, way, offset, &mut bytes);
                offset += before;
            }
            tokio::select! {
                passed = pass(&plan, &mut left, &mut bytes, &mut to) => passed?,
                Ok(()) = modes.changed() => break,
            }
        }
    }
}

const fn held(plan: &Plan, way: Way) -> bool {
    match way {
        Way::ToTelegram => plan.deaf,
        Way::ToGateway => plan.mute,
    }
}

/// Passes bytes on. Dropped in between, it has removed from `bytes` what it wrote.
async fn pass(
    plan: &Plan,
    left: &mut Option<(u64, Ending)>,
    bytes: &mut Vec<u8>,
    to: &mut WriteHalf<'_>,
) -> Result<(), Stop> {
    loop {
        let mut piece = plan.slice.unwrap_or(PIECE).min(bytes.len());
        if let Some((left, ending)) = *left {
            if left == 0 {
                return Err(Stop::Cut(ending));
            }
            piece = piece.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        if piece == 0 {
            return Ok(());
        }
        if !plan.delay.is_zero() {
            sleep(plan.delay).await;
        }
        let wrote = to.write(bytes.get(..piece).unwrap_or_default()).await?;
        bytes.drain(..wrote);
        if let Some((left, _)) = left {
            *left -= wrote as u64;
        }
    }
}

/// Follows a value until it is no longer what it was.
pub(super) async fn until<T>(watched: &mut watch::Receiver<T>, is: impl Fn(&T) -> bool) {
    // The sender is the hub's.
    let _ = watched.wait_for(is).await;
}

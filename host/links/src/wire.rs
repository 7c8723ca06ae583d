use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use sluice_mtproto::transport::{Frame, Framing};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::board::Board;
use crate::connect::Connected;
use crate::ways::Hold;

/// More than this waiting to be written, and the session is asked for no more packets.
const BACKLOG: usize = 1 << 20;
/// Room to read into while little comes, and while much comes.
const ROOM: (usize, usize) = (4 << 10, 64 << 10);

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the server closed the connection")]
    Closed,
    #[error(
        "the proxy closed the connection before the first answer, as one does that has another secret"
    )]
    NotLetIn,
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("bad framing: {0}")]
    Framing(#[from] sluice_mtproto::transport::FramingError),
    /// Telegram's complaint, by its positive number.
    #[error("transport error -{0}")]
    Transport(i32),
}

impl WireError {
    /// A stable name for counting.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::NotLetIn => "proxy",
            Self::Io(_) => "io",
            Self::Framing(_) => "framing",
            Self::Transport(404) => "key_unknown",
            Self::Transport(429) => "flood",
            Self::Transport(444) => "wrong_dc",
            Self::Transport(403) => "forbidden",
            Self::Transport(_) => "transport",
        }
    }
}

/// One connection and its framing. Dropping it closes the socket.
pub(crate) struct Wire {
    stream: TcpStream,
    framing: Framing,
    incoming: BytesMut,
    outgoing: BytesMut,
    room: usize,
    moved: Instant,
    board: Arc<Board>,
    /// Behind a proxy that has not passed on an answer yet.
    unheard: bool,
    /// Let go only when the socket is closed: fields are dropped in their order.
    _hold: Hold,
}

impl Wire {
    pub(crate) fn new(connected: Connected, board: Arc<Board>) -> Self {
        Self {
            stream: connected.stream,
            framing: connected.framing,
            incoming: connected.incoming,
            outgoing: BytesMut::new(),
            room: ROOM.0,
            moved: Instant::now(),
            board,
            unheard: connected.shy,
            _hold: connected.hold,
        }
    }

    /// Takes a packet to be written by [`Wire::turn`].
    pub(crate) fn send(&mut self, packet: &[u8]) {
        self.framing.encode(packet, &mut self.outgoing);
    }

    /// When the line was last seen to move bytes, whole packets or not.
    pub(crate) const fn moved(&self) -> Instant {
        self.moved
    }

    /// Whether there is room for more packets.
    pub(crate) fn roomy(&self) -> bool {
        self.outgoing.len() < BACKLOG
    }

    /// Reads or writes something. Nothing is lost when the future is dropped.
    pub(crate) async fn turn(&mut self) -> Result<(), WireError> {
        let (reader, mut writer) = self.stream.split();
        tokio::select! {
            readable = reader.readable() => {
                // Room is made only when there is something to read: a quiet link holds none.
                self.incoming.reserve(self.room);
                let read = match readable.and_then(|()| reader.try_read_buf(&mut self.incoming)) {
                    // It looked as if there was something.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Ok(0) | Err(_) if self.unheard => return Err(WireError::NotLetIn),
                    Ok(0) => return Err(WireError::Closed),
                    read => read?,
                };
                self.unheard = false;
                self.room = if read >= self.room { ROOM.1 } else { ROOM.0 };
                self.moved = Instant::now();
                self.board.received(read);
            }
            wrote = writer.write_buf(&mut self.outgoing), if !self.outgoing.is_empty() => {
                match wrote {
                    Ok(wrote) => self.board.sent(wrote),
                    // What the server said before it closed may still be read: -404, say.
                    Err(_) => self.outgoing.clear(),
                }
                if !self.outgoing.is_empty() {
                    // The system took what the other side made room for. (Into an empty buffer it
                    // takes everything, whether somebody is there or not.)
                    self.moved = Instant::now();
                }
                if self.outgoing.is_empty() {
                    self.outgoing = BytesMut::new();
                }
            }
        }
        Ok(())
    }

    /// The next packet that was read.
    pub(crate) fn packet(&mut self) -> Result<Option<BytesMut>, WireError> {
        while let Some(frame) = self.framing.decode(&mut self.incoming)? {
            match frame {
                Frame::Packet(packet) => return Ok(Some(packet)),
                Frame::TransportError(code) => return Err(WireError::Transport(code)),
                Frame::QuickAck(_) => {}
            }
        }
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
        }
        Ok(None)
    }

    /// Waits for the next packet, writing what is to be written.
    pub(crate) async fn next(&mut self) -> Result<BytesMut, WireError> {
        loop {
            if let Some(packet) = self.packet()? {
                return Ok(packet);
            }
            self.turn().await?;
        }
    }

    /// Writes what is left. For a close that should not lose the last acknowledgements.
    pub(crate) async fn finish(mut self) -> Result<(), WireError> {
        self.stream.write_all_buf(&mut self.outgoing).await?;
        self.stream.shutdown().await?;
        Ok(())
    }
}

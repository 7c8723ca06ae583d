//! A port: opened, closed, opened again on the same address.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpSocket},
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Hub, connection, link::Link};

/// For how long opening a port again is tried: between stop and start the system may have lent it
/// to an outgoing connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open port with everything that came in through it.
#[derive(Clone)]
pub(crate) struct Door {
    /// Ends everything.
    cut: CancellationToken,
    /// Ends the connections of now; replaced each time.
    links: Arc<Mutex<CancellationToken>>,
    tasks: TaskTracker,
}

impl Door {
    /// Binds an address; port 0 takes a free one.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Connections that were cut a moment ago must not keep the port.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(1_024)
    }

    /// Binds an address that was in use a moment ago.
    pub(crate) async fn bind_again(address: SocketAddr) -> io::Result<TcpListener> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::bind(address) {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => sleep(Duration::from_millis(50)).await,
                bound => return bound,
            }
        }
    }

    /// Lets clients in.
    pub(crate) fn open(hub: &Arc<Hub>, listener: TcpListener, dc: i32, media: bool) -> Self {
        let cut = CancellationToken::new();
        let door = Self {
            links: Arc::new(Mutex::new(cut.child_token())),
            cut,
            tasks: TaskTracker::new(),
        };
        door.tasks
            .spawn(accept(Arc::clone(hub), listener, dc, media, door.clone()));
        door
    }

    /// Closes the connections of now; the port stays open.
    pub(crate) fn cut_links(&self) {
        let fresh = self.cut.child_token();
        std::mem::replace(&mut *self.links.lock(), fresh).cancel();
    }

    /// Closes the port and all its connections, and waits until they are gone.
    pub(crate) async fn close(self) {
        self.cut.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(hub: Arc<Hub>, listener: TcpListener, dc: i32, media: bool, door: Door) {
    loop {
        let accepted = tokio::select! {
            () = door.cut.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: some will be free in a moment.
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        let link = Arc::new(Link {
            id: hub.next_link(),
            dc,
            media,
            wake: tokio::sync::Notify::new(),
            cut: door.links.lock().child_token(),
            bend: Mutex::default(),
        });
        door.tasks
            .spawn(connection::serve(Arc::clone(&hub), stream, link));
    }
}

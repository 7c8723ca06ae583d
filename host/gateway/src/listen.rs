use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sluice_config::Config;
use sluice_store::DataDir;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use crate::StartError;

/// What the system may hold for a connection whose client reads nothing. By itself Linux lets that
/// grow to 4 MiB for each of them; it doubles what is asked for here.
const SEND_BUFFER: u32 = 256 * 1024;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Every socket the gateway listens on.
pub(crate) struct Listeners {
    pub api: TcpListener,
    pub admin: TcpListener,
    pub socket: UnixListener,
    /// Where the API came to listen.
    pub listen: SocketAddr,
    /// Where the admin listener came to listen.
    pub admin_listen: SocketAddr,
}

impl Listeners {
    pub fn open(config: &Config, data: &DataDir) -> Result<Self, StartError> {
        let (api, listen) = tcp(config.server.listen)?;
        let (admin, admin_listen) = tcp(config.server.admin_listen)?;
        let socket = unix(&data.admin_socket())?;
        Ok(Self {
            api,
            admin,
            socket,
            listen,
            admin_listen,
        })
    }
}

fn tcp(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen {
        address: address.to_string(),
        source,
    };
    let listener = bind(address).map_err(refused)?;
    let local = listener.local_addr().map_err(refused)?;
    Ok((listener, local))
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The admin socket. What is left of an earlier one is removed: the lock on the data directory says
/// that nobody listens there.
fn unix(path: &Path) -> Result<UnixListener, StartError> {
    let refused = |source| StartError::Listen {
        address: path.display().to_string(),
        source,
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(refused(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(refused)?;
    // Until here the directory's 0700 keeps others out.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
    Ok(listener)
}

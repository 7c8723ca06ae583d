//! The accept loop: time for headers, a cap on connections, an end within a deadline.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::socket::Socket;

/// Where connections come from.
pub enum Listener {
    /// The network.
    Tcp(TcpListener),
    /// The admin socket.
    Unix(UnixListener),
}

/// How connections are served.
#[derive(Clone)]
pub struct ServeOptions {
    /// Connections at once; further ones wait in the system's queue.
    pub connections: Arc<Semaphore>,
    /// How long a client may take to send a request's head, and how long a connection may idle.
    pub header_timeout: Duration,
    /// How long a client may take none of what is written to it.
    pub write_timeout: Duration,
    /// How long requests under way may take after `closing`.
    pub drain: Duration,
    /// Cancelled when the gateway begins to stop.
    pub closing: CancellationToken,
    /// Tasks of connections.
    pub tracker: TaskTracker,
}

/// The largest head of a request: eight times what proxies commonly let through.
const HEAD_BYTES: usize = 64 * 1024;

/// How long accepting pauses when the system refuses (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long sockets may take to say goodbye after the time to drain is over.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Serves connections until `closing`, then waits for those under way. Returns when all are gone.
pub async fn serve(listener: Listener, router: Router, options: ServeOptions) {
    let connections = TaskTracker::new();
    let end = CancellationToken::new();
    loop {
        let permit = tokio::select! {
            biased;
            () = options.closing.cancelled() => break,
            permit = Arc::clone(&options.connections).acquire_owned() => permit,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            biased;
            () = options.closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let held = (permit, connections.token(), options.tracker.token());
        let run = Connection {
            router: router.clone(),
            options: options.clone(),
            end: end.clone(),
        };
        match accepted {
            Ok(Stream::Tcp(stream)) => connections.spawn(run.run(stream, held)),
            Ok(Stream::Unix(stream)) => connections.spawn(run.run(stream, held)),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(options.drain, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(open = connections.len(), "the time to drain is over");
        end.cancel();
        // Upgraded sockets end by themselves within their own deadlines.
        let _ = tokio::time::timeout(LAST_PATIENCE, connections.wait()).await;
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> std::io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small and whole: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// What a connection needs of the loop.
struct Connection {
    router: Router,
    options: ServeOptions,
    end: CancellationToken,
}

impl Connection {
    async fn run<S, H>(self, stream: S, held: H)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        H: Send + Unpin + 'static,
    {
        let io = TokioIo::new(Socket::new(stream, self.options.write_timeout, held));
        let service = TowerToHyperService::new(self.router);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.header_timeout)
            .max_buf_size(HEAD_BYTES);
        let mut connection = pin!(builder.serve_connection(io, service).with_upgrades());
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.options.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.end.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            // Clients break off, send garbage, or are too slow: their business, not an error of ours.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

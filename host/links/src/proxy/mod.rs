//! What proxies are told, before the stream is Telegram's.

mod http;
mod mtproxy;
mod socks5;

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

pub(crate) use {http::connect as http, mtproxy::connect as mtproxy, socks5::connect as socks5};

/// Why a proxy was of no use. No message contains a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the proxy cannot be reached within the time allowed")]
    ConnectTimeout,
    #[error("the proxy cannot be reached: {0}")]
    Connect(io::Error),
    #[error("the proxy did not answer {0} within the time allowed")]
    Silent(&'static str),
    #[error("the connection to the proxy broke at {0}: {1}")]
    Broken(&'static str, io::Error),
    #[error("the proxy closed the connection at {0}")]
    Closed(&'static str),
    #[error("the proxy wants a name and a password")]
    WantsPassword,
    #[error("the proxy refused the name or the password")]
    Password,
    #[error("the proxy does not connect to the data center: {0}")]
    Refused(&'static str),
    #[error("the proxy does not connect to the data center: it answered {0}")]
    Status(u16),
    #[error("what answers is no {0} proxy")]
    Foreign(&'static str),
    #[error("the proxy does not know the secret: its TLS hello is refused: {0}")]
    Tls(#[from] sluice_mtproto::transport::tls::TlsError),
}

impl ProxyError {
    /// Whether the proxy works and the data center's address may be at fault.
    pub(crate) const fn blames_address(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Status(_))
    }
}

/// A conversation with a proxy, with one deadline for all of it.
pub(crate) struct Talk<'a> {
    stream: &'a mut TcpStream,
    deadline: Instant,
    /// Read and not yet taken.
    pub(crate) incoming: BytesMut,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(stream: &'a mut TcpStream, deadline: Instant) -> Self {
        Self {
            stream,
            deadline,
            incoming: BytesMut::new(),
        }
    }

    async fn say(&mut self, step: &'static str, bytes: &[u8]) -> Result<(), ProxyError> {
        timeout_at(self.deadline, self.stream.write_all(bytes))
            .await
            .map_err(|_| ProxyError::Silent(step))?
            .map_err(|error| ProxyError::Broken(step, error))
    }

    /// Waits for more.
    async fn more(&mut self, step: &'static str) -> Result<(), ProxyError> {
        let read = timeout_at(self.deadline, self.stream.read_buf(&mut self.incoming))
            .await
            .map_err(|_| ProxyError::Silent(step))?
            .map_err(|error| ProxyError::Broken(step, error))?;
        if read == 0 {
            return Err(ProxyError::Closed(step));
        }
        Ok(())
    }

    /// The next so many bytes.
    async fn hear<const N: usize>(&mut self, step: &'static str) -> Result<[u8; N], ProxyError> {
        loop {
            if let Some(bytes) = self.incoming.first_chunk::<N>() {
                let bytes = *bytes;
                let _ = self.incoming.split_to(N);
                return Ok(bytes);
            }
            self.more(step).await?;
        }
    }
}

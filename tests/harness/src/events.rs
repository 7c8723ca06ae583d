use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

/// How long an event may take to come before a test fails. Long, because test machines are slow; no
/// test waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn request(url: &str, key: Option<&str>) -> anyhow::Result<Request> {
    let mut request = url.into_client_request()?;
    if let Some(key) = key {
        let value = format!("Bearer {key}").parse()?;
        request.headers_mut().insert("authorization", value);
    }
    Ok(request)
}

/// An open WebSocket of events.
pub struct Events {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The close code.
    pub code: u16,
    /// The reason.
    pub reason: String,
}

impl Events {
    /// Connects to a `ws://` URL with a key.
    pub async fn connect(url: &str, key: Option<&str>) -> anyhow::Result<Self> {
        let (socket, _) = connect_async(request(url, key)?).await?;
        Ok(Self { socket })
    }

    /// As [`connect`](Self::connect), with a system that keeps as little as it can for a client that
    /// does not read.
    pub async fn connect_slow(
        address: SocketAddr,
        url: &str,
        key: Option<&str>,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let stream = MaybeTlsStream::Plain(socket.connect(address).await?);
        let (socket, _) = client_async(request(url, key)?, stream).await?;
        Ok(Self { socket })
    }

    /// The next event.
    pub async fn next(&mut self) -> anyhow::Result<Value> {
        self.until(|_| true).await
    }

    /// The next event of a type.
    pub async fn next_of(&mut self, kind: &str) -> anyhow::Result<Value> {
        self.until(|event| event.get("type") == Some(&kind.into()))
            .await
            .with_context(|| format!("waiting for {kind}"))
    }

    /// The next event that fits; those before it are dropped.
    pub async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut passed = Vec::new();
        let search = async {
            loop {
                match self.socket.next().await.context("the stream has ended")?? {
                    Message::Text(text) => {
                        let event: Value = serde_json::from_str(&text)?;
                        if fits(&event) {
                            return Ok(event);
                        }
                        passed.push(event);
                    }
                    Message::Close(frame) => anyhow::bail!("closed: {frame:?}"),
                    _ => {}
                }
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => anyhow::bail!("no such event came; these did: {passed:#?}"),
        }
    }

    /// Reads on until the gateway closes the stream.
    pub async fn ended(&mut self) -> anyhow::Result<Ended> {
        self.ended_after(|_| {}).await
    }

    /// Reads on until the gateway closes the stream, and looks at what comes before.
    pub async fn ended_after(&mut self, mut look: impl FnMut(&Value)) -> anyhow::Result<Ended> {
        let search = async {
            while let Some(message) = self.socket.next().await {
                match message? {
                    Message::Text(text) => look(&serde_json::from_str(&text)?),
                    Message::Close(Some(frame)) => {
                        return Ok(Ended {
                            code: frame.code.into(),
                            reason: frame.reason.to_string(),
                        });
                    }
                    _ => {}
                }
            }
            anyhow::bail!("the stream ended without a close")
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .context("the stream does not end")?
    }

    /// Closes the stream.
    pub async fn close(mut self) -> anyhow::Result<()> {
        self.socket.close(None).await?;
        while let Some(Ok(_)) = self.socket.next().await {}
        Ok(())
    }

    /// Sends a message, as a client would.
    pub async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        Ok(self.socket.send(message).await?)
    }
}

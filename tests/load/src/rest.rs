//! A caller over one kept-alive HTTP connection, with as little of its own as possible.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One connection to the gateway.
pub struct Caller {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
}

impl Caller {
    /// Connects to a URL of the form `http://HOST:PORT`.
    pub async fn open(url: &str, key: &str) -> Result<Self> {
        let host = url
            .strip_prefix("http://")
            .context("an http URL")?
            .trim_end_matches('/')
            .to_owned();
        let socket = TcpStream::connect(&host).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host,
            authorization: format!("Bearer {key}"),
        })
    }

    /// `POST /api/telegram/call/{method}` with an empty object.
    pub async fn call(&mut self, method: &str) -> Result<Bytes> {
        let request = Request::post(format!("/api/telegram/call/{method}"))
            .header("host", &self.host)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{}")))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success(),
            "{status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}

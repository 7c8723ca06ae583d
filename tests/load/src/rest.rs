//! A caller over one kept-alive HTTP connection, with as little of its own as possible.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
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
        let path = format!("/api/telegram/call/{method}");
        self.send(&path, Bytes::from_static(b"{}")).await
    }

    /// The same for one account.
    pub async fn call_as(&mut self, account: &str, method: &str) -> Result<Bytes> {
        let path = format!("/api/telegram/call/{method}?account={account}");
        self.send(&path, Bytes::from_static(b"{}")).await
    }

    /// `POST` of a JSON body.
    pub async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.send(path, Bytes::from(body.to_string())).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn send(&mut self, path: &str, body: Bytes) -> Result<Bytes> {
        let request = Request::post(path)
            .header("host", &self.host)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Full::new(body))?;
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

use std::io;
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// The command line's way to a running gateway.
pub(crate) struct AdminClient {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl AdminClient {
    /// Connects to the socket; none when no gateway listens there.
    pub async fn connect(socket: &Path) -> anyhow::Result<Option<Self>> {
        let stream = match UnixStream::connect(socket).await {
            Ok(stream) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("connecting to {}", socket.display()));
            }
        };
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a short-lived command: the task ends with the one connection it drives"
        )]
        tokio::spawn(connection);
        Ok(Some(Self { sender }))
    }

    /// Makes a request; an error answer is an error with the problem's own words.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let body = body.map(|body| ("application/json", Bytes::from(body.to_string())));
        self.send(method, path, body).await
    }

    /// The same with a body of any kind: its media type and its bytes.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> anyhow::Result<Value> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "admin.sock");
        if let Some((kind, _)) = &body {
            request = request.header(header::CONTENT_TYPE, *kind);
        }
        let bytes = body.map(|(_, bytes)| bytes).unwrap_or_default();
        let request = request.body(Full::new(bytes))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        let answer: Value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).context("the gateway's answer is not JSON")?
        };
        if status.is_success() {
            return Ok(answer);
        }
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut words = text("detail").unwrap_or_else(|| status.to_string());
        for error in answer
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let part = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
            words.extend(["\n  ", part("pointer"), " ", part("detail")]);
        }
        if let Some(advice) = text("advice") {
            words.extend(["\n", &advice]);
        }
        anyhow::bail!(words)
    }
}

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use sluice_domain::Secret;

use crate::{Answer, Events};

/// Somebody with a key of a gateway.
pub struct Client {
    url: String,
    admin_url: String,
    key: Secret<String>,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(url: String, admin_url: String, key: Secret<String>) -> Self {
        Self {
            url,
            admin_url,
            key,
            http: reqwest::Client::new(),
        }
    }

    /// The key with every scope.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    /// A request with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare_request(method, path).bearer_auth(self.key())
    }

    /// A request without a key.
    pub fn bare_request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A request to the admin listener, without a key.
    pub fn admin_request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.admin_url))
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::GET, path).send().await?).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        let request = self.request(Method::POST, path).json(&body);
        Answer::read(request.send().await?).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        let request = self.request(Method::PATCH, path).json(&body);
        Answer::read(request.send().await?).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::DELETE, path).send().await?).await
    }

    /// Calls a method of Telegram's for an account.
    pub async fn call(&self, account: &str, method: &str, params: Value) -> anyhow::Result<Answer> {
        let path = format!("/api/telegram/call/{method}?account={account}");
        self.post(&path, params).await
    }

    /// The same, with patience for known waits.
    pub async fn patient_call(
        &self,
        account: &str,
        method: &str,
        params: Value,
        seconds: u64,
    ) -> anyhow::Result<Answer> {
        let path = format!("/api/telegram/call/{method}?account={account}");
        let request = self.request(Method::POST, &path).header("x-wait", seconds);
        Answer::read(request.json(&params).send().await?).await
    }

    /// A WebSocket of events; `query` is what follows the question mark.
    pub async fn events(&self, query: &str) -> anyhow::Result<Events> {
        Events::connect(&self.events_url(query), Some(self.key())).await
    }

    /// As [`events`](Self::events), from a client whose system keeps little of what it does not read.
    pub async fn slow_events(&self, query: &str) -> anyhow::Result<Events> {
        let address = self.url.replacen("http://", "", 1).parse()?;
        Events::connect_slow(address, &self.events_url(query), Some(self.key())).await
    }

    /// A figure of `/metrics`, summed over its labels.
    pub async fn figure(&self, name: &str) -> anyhow::Result<f64> {
        let request = self.admin_request(Method::GET, "/metrics");
        let text = request.bearer_auth(self.key()).send().await?.text().await?;
        let values = text.lines().filter_map(|line| {
            let (label, value) = line.rsplit_once(' ')?;
            let stem = label.split('{').next()?;
            (stem == name).then(|| value.parse::<f64>().ok())?
        });
        Ok(values.sum())
    }

    /// Where events are, for a WebSocket.
    pub fn events_url(&self, query: &str) -> String {
        let base = self.url.replacen("http", "ws", 1);
        format!("{base}/api/events?{query}")
    }

    /// Waits until an account's `connected` is as expected.
    pub async fn connected(&self, account: &str, connected: bool) -> anyhow::Result<()> {
        let mut events = self
            .events(&format!("types=status&account={account}"))
            .await?;
        events
            .until(|event| event.get("connected") == Some(&connected.into()))
            .await?;
        events.close().await
    }
}

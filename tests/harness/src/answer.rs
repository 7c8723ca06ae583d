use serde_json::Value;

/// What the gateway answered to a request.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; null when it is empty, a string when it is not JSON.
    pub body: Value,
}

impl Answer {
    /// Reads an answer to its end.
    pub async fn read(response: reqwest::Response) -> anyhow::Result<Self> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// The body of an answer that has to have this status.
    pub fn expect(self, status: u16) -> anyhow::Result<Value> {
        anyhow::ensure!(
            self.status == status,
            "expected {status}, got {}: {:#}",
            self.status,
            self.body
        );
        Ok(self.body)
    }

    /// The problem of an answer that has to be one, with this status and code, in full.
    pub fn problem(self, status: u16, code: &str) -> anyhow::Result<Value> {
        let kind = self.header("content-type").unwrap_or_default().to_owned();
        anyhow::ensure!(
            kind == "application/problem+json",
            "not a problem: {kind} {:#}",
            self.body
        );
        let body = self.expect(status)?;
        for field in [
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "success",
            "message",
            "code",
            "category",
            "retryable",
        ] {
            anyhow::ensure!(body.get(field).is_some(), "no {field} in {body:#}");
        }
        anyhow::ensure!(
            body.get("code") == Some(&code.into()),
            "expected {code}: {body:#}"
        );
        Ok(body)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

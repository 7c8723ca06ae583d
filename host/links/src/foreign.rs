use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_tl::Schema;
use tokio::time::{Instant, timeout_at};

use crate::shared::{Seat, main_seat};
use crate::{CallError, Pool, Target};

impl Pool {
    /// Calls a method, given as its TL bytes without any wrapper, and returns the bytes of the
    /// result. Waits for the link to be connected, until the deadline. What Telegram says is on
    /// another data center (FILE_MIGRATE, STATS_MIGRATE) is called there; when it names one that has
    /// sent the call on already, that error is the result.
    pub async fn call(
        &self,
        target: Target,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, CallError> {
        let mut target = target;
        let mut asked = vec![self.dc(target)];
        loop {
            let result = self.call_at(target, body.clone(), deadline).await;
            let Err(CallError::Rpc { code: 303, message }) = &result else {
                return result;
            };
            match moved(message) {
                Some((to, dc)) if !asked.contains(&dc) => {
                    asked.push(dc);
                    target = to;
                }
                _ => return result,
            }
        }
    }

    fn dc(&self, target: Target) -> i32 {
        match target {
            Target::Main => self.home_dc(),
            Target::Dc(dc) | Target::Media(dc) => dc,
        }
    }

    async fn call_at(
        &self,
        target: Target,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, CallError> {
        let home = main_seat(&self.shared.table.lock());
        let seat = match target {
            Target::Main => home,
            Target::Media(dc) if self.shared.addresses.has(Seat::media(dc, 0)) => {
                Seat::media(dc, 0)
            }
            // Without an address for media the ordinary link serves: two connections to an
            // ordinary address are what gets a key duplicated.
            Target::Dc(dc) | Target::Media(dc) => Seat::calls(dc),
        };
        if seat.dc == home.dc {
            return self.submit(seat, body, deadline).await;
        }
        for _ in 0..2 {
            self.authorize(seat.dc, deadline).await?;
            match self.submit(seat, body.clone(), deadline).await {
                // Only this data center has forgotten the authorization, or ended it: no log-out.
                Err(CallError::Rpc { code, message })
                    if code == 401 && message != "SESSION_PASSWORD_NEEDED"
                        || message == "AUTH_KEY_DUPLICATED" =>
                {
                    if let Err(error) = self.shared.keys.mark(seat.dc, false).await {
                        tracing::warn!(dc = seat.dc, %error, "the mark of the key could not be saved");
                    }
                }
                result => return result,
            }
        }
        Err(CallError::NotConnected {
            reason: format!("data center {} does not take the authorization", seat.dc),
        })
    }

    /// Takes the authorization to another data center, unless it is there.
    async fn authorize(&self, dc: i32, deadline: Instant) -> Result<(), CallError> {
        let making = self.shared.keys.making(dc);
        let _making = timeout_at(deadline, making.lock())
            .await
            .map_err(|_| CallError::Deadline { sent: false })?;
        if self.shared.keys.authorized(dc) {
            return Ok(());
        }
        let home = main_seat(&self.shared.table.lock());
        let params = Map::from_iter([("dc_id".to_owned(), Value::from(dc))]);
        let exported = self
            .ask(home, "auth.exportAuthorization", &params, deadline)
            .await?;
        let params = ["id", "bytes"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), exported.get(key)?.clone())))
            .collect();
        let seat = Seat::calls(dc);
        self.ask(seat, "auth.importAuthorization", &params, deadline)
            .await?;
        self.shared
            .keys
            .mark(dc, true)
            .await
            .map_err(|error| CallError::NotConnected {
                reason: format!("data center {dc}: {error}"),
            })
    }

    /// One of the pool's own calls, which changes nothing that a caller asked for: whatever
    /// happens to it, the caller's call was not sent.
    async fn ask(
        &self,
        seat: Seat,
        method: &str,
        params: &Map<String, Value>,
        deadline: Instant,
    ) -> Result<Value, CallError> {
        let schema = Schema::newest();
        let not_sent = |reason: String| CallError::NeverSent {
            reason: format!("{method}: {reason}"),
        };
        let body = schema
            .encode_call(method, params)
            .map_err(|error| not_sent(error.to_string()))?;
        let answer = match self.submit(seat, body.into(), deadline).await {
            Ok(answer) => answer,
            Err(CallError::MaybeExecuted { reason }) => return Err(not_sent(reason)),
            Err(CallError::Deadline { .. }) => return Err(CallError::Deadline { sent: false }),
            Err(other) => return Err(other),
        };
        schema
            .decode_result(method, &answer)
            .map_err(|error| not_sent(error.to_string()))
    }
}

/// Where the file or the statistics are, if that is what Telegram says. (That a user is at home
/// elsewhere is the business of whoever signs in.)
fn moved(message: &str) -> Option<(Target, i32)> {
    let (kind, dc) = message.rsplit_once("_MIGRATE_")?;
    let dc = dc.parse().ok()?;
    let target = match kind {
        "FILE" => Target::Media(dc),
        "STATS" => Target::Dc(dc),
        _ => return None,
    };
    Some((target, dc))
}

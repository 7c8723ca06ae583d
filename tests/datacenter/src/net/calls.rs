//! The way of a call: unwrapped, written down, bent by rules, executed, answered in the client's
//! layer.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_mtproto::session::RpcError;
use sluice_tl::{DecodeError, Schema, Wrappers, tail};

use super::{Hub, bend::Bend, bomb::bomb, layers, link::Link, session::Session};
use crate::{
    journal::{JournalEntry, Outcome},
    refusal::Refusal,
    rpc,
    rules::{Action, Stage},
    value::{Fields, long},
    world::authorization::{Device, hex},
};

/// A call that was understood.
struct Decoded {
    schema: &'static Schema,
    method: &'static str,
    result: String,
    params: Map<String, Value>,
    /// Large bytes of the parameters.
    bulk: Option<Bytes>,
}

/// What becomes of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Send,
    /// Keep it for when the client comes back, and close the connection.
    Lose,
    /// Never give it.
    Drop,
    /// Do this to the packet that carries it.
    Bend(Bend),
}

impl Hub {
    /// Takes a call off a connection. `overtaken`: a newer connection has used the key already.
    pub(super) fn call(
        self: &Arc<Self>,
        session: &Arc<Session>,
        link: &Arc<Link>,
        msg_id: i64,
        body: &[u8],
        overtaken: bool,
    ) {
        let decoded = self.decode(session, link, body);
        let key = session.key.id();
        let account = self.world.lock().signed_in(key).map(|(_, user)| user);
        let method = decoded.as_ref().map_or("", |d| d.method);
        let entry = self.record(JournalEntry {
            seq: 0,
            at: self.clock.now(),
            dc: link.dc,
            media: link.media,
            account,
            auth_key_id: hex(key),
            session: format!("{:016x}", session.id),
            link: link.id,
            msg_id: msg_id.to_string(),
            method: method.to_owned(),
            random_id: decoded.as_ref().ok().and_then(random_id),
            executed: false,
            outcome: Outcome::Pending,
        });
        if overtaken {
            self.world.lock().duplicated(key);
        }
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(refusal) => return self.refuse(session, link, msg_id, entry, refusal),
        };
        let execute = |answer| self.execute(session, link, msg_id, entry, &decoded, answer);
        match self.decide(Stage::Call, link, account, &[method]) {
            Some(Action::RpcError { code, name }) => {
                self.refuse(session, link, msg_id, entry, Refusal::new(code, name));
            }
            Some(Action::Delay(ms)) => {
                let (hub, session, link) =
                    (Arc::clone(self), Arc::clone(session), Arc::clone(link));
                self.tracker.spawn(async move {
                    let delay = tokio::time::sleep(Duration::from_millis(ms));
                    if hub.ending.run_until_cancelled(delay).await.is_some() {
                        hub.execute(&session, &link, msg_id, entry, &decoded, Answer::Send);
                    }
                });
            }
            Some(Action::Silence) => self.finish(entry, Outcome::Silenced),
            Some(Action::Mute) => execute(Answer::Drop),
            Some(Action::LoseAnswer) => execute(Answer::Lose),
            Some(Action::CutAnswer(at)) => execute(Answer::Bend(Bend::Cut(at))),
            Some(Action::HalfOpen) => execute(Answer::Bend(Bend::Freeze)),
            Some(Action::RepeatAnswer) => execute(Answer::Bend(Bend::Repeat)),
            Some(Action::ReplayAnswer) => execute(Answer::Bend(Bend::Replay)),
            Some(Action::HoldAnswer) => execute(Answer::Bend(Bend::Hold)),
            Some(Action::ForgeAnswer(forgery)) => execute(Answer::Bend(Bend::Forge(forgery))),
            Some(Action::GzipBomb) => {
                self.answer(session, link, msg_id, Ok(bomb()), Answer::Send);
                self.finish(entry, Outcome::Error("GZIP_BOMB".into()));
            }
            Some(Action::Disconnect) => {
                session.key.destroy_session(session.id);
                link.cut.cancel();
                self.finish(entry, Outcome::Disconnected);
            }
            // All others act at another stage.
            _ => execute(Answer::Send),
        }
    }

    /// Takes the wrappers off, remembers what they said, and reads the query in its layer.
    fn decode(&self, session: &Session, link: &Link, body: &[u8]) -> Result<Decoded, Refusal> {
        let (wrappers, query) = Schema::newest()
            .unwrap_call(body)
            .map_err(|error| unreadable(&error))?;
        if let Some(layer) = wrappers.layer {
            session.set_layer(layer);
        }
        self.note_init(session, &wrappers);
        if !link.media && !wrappers.without_updates {
            session.subscribe();
        }
        if !session.key.initialised.load(Ordering::Relaxed) {
            return Err(Refusal::bad("CONNECTION_NOT_INITED"));
        }
        let schema = Schema::for_layer(session.layer());
        let (cut, bulk) = cut(schema, query).map_err(|error| unreadable(&error))?;
        let (method, params) = schema
            .decode_call(cut.as_deref().unwrap_or(query))
            .map_err(|error| unreadable(&error))?;
        Ok(Decoded {
            schema,
            method: method.name,
            result: method.result.to_string(),
            params,
            bulk,
        })
    }

    fn note_init(&self, session: &Session, wrappers: &Wrappers) {
        let Some(init) = &wrappers.init else {
            return;
        };
        session.key.initialised.store(true, Ordering::Relaxed);
        let device = Device::from_init(Fields::from(init));
        let mut world = self.world.lock();
        let key = session.key.id();
        if let Some((authorization, _)) = world.signed_in(key)
            && let Some(authorization) = world.authorizations.get_mut(&authorization)
            && authorization.home == Some(key)
        {
            authorization.device = device.clone();
        }
        if let Some(key) = world.keys.get_mut(&key) {
            key.device = Some(device);
        }
    }

    fn refuse(&self, session: &Session, link: &Link, msg_id: i64, entry: u64, refusal: Refusal) {
        let outcome = Outcome::Error(refusal.name.to_string());
        self.answer(session, link, msg_id, Err(refusal), Answer::Send);
        self.finish(entry, outcome);
    }

    fn execute(
        &self,
        session: &Session,
        link: &Link,
        msg_id: i64,
        entry: u64,
        call: &Decoded,
        answer: Answer,
    ) {
        let announced = Arc::clone(&self.announced.lock());
        let mut world = self.world.lock();
        let result = rpc::execute(
            &mut world,
            &announced,
            link.dc,
            session.key.id(),
            rpc::Request {
                method: call.method,
                params: Fields::from(&call.params),
                bulk: call.bulk.clone(),
            },
        );
        let result = result.and_then(|reply| encode(call, &reply));
        let outcome = match &result {
            _ if matches!(answer, Answer::Lose | Answer::Bend(Bend::Cut(_))) => {
                Outcome::Disconnected
            }
            _ if matches!(answer, Answer::Drop | Answer::Bend(Bend::Freeze)) => Outcome::Silenced,
            Ok(_) => Outcome::Ok,
            Err(refusal) => Outcome::Error(refusal.name.to_string()),
        };
        if answer == Answer::Lose {
            link.cut.cancel();
        }
        if result.is_ok() {
            self.executed(entry);
            self.keep(&world, call.method);
        }
        self.answer(session, link, msg_id, result.map(Bytes::from), answer);
        self.deliver(&mut world, Some(session));
        drop(world);
        self.finish(entry, outcome);
    }

    fn answer(
        &self,
        session: &Session,
        link: &Link,
        msg_id: i64,
        result: Result<Bytes, Refusal>,
        how: Answer,
    ) {
        match how {
            Answer::Drop => return,
            Answer::Bend(bend) => *link.bend.lock() = Some(bend),
            Answer::Send | Answer::Lose => {}
        }
        let result = result.map_err(|refusal| RpcError {
            code: refusal.code,
            message: refusal.name.into_owned(),
        });
        let now = self.now();
        session.state.lock().protocol.answer(msg_id, result, now);
        if how != Answer::Lose {
            session.wake();
        }
    }
}

/// Takes large bytes out of a query, if its method has them: the rest of it, and the bytes.
fn cut(schema: &Schema, query: &[u8]) -> Result<(Option<Vec<u8>>, Option<Bytes>), DecodeError> {
    let id = query.first_chunk().map(|id| u32::from_le_bytes(*id));
    let method = id.and_then(|id| schema.method_by_id(id));
    match method.and_then(|method| rpc::bulk_at(method.name)) {
        None => Ok((None, None)),
        Some(at) => {
            let (rest, bulk) = tail::cut(query, at)?;
            Ok((Some(rest), Some(Bytes::copy_from_slice(bulk))))
        }
    }
}

fn encode(call: &Decoded, reply: &rpc::Reply) -> Result<Vec<u8>, Refusal> {
    let mut encoded = layers::answer(call.schema, call.method, &call.result, &reply.value)?;
    match &reply.bulk {
        Some(bulk) if !tail::put(&mut encoded, bulk) => {
            Err(Refusal::new(500, "ANSWER_UNENCODABLE"))
        }
        _ => Ok(encoded),
    }
}

/// What Telegram says of bytes it cannot read.
fn unreadable(error: &DecodeError) -> Refusal {
    match error {
        DecodeError::UnknownId { id, at: 0, .. } => {
            Refusal::new(400, format!("INPUT_METHOD_INVALID_{id}"))
        }
        DecodeError::UnknownId { id, .. } => {
            Refusal::new(400, format!("INPUT_CONSTRUCTOR_INVALID_{id}"))
        }
        _ => Refusal::bad("INPUT_FETCH_ERROR"),
    }
}

fn random_id(call: &Decoded) -> Option<String> {
    let id = call.params.get("random_id")?;
    Some(long(id).to_string())
}

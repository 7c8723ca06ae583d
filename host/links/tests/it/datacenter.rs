//! The pool against the whole data center, in real time: what a sign-in, a message and an outage do.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sluice_datacenter::{Action, DataCenter, JournalFilter, Match, NewAccount, Options, Rule};
use sluice_domain::{AuthorizationId, Clock, DeviceIdentity, Random, UnixMillis};
use sluice_links::{
    CallError, ConnectGate, DcAddress, Limits, Pool, PoolEvent, PoolParams, Target, Topology,
};
use sluice_tl::Schema;
use tokio_util::task::TaskTracker;

use crate::store::Memory;
use crate::world::{Events, start, within};

/// The machine's own clock and randomness.
struct Real(std::time::Instant);

impl Clock for Real {
    fn now(&self) -> UnixMillis {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        UnixMillis(u64::try_from(passed.as_millis()).unwrap())
    }
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Random for Real {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

async fn pool(telegram: &DataCenter) -> (Pool, Events) {
    // Of the other data center the first one tells.
    let dcs = telegram.dcs().into_iter().take(1).flat_map(|dc| {
        [(dc.address, false), (dc.media_address, true)].map(|(at, media_only)| DcAddress {
            id: dc.id,
            host: at.ip().to_string(),
            port: at.port(),
            media_only,
        })
    });
    let keys = [telegram.public_key_pem().to_owned()];
    let real = Arc::new(Real(std::time::Instant::now()));
    let (pool, events) = start(PoolParams {
        account: "alice".parse().unwrap(),
        authorization: AuthorizationId(1),
        api_id: 6,
        device: DeviceIdentity::default(),
        topology: Arc::new(Topology::custom(dcs.collect(), &keys, false).unwrap()),
        home_dc: 1,
        store: Arc::new(Memory::default()),
        clock: Arc::clone(&real) as _,
        random: real,
        tracker: TaskTracker::new(),
        way: sluice_domain::Way::default(),
        gate: Arc::new(ConnectGate::default()),
        limits: Limits::default(),
    })
    .await;
    pool.open();
    (pool, events)
}

async fn ask(pool: &Pool, target: Target, method: &str, params: Value) -> Result<Value, CallError> {
    let schema = Schema::newest();
    let body = schema.encode_call(method, params.as_object().unwrap());
    let answer = pool.call(target, body.unwrap().into(), within(30)).await?;
    Ok(schema.decode_result(method, &answer).unwrap())
}

async fn invoke(pool: &Pool, method: &str, params: Value) -> Result<Value, CallError> {
    ask(pool, Target::Main, method, params).await
}

/// A user of data center 2, signed in by a pool that began at data center 1.
async fn signed_in(telegram: &DataCenter) -> (Pool, Events) {
    let phone = "9996621234";
    telegram
        .create_account(NewAccount {
            phone: Some(phone.to_owned()),
            ..NewAccount::default()
        })
        .unwrap();
    let (pool, events) = pool(telegram).await;
    let code = json!({
        "phone_number": phone, "api_id": 6, "api_hash": "hash", "settings": {"_": "codeSettings"},
    });
    let moved = invoke(&pool, "auth.sendCode", code.clone()).await;
    let expected = CallError::Rpc {
        code: 303,
        message: "PHONE_MIGRATE_2".to_owned(),
    };
    assert_eq!(moved.unwrap_err(), expected);
    pool.set_home_dc(2).await.unwrap();
    let sent = invoke(&pool, "auth.sendCode", code).await.unwrap();
    let sign_in = json!({
        "phone_number": phone, "phone_code_hash": sent["phone_code_hash"], "phone_code": "22222",
    });
    let signed = invoke(&pool, "auth.signIn", sign_in).await.unwrap();
    assert_eq!(signed["_"], "auth.authorization");
    pool.mark_authorized().await.unwrap();
    (pool, events)
}

async fn me(pool: &Pool, target: Target) -> Result<Value, CallError> {
    let myself = json!({"id": [{"_": "inputUserSelf"}]});
    ask(pool, target, "users.getUsers", myself).await
}

/// Breaks when the parts do not fit together: exchange, migration, sign-in, recycling without a
/// second session, and the authorization taken to another data center.
#[tokio::test]
async fn a_user_signs_in_where_the_number_lives_and_is_known_elsewhere() {
    let telegram = DataCenter::start(Options::default()).await.unwrap();
    let (pool, _events) = signed_in(&telegram).await;
    let user = me(&pool, Target::Main).await.unwrap();
    assert_eq!(user[0]["phone"], "9996621234");
    pool.cleanup(false).await;
    assert_eq!(me(&pool, Target::Main).await.unwrap(), user);
    let elsewhere = me(&pool, Target::Dc(1)).await.unwrap();
    assert_eq!(elsewhere[0]["id"], user[0]["id"]);
    pool.close().await;
    telegram.shutdown().await;
}

/// Breaks when a data center that is stopped and started again is not found again by itself, or a
/// call that was under way is executed twice.
#[tokio::test]
async fn an_outage_is_survived_and_nothing_is_executed_twice() {
    let telegram = DataCenter::start(Options::default()).await.unwrap();
    let (pool, mut events) = signed_in(&telegram).await;
    let rule = |action| Rule {
        matches: Match {
            method: Some("users.getUsers".to_owned()),
            times: Some(1),
            ..Match::default()
        },
        action,
    };
    telegram.add_rule(rule(Action::LoseAnswer));
    me(&pool, Target::Main).await.unwrap();
    let calls = telegram.journal(&JournalFilter {
        method: Some("users.getUsers".to_owned()),
        ..JournalFilter::default()
    });
    assert_eq!(calls.len(), 1);

    telegram.stop().await;
    events
        .find(|event| matches!(event, PoolEvent::Disconnected { .. }))
        .await;
    assert!(!pool.main_connected());
    telegram.restart().await.unwrap();
    events.until(&PoolEvent::Connected).await;
    me(&pool, Target::Main).await.unwrap();
    pool.close().await;
    telegram.shutdown().await;
}

/// Breaks when what another user does is not told to an account that only listens.
#[tokio::test]
async fn a_message_from_another_user_arrives_as_an_update() {
    let telegram = DataCenter::start(Options::default()).await.unwrap();
    let (pool, mut events) = signed_in(&telegram).await;
    let mine = me(&pool, Target::Main).await.unwrap()[0]["id"].clone();
    let mine = mine.as_str().unwrap().parse().unwrap();
    let friend = telegram.create_account(NewAccount {
        phone: Some("9996625678".to_owned()),
        ..NewAccount::default()
    });
    telegram
        .send_text(friend.unwrap().id, mine, "hello")
        .unwrap();
    let update = events
        .find(|event| match event {
            PoolEvent::Update(body) => {
                let update = Schema::newest().decode_boxed("Updates", body).unwrap();
                update.to_string().contains("hello")
            }
            _ => false,
        })
        .await;
    assert!(matches!(update, PoolEvent::Update(_)));
    pool.close().await;
    telegram.shutdown().await;
}

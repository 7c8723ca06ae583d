//! Calls: what is sent, and how each of them ends.

use std::time::Duration;

use bytes::Bytes;
use sluice_links::{CallError, Limits, PoolEvent, Target};
use tokio::time::Instant;

use crate::server::Answer;
use crate::world::{World, body, call, within};

const METHOD: &str = "help.getNearestDc";

/// Breaks when a session's first call goes without `initConnection`, or later ones with it.
#[tokio::test(start_paused = true)]
async fn the_first_call_of_a_session_introduces_the_client() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world.home.saw("help.getConfig", 1).await;
    call(&pool, METHOD).await.unwrap();
    call(&pool, METHOD).await.unwrap();
    let greeting = &world.home.seen("help.getConfig")[0];
    assert!(greeting.init && !greeting.quiet);
    // The first may have left before the greeting was answered.
    let calls = world.home.seen(METHOD);
    assert!(!calls[1].init && !calls[1].quiet);
}

/// Breaks when an rpc_error is changed, retried or lost on its way.
#[tokio::test(start_paused = true)]
async fn an_rpc_error_comes_through_as_it_is() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world
        .home
        .script(METHOD, &[Answer::Error(420, "FLOOD_WAIT_7")]);
    let error = call(&pool, METHOD).await.unwrap_err();
    let expected = CallError::Rpc {
        code: 420,
        message: "FLOOD_WAIT_7".to_owned(),
    };
    assert_eq!(error, expected);
    assert_eq!(world.home.seen(METHOD).len(), 1);
}

/// Breaks when the errors of the layer reach the caller although introducing the client again
/// would do.
#[tokio::test(start_paused = true)]
async fn a_server_that_forgot_the_client_is_told_again() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    call(&pool, "updates.getState").await.unwrap();
    let script = [
        Answer::Error(400, "CONNECTION_NOT_INITED"),
        Answer::Error(406, "CONNECTION_LAYER_INVALID"),
        Answer::True,
    ];
    world.home.script(METHOD, &script);
    call(&pool, METHOD).await.unwrap();
    let inits: Vec<bool> = world.home.seen(METHOD).iter().map(|s| s.init).collect();
    assert_eq!(inits, [false, true, true]);

    world
        .home
        .script(METHOD, &[Answer::Error(400, "CONNECTION_NOT_INITED")]);
    let error = call(&pool, METHOD).await.unwrap_err();
    assert!(matches!(error, CallError::Rpc { code: 400, .. }), "{error}");
}

/// Breaks when a call has no end, or when a caller is not told that the call had left.
#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world.home.script(METHOD, &[Answer::Silence]);
    let start = Instant::now();
    let result = pool.call(Target::Main, body(METHOD), within(9)).await;
    assert_eq!(result.unwrap_err(), CallError::Deadline { sent: true });
    assert_eq!(start.elapsed().as_secs(), 9);
}

/// Breaks when a call that never left is said to have, or waits beyond its deadline.
#[tokio::test(start_paused = true)]
async fn a_call_that_finds_no_connection_never_left() {
    let world = World::new().await;
    world.home.state.lock().unwrap().refuse = true;
    let (pool, _events) = world.pool().await;
    let closed = call(&pool, METHOD).await.unwrap_err();
    assert!(matches!(closed, CallError::NotConnected { .. }), "{closed}");
    pool.open();
    let start = Instant::now();
    let result = pool.call(Target::Main, body(METHOD), within(20)).await;
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::NotConnected { .. }), "{error}");
    assert_eq!(error.execution(), sluice_domain::Execution::NeverSent);
    assert_eq!(start.elapsed().as_secs(), 20);
}

/// Breaks when the queue grows without bound, or when calls nobody waits for keep it full.
#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_until_its_calls_are_given_up() {
    let world = World::new().await;
    world.home.state.lock().unwrap().refuse = true;
    let limits = Limits {
        queue: 4,
        ..Limits::default()
    };
    let (pool, _events) = world.pool_with(limits).await;
    pool.open();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.call(Target::Main, body(METHOD), within(5)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let refused = call(&pool, METHOD).await.unwrap_err();
    assert_eq!(refused, CallError::Overloaded);
    for call in waiting {
        call.await.unwrap().unwrap_err();
    }
    world.home.state.lock().unwrap().refuse = false;
    call(&pool, METHOD).await.unwrap();
}

/// Breaks when many calls at once block each other, or more of them are sent than may be.
#[tokio::test(start_paused = true)]
async fn more_calls_than_may_be_in_flight_all_get_answers() {
    let world = World::new().await;
    let limits = Limits {
        in_flight: 8,
        ..Limits::default()
    };
    let (pool, _events) = world.ready_with(limits).await;
    world
        .home
        .script(METHOD, &[Answer::After(Duration::from_millis(10))]);
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { call(&pool, METHOD).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(world.home.seen(METHOD).len(), 100);
    assert_eq!(world.home.state.lock().unwrap().running, (0, 8));
}

/// Breaks when a lost connection ends a call, or makes Telegram execute it twice.
#[tokio::test(start_paused = true)]
async fn a_call_in_flight_survives_a_cut_and_is_executed_once() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    world
        .home
        .script(METHOD, &[Answer::After(Duration::from_secs(3))]);
    let calling = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    let before = world.home.saw(METHOD, 1).await;
    world.home.cut();
    events
        .find(|event| matches!(event, PoolEvent::Disconnected { .. }))
        .await;
    events.until(&PoolEvent::Connected).await;
    calling.await.unwrap().unwrap();
    let seen = world.home.seen(METHOD);
    assert_eq!(seen.len(), 1);
    world.home.script(METHOD, &[Answer::True]);
    call(&pool, METHOD).await.unwrap();
    let after = &world.home.seen(METHOD)[1];
    assert_eq!(after.session, before[0].session, "the session goes on");
    assert_ne!(after.connection, before[0].connection);
    assert!(!after.init, "and needs no introduction");
}

/// Breaks when updates are lost or reordered on their way to the account.
#[tokio::test(start_paused = true)]
async fn updates_reach_the_account_in_order() {
    let world = World::new().await;
    let (_pool, mut events) = world.ready().await;
    let updates: Vec<Bytes> = (0..5_u32).map(too_long).collect();
    for update in &updates {
        world.home.push(update);
    }
    for update in updates {
        events.until(&PoolEvent::Update(update)).await;
    }
}

/// Breaks when an account that reads no events stops its own link (the account may be waiting for
/// an answer), or when updates dropped for it are not announced.
#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_read_blocks_nothing_and_learns_what_it_missed() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    for n in 0..3_000 {
        world.home.push(&too_long(n));
        if n % 100 == 0 {
            call(&pool, METHOD).await.unwrap();
        }
    }
    call(&pool, METHOD).await.unwrap();
    let before = events.passed().len();
    events.until(&PoolEvent::NewSession).await;
    assert!(events.passed().len() - before < 3_000);
}

/// A body that is no service message. The links do not look into it.
fn too_long(n: u32) -> Bytes {
    let mut body = 0xe317_af7e_u32.to_le_bytes().to_vec();
    body.extend(n.to_le_bytes());
    body.into()
}

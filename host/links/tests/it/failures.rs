//! Connections that fail, break, or only look alive.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sluice_links::{CallError, LinkState, MainState, PoolEvent, Target};
use tokio::time::{Instant, sleep};

use crate::server::Answer;
use crate::world::{World, body, call, within};

const METHOD: &str = "help.getNearestDc";

fn is_down(event: &PoolEvent) -> bool {
    matches!(event, PoolEvent::Disconnected { .. })
}

/// Breaks when a quiet link is not kept alive, or a server's silence goes unnoticed.
#[tokio::test(start_paused = true)]
async fn a_quiet_link_is_pinged_and_a_silent_server_noticed() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    sleep(Duration::from_mins(10)).await;
    assert!(pool.main_connected());
    assert_eq!(world.home.connections(), 1);

    world.home.state.lock().unwrap().mute = true;
    let start = Instant::now();
    events.find(is_down).await;
    let noticed = start.elapsed().as_secs();
    assert!(
        noticed <= 41,
        "a ping within 30 s, a pong within 10 s: {noticed}"
    );
    assert!(!pool.main_connected());
    world.home.state.lock().unwrap().mute = false;
    events.until(&PoolEvent::Connected).await;
    assert!(pool.main_connected());
}

/// Breaks when a call without an answer waits for the next regular ping to find the link dead.
#[tokio::test(start_paused = true)]
async fn a_late_call_has_the_link_tested_at_once() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    sleep(Duration::from_secs(1)).await;
    world.home.state.lock().unwrap().mute = true;
    let start = Instant::now();
    let calling = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    events.find(is_down).await;
    let noticed = start.elapsed().as_secs();
    assert!(
        (10..=17).contains(&noticed),
        "5 s late, 10 s for the pong: {noticed}"
    );
    world.home.state.lock().unwrap().mute = false;
    calling.await.unwrap().unwrap();
}

/// Breaks when a long answer on a slow line is taken for silence.
#[tokio::test(start_paused = true)]
async fn an_answer_that_trickles_in_is_a_sign_of_life() {
    let world = World::new().await;
    let (pool, events) = world.ready().await;
    // 8 KiB at 100 bytes a second.
    world
        .home
        .script(METHOD, &[Answer::Trickle(200, Duration::from_secs(2))]);
    let start = Instant::now();
    pool.call(Target::Main, body(METHOD), within(200))
        .await
        .unwrap();
    assert!(start.elapsed() > Duration::from_mins(1));
    assert_eq!(world.home.connections(), 1, "{:?}", events.passed());
}

/// Breaks when a call waits for a connection although the gateway ends, or when a link that stands
/// does not finish what it has.
#[tokio::test(start_paused = true)]
async fn who_leaves_waits_for_no_connection() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    world
        .home
        .script(METHOD, &[Answer::After(Duration::from_secs(3))]);
    let finished = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    world.home.saw(METHOD, 1).await;
    pool.leave();
    finished.await.unwrap().unwrap();

    let dying = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    world.home.saw(METHOD, 2).await;
    world.home.state.lock().unwrap().refuse = true;
    world.home.cut();
    events.find(is_down).await;
    let start = Instant::now();
    let died = dying.await.unwrap().unwrap_err();
    assert!(matches!(died, CallError::MaybeExecuted { .. }), "{died}");
    let late = call(&pool, METHOD).await.unwrap_err();
    assert_eq!(late.execution(), sluice_domain::Execution::NeverSent);
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Breaks when connecting to a server that accepts and then says nothing never ends.
#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_stays_silent_is_tried_again() {
    let world = World::new().await;
    world.home.state.lock().unwrap().mute = true;
    let (pool, mut events) = world.pool().await;
    pool.open();
    world.home.saw("nothing", 0).await;
    sleep(Duration::from_mins(1)).await;
    assert!(world.home.connections() >= 2);
    assert!(matches!(
        pool.watch().borrow().main,
        MainState::Connecting { failures: 2.., .. }
    ));
    let status = &pool.status()[0];
    assert_eq!(status.status, LinkState::Error);
    assert!(status.last_error.is_some() && status.errors >= 2);
    world.home.state.lock().unwrap().mute = false;
    events.until(&PoolEvent::Connected).await;
}

/// Breaks when a data center that is down is hammered, or found again too late.
#[tokio::test(start_paused = true)]
async fn a_failing_link_connects_at_most_once_a_second_and_backs_off() {
    let world = World::new().await;
    world.home.state.lock().unwrap().refuse = true;
    let (pool, mut events) = world.pool().await;
    pool.open();
    sleep(Duration::from_mins(2)).await;
    let tries: Vec<Instant> = {
        let state = world.home.state.lock().unwrap();
        state.connections.iter().map(|c| c.0).collect()
    };
    assert!((8..=20).contains(&tries.len()), "{}", tries.len());
    for pair in tries.windows(2) {
        let pause = pair[1] - pair[0];
        assert!(
            pause >= Duration::from_millis(990) && pause <= Duration::from_secs(17),
            "{pause:?}"
        );
    }
    world.home.state.lock().unwrap().refuse = false;
    let start = Instant::now();
    events.until(&PoolEvent::Connected).await;
    assert!(start.elapsed() < Duration::from_secs(17));
}

/// Breaks when -429 does not slow the link down.
#[tokio::test(start_paused = true)]
async fn a_transport_flood_slows_the_link_down() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    sleep(Duration::from_mins(1)).await;
    world.home.state.lock().unwrap().transport_error = Some(429);
    let _ = pool.call(Target::Main, body(METHOD), within(1)).await;
    events.find(is_down).await;
    let before = world.home.connections();
    let start = Instant::now();
    sleep(Duration::from_secs(30)).await;
    let tries = world.home.connections() - before;
    assert!(tries <= 4, "{tries} in {:?}", start.elapsed());
    world.home.state.lock().unwrap().transport_error = None;
    events.until(&PoolEvent::Connected).await;
}

/// Breaks when the complaint of a wrong data center (-444), or a refusal (-403), costs the key, is
/// met with a storm of connects, or is not told.
#[tokio::test(start_paused = true)]
async fn other_transport_errors_are_told_and_cost_neither_key_nor_storm() {
    for code in [444, 403] {
        let world = World::new().await;
        let (pool, mut events) = world.ready().await;
        let key = pool.key_fingerprint();
        sleep(Duration::from_mins(1)).await;
        world.home.state.lock().unwrap().transport_error = Some(code);
        let _ = pool.call(Target::Main, body(METHOD), within(1)).await;
        events.find(is_down).await;
        let before = world.home.connections();
        sleep(Duration::from_mins(5)).await;
        let tries = world.home.connections() - before;
        assert!((5..=60).contains(&tries), "{tries}");
        let MainState::Connecting { reason, .. } = pool.watch().borrow().main.clone() else {
            panic!("it goes on trying");
        };
        let reason = reason.unwrap_or_default();
        assert!(
            reason.contains(&format!("transport error -{code}")),
            "{reason}"
        );
        world.home.state.lock().unwrap().transport_error = None;
        events.until(&PoolEvent::Connected).await;
        call(&pool, METHOD).await.unwrap();
        assert_eq!(pool.key_fingerprint(), key);
    }
}

/// Breaks when an authorised key is replaced, or given up at the first refusal, or when a lost one
/// is tried again without being told to.
#[tokio::test(start_paused = true)]
async fn an_authorised_key_is_given_up_after_a_minute_and_never_replaced() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    let key = pool.key_fingerprint();
    world.home.forget_keys();
    let start = Instant::now();
    events.until(&PoolEvent::KeyLost { dc: 1 }).await;
    assert!(
        start.elapsed() >= Duration::from_mins(1),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(pool.watch().borrow().main, MainState::KeyLost);
    let error = call(&pool, METHOD).await.unwrap_err();
    assert!(matches!(error, CallError::NotConnected { .. }), "{error}");

    let tries = world.home.connections();
    assert_eq!(tries, 4, "one that stood, three refusals");
    assert_eq!(pool.cleanup(true).await.kept, 1);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(world.home.connections(), tries);
    assert_eq!(pool.key_fingerprint(), key);
    assert_eq!(world.home.state.lock().unwrap().exchanges, 1);

    pool.open();
    let start = Instant::now();
    while world.home.connections() == tries {
        world.home.changed.notified().await;
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// Breaks when a refusal of the key makes the link forget to pause between tries that fail
/// otherwise.
#[tokio::test(start_paused = true)]
async fn a_refusal_followed_by_an_outage_does_not_become_a_storm() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    world.home.state.lock().unwrap().transport_error = Some(404);
    world.home.cut();
    events.find(is_down).await;
    while world.home.connections() < 2 {
        world.home.changed.notified().await;
    }
    sleep(Duration::from_secs(1)).await;
    world.home.state.lock().unwrap().refuse = true;
    sleep(Duration::from_mins(5)).await;
    let tries = world.home.connections();
    assert!((5..=40).contains(&tries), "{tries}");
    {
        let mut state = world.home.state.lock().unwrap();
        state.refuse = false;
        state.transport_error = None;
    }
    call(&pool, METHOD).await.unwrap();
}

/// Breaks when an account that is not signed in yet cannot get over a key that Telegram dropped.
#[tokio::test(start_paused = true)]
async fn a_key_that_was_never_authorised_is_made_again() {
    let world = World::new().await;
    let (pool, mut events) = world.pool().await;
    pool.open();
    events.until(&PoolEvent::Connected).await;
    let before = pool.key_fingerprint();
    world.home.forget_keys();
    events.until(&PoolEvent::Connected).await;
    assert_ne!(pool.key_fingerprint(), before);
    call(&pool, METHOD).await.unwrap();
}

/// Breaks when a server that lost its sessions is not told who calls, or the account is not told to
/// fetch what it missed.
#[tokio::test(start_paused = true)]
async fn a_server_that_lost_the_session_is_greeted_again() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    events.until(&PoolEvent::NewSession).await;
    world.home.saw("help.getConfig", 1).await;
    call(&pool, METHOD).await.unwrap();
    world.home.forget_sessions();
    events.until(&PoolEvent::NewSession).await;
    let greetings = world.home.saw("help.getConfig", 2).await;
    assert!(greetings[1].init);
    call(&pool, METHOD).await.unwrap();
}

/// Breaks when a panic in a link's task ends the link, or leaves a caller without an answer.
#[tokio::test(start_paused = true)]
async fn a_panic_in_a_link_ends_its_calls_and_the_link_comes_back() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    world.dice.broken.store(true, Ordering::SeqCst);
    let error = call(&pool, METHOD).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::NeverSent { .. } | CallError::MaybeExecuted { .. }
        ),
        "{error}"
    );
    events.find(is_down).await;
    events.until(&PoolEvent::Connected).await;
    call(&pool, METHOD).await.unwrap();
    assert_eq!(pool.status()[0].errors, 1);
}

/// Breaks when a panic in one account's link is felt by another account: same server, same tasks'
/// tracker, same limit on connections.
#[tokio::test(start_paused = true)]
async fn a_panic_in_one_account_touches_no_other() {
    let world = World::new().await;
    let (poisoned, mut events) = world.ready().await;
    let (healthy, mut others) = world.neighbour().await;
    healthy.open();
    others.until(&PoolEvent::Connected).await;
    let before = world.home.connections();
    world
        .home
        .script(METHOD, &[Answer::After(Duration::from_secs(2))]);
    let under_way = tokio::spawn({
        let healthy = healthy.clone();
        async move { call(&healthy, METHOD).await }
    });
    world.home.saw(METHOD, 1).await;
    world.dice.broken.store(true, Ordering::SeqCst);
    call(&poisoned, METHOD).await.unwrap_err();
    events.find(is_down).await;
    under_way.await.unwrap().unwrap();
    call(&healthy, METHOD).await.unwrap();
    events.until(&PoolEvent::Connected).await;
    call(&poisoned, METHOD).await.unwrap();
    assert_eq!(world.home.connections(), before + 1, "the poisoned one's");
    assert_eq!(healthy.status()[0].errors, 0);
}

/// Breaks when a connection that the server cuts at a call takes the call with it for good.
#[tokio::test(start_paused = true)]
async fn a_call_whose_connection_is_cut_is_answered_or_known_to_be_unsure() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world.home.script(METHOD, &[Answer::Cut, Answer::True]);
    let start = Instant::now();
    // The server has the call and will never answer it: only the deadline ends it.
    match pool.call(Target::Main, body(METHOD), within(30)).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.execution(), sluice_domain::Execution::MaybeExecuted),
    }
    assert!(start.elapsed() <= Duration::from_secs(30));
    call(&pool, METHOD).await.unwrap();
}

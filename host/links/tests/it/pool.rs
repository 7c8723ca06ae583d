//! The pool as a whole: opened, closed, watched, cleaned up.

use std::time::Duration;

use sluice_links::{CallError, LinkRole, LinkState, MainState, PoolEvent, Target};
use tokio::time::{Instant, sleep, timeout};

use crate::server::Answer;
use crate::world::{World, body, call, within};

const METHOD: &str = "help.getNearestDc";
const UPLOAD: &str = "upload.saveFilePart";

/// Breaks when closing hangs, leaves a socket or a call behind, or loses the session.
#[tokio::test(start_paused = true)]
async fn a_pool_closes_promptly_and_opens_again_in_the_same_session() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    world.home.script(METHOD, &[Answer::Silence]);
    let calling = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    let before = world.home.saw(METHOD, 1).await[0].session;
    let start = Instant::now();
    pool.close().await;
    pool.close().await;
    assert!(start.elapsed() < Duration::from_secs(2));
    let error = calling.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::MaybeExecuted { .. }), "{error}");
    assert_eq!(pool.watch().borrow().main, MainState::Closed);
    assert!(pool.status().is_empty());
    while world.home.open_connections() > 0 {
        world.home.changed.notified().await;
    }

    world.home.script(METHOD, &[Answer::True]);
    pool.open();
    events.until(&PoolEvent::Connected).await;
    call(&pool, METHOD).await.unwrap();
    assert_eq!(world.home.seen(METHOD)[1].session, before);
}

/// Breaks when tasks outlive a closed pool, or a pool that was dropped.
#[tokio::test(start_paused = true)]
async fn nothing_runs_on_after_a_pool_is_dropped() {
    let world = World::new().await;
    let (pool, events) = world.ready().await;
    drop((pool, events));
    world.tracker.close();
    world.tracker.wait().await;
    while world.home.open_connections() > 0 {
        world.home.changed.notified().await;
    }
}

/// Breaks when closing waits for a link that is between tries, connects, makes a key, or waits for
/// the first answer, or when one of its tasks stays.
#[tokio::test(start_paused = true)]
async fn a_pool_without_a_server_closes_promptly() {
    for (refuse, mute, keyed, after) in [
        (true, false, false, 0),
        (true, false, false, 30),
        (true, false, true, 30),
        (false, true, false, 0),
        (false, true, false, 5),
        (false, true, true, 5),
        (false, true, true, 30),
    ] {
        let world = World::new().await;
        let (pool, events) = if keyed {
            world.ready().await
        } else {
            world.pool().await
        };
        {
            let mut state = world.home.state.lock().unwrap();
            (state.refuse, state.mute) = (refuse, mute);
        }
        world.home.cut();
        pool.open();
        sleep(Duration::from_secs(after)).await;
        let start = Instant::now();
        pool.close().await;
        let what = format!("{refuse} {mute} {keyed} {after}: {:?}", start.elapsed());
        assert!(start.elapsed() <= Duration::from_millis(300), "{what}");
        // Whoever served the account ends a little later, and somebody still holds the pool.
        sleep(Duration::from_millis(1)).await;
        drop(events);
        world.tracker.close();
        let ended = timeout(Duration::from_secs(1), world.tracker.wait()).await;
        assert!(ended.is_ok(), "{what}, tasks left: {}", world.tracker.len());
        drop(pool);
    }
}

/// Breaks when the status does not tell what the link did.
#[tokio::test(start_paused = true)]
async fn the_status_shows_what_was_measured() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    call(&pool, METHOD).await.unwrap();
    let status = pool.status().remove(0);
    assert_eq!((status.role, status.dc), (LinkRole::Main, 1));
    assert_eq!(status.status, LinkState::Active);
    assert_eq!(status.in_flight, 0);
    assert_eq!(status.errors, 0);
    assert!(status.latency_ms.is_some() && status.last_used.is_some());
    assert!(status.connected_since.is_some());
    assert!(status.bytes_in > 100 && status.bytes_out > 100);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(pool.status()[0].status, LinkState::Idle);

    world
        .home
        .script(METHOD, &[Answer::After(Duration::from_secs(4))]);
    let calling = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    world.home.saw(METHOD, 2).await;
    let status = pool.status().remove(0);
    assert_eq!((status.status, status.in_flight), (LinkState::Active, 1));
    calling.await.unwrap().unwrap();
}

/// Breaks when a probe does not go over the link, or says that a dead link lives.
#[tokio::test(start_paused = true)]
async fn a_probe_measures_the_link() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    pool.probe(within(5)).await.unwrap();
    world.home.state.lock().unwrap().mute = true;
    let error = pool.probe(within(5)).await.unwrap_err();
    assert_eq!(error, CallError::Deadline { sent: false });
    pool.close().await;
    let error = pool.probe(within(5)).await.unwrap_err();
    assert!(matches!(error, CallError::NotConnected { .. }), "{error}");
}

/// Breaks when cleaning up ends a call, leaves an idle media link open, or makes the main link a
/// new session.
#[tokio::test(start_paused = true)]
async fn a_cleanup_recycles_the_main_link_and_closes_idle_media_links() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    call(&pool, METHOD).await.unwrap();
    pool.call(Target::Media(1), body(UPLOAD), within(60))
        .await
        .unwrap();
    let ids: Vec<String> = pool.status().into_iter().map(|s| s.id).collect();
    assert_eq!(ids.len(), 2);
    let mut closed = pool.cleanup(false).await.closed;
    closed.sort();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(closed, expected);
    events.until(&PoolEvent::Connected).await;
    let status = pool.status();
    assert_eq!(status.len(), 1);
    assert_ne!(status[0].id, ids[0]);
    call(&pool, METHOD).await.unwrap();
    let seen = world.home.seen(METHOD);
    assert_eq!(seen[0].session, seen[1].session);
    assert_ne!(seen[0].connection, seen[1].connection);
    assert_eq!(world.home.open_connections(), 1);
}

/// Breaks when a cleanup takes a link with a call in flight unasked, or loses the call when forced.
#[tokio::test(start_paused = true)]
async fn a_link_with_a_call_in_flight_is_kept_unless_forced() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    world
        .home
        .script(METHOD, &[Answer::After(Duration::from_secs(5))]);
    let calling = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, METHOD).await }
    });
    world.home.saw(METHOD, 1).await;
    let cleanup = pool.cleanup(false).await;
    assert_eq!((cleanup.closed.len(), cleanup.kept), (0, 1));
    let cleanup = pool.cleanup(true).await;
    assert_eq!((cleanup.closed.len(), cleanup.kept), (1, 0));
    events.until(&PoolEvent::Connected).await;
    calling.await.unwrap().unwrap();
    assert_eq!(world.home.seen(METHOD).len(), 1);
}

/// Breaks when idle media links stay open, or the main link closes when it is idle.
#[tokio::test(start_paused = true)]
async fn an_idle_media_link_closes_by_itself_and_opens_when_needed() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    pool.call(Target::Media(1), body(UPLOAD), within(60))
        .await
        .unwrap();
    assert_eq!(pool.status().len(), 2);
    sleep(Duration::from_secs(90)).await;
    assert_eq!(pool.status().len(), 1);
    assert!(pool.main_connected());
    pool.call(Target::Media(1), body(UPLOAD), within(60))
        .await
        .unwrap();
    let uploads = world.home.seen(UPLOAD);
    assert_eq!(
        uploads[0].session, uploads[1].session,
        "its session goes on"
    );
}

/// Breaks when files go one after the other although Telegram takes several links for media, when
/// more are opened than may be, or when they stay.
#[tokio::test(start_paused = true)]
async fn busy_media_links_get_company_up_to_a_bound() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world
        .home
        .script(UPLOAD, &[Answer::After(Duration::from_secs(1))]);
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.call(Target::Media(1), body(UPLOAD), within(60)).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let uploads = world.home.seen(UPLOAD);
    let mut by_session = std::collections::BTreeMap::<i64, usize>::new();
    for upload in &uploads {
        assert!(upload.media && upload.quiet);
        *by_session.entry(upload.session).or_default() += 1;
    }
    let loads: Vec<usize> = by_session.into_values().collect();
    assert_eq!(loads, [10, 10, 10, 10]);
    let names: std::collections::BTreeSet<String> =
        pool.status().into_iter().map(|link| link.id).collect();
    assert_eq!(names.len(), 5);

    pool.call(Target::Media(1), body(UPLOAD), within(60))
        .await
        .unwrap();
    assert_eq!(pool.status().len(), 5, "one at a time needs no more");
    sleep(Duration::from_secs(90)).await;
    assert_eq!(pool.status().len(), 1);
    assert!(pool.main_connected());
}

/// Breaks when a broken link is not retried at once by whoever asks for it.
#[tokio::test(start_paused = true)]
async fn opening_again_does_not_wait_for_the_pause() {
    let world = World::new().await;
    world.home.state.lock().unwrap().refuse = true;
    let (pool, mut events) = world.pool().await;
    pool.open();
    sleep(Duration::from_secs(200)).await;
    while world.home.connections() < 8 {
        world.home.changed.notified().await;
    }
    world.home.state.lock().unwrap().refuse = false;
    sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    pool.open();
    events.until(&PoolEvent::Connected).await;
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}

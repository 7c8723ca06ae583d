//! Keys: made, kept, shared, destroyed; and authorizations on other data centers.

use std::time::Duration;

use sluice_links::{CallError, LinkRole, LinkState, PoolError, PoolEvent, Target};
use tokio::time::sleep;

use crate::server::Answer;
use crate::world::{World, body, call, within};

const METHOD: &str = "help.getNearestDc";
const UPLOAD: &str = "upload.saveFilePart";

/// Breaks when a key is not kept, or is made although there is one.
#[tokio::test(start_paused = true)]
async fn a_key_is_made_once_and_used_after_a_restart() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    let key = pool.key_fingerprint().unwrap();
    pool.close().await;
    drop(pool);
    let (pool, _events) = world.ready().await;
    assert_eq!(pool.key_fingerprint().unwrap(), key);
    assert!(pool.authorized());
    call(&pool, METHOD).await.unwrap();
    assert_eq!(world.home.state.lock().unwrap().exchanges, 1);
}

/// Breaks when a key that is not in the store is used: after a crash nobody would have it.
#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_kept_is_not_used() {
    let world = World::new().await;
    *world.store.full.lock().unwrap() = true;
    let (pool, mut events) = world.pool().await;
    pool.open();
    while world.home.state.lock().unwrap().exchanges == 0 {
        world.home.changed.notified().await;
    }
    sleep(Duration::from_secs(5)).await;
    assert!(world.home.state.lock().unwrap().seen.is_empty());
    *world.store.full.lock().unwrap() = false;
    events.until(&PoolEvent::Connected).await;
    assert_eq!(world.store.keys.lock().unwrap().len(), 1);
}

/// Breaks when a new salt is not kept: every restart would begin with refused messages.
#[tokio::test(start_paused = true)]
async fn a_new_salt_is_kept() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    let before = world.store.keys.lock().unwrap()[&1].salt;
    world.home.replace_salts();
    call(&pool, METHOD).await.unwrap();
    pool.close().await;
    world.tracker.close();
    drop(pool);
    world.tracker.wait().await;
    let after = world.store.keys.lock().unwrap()[&1].salt;
    assert_ne!(after, before);
    assert_eq!(after, world.home.salt());
}

/// Breaks when salts run out although the server tells them ahead of time: every half hour a call
/// would be refused once.
#[tokio::test(start_paused = true)]
async fn salts_are_known_before_they_are_needed() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    for _ in 0..60 {
        sleep(Duration::from_mins(20)).await;
        call(&pool, METHOD).await.unwrap();
    }
    assert_eq!(world.home.connections(), 1);
    assert_eq!(world.home.state.lock().unwrap().refused, 0);
}

/// Breaks when another data center is called without an imported authorization, when it is imported
/// again and again, or when updates are asked for there.
#[tokio::test(start_paused = true)]
async fn another_data_center_gets_the_authorization_once() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    for _ in 0..3 {
        pool.call(Target::Media(2), body(UPLOAD), within(60))
            .await
            .unwrap();
    }
    assert_eq!(world.home.seen("auth.exportAuthorization").len(), 1);
    assert_eq!(world.other.seen("auth.importAuthorization").len(), 1);
    let uploads = world.other.seen(UPLOAD);
    assert_eq!(uploads.len(), 3);
    assert!(uploads.iter().all(|seen| seen.quiet && seen.media));
    assert!(uploads[0].init && !uploads[2].init);
    assert!(world.store.keys.lock().unwrap()[&2].authorized);
    let roles: Vec<_> = pool.status().iter().map(|s| (s.role, s.dc)).collect();
    assert_eq!(roles[0], (LinkRole::Main, 1));
    assert!(roles[1..].iter().all(|of| *of == (LinkRole::Media, 2)));
}

/// Breaks when a data center that forgot the authorization looks like a log-out.
#[tokio::test(start_paused = true)]
async fn another_data_center_that_forgot_is_told_again() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    pool.call(Target::Media(2), body(UPLOAD), within(60))
        .await
        .unwrap();
    world.other.script(
        UPLOAD,
        &[Answer::Error(401, "AUTH_KEY_UNREGISTERED"), Answer::True],
    );
    pool.call(Target::Media(2), body(UPLOAD), within(60))
        .await
        .unwrap();
    assert_eq!(world.other.seen("auth.importAuthorization").len(), 2);

    world
        .other
        .script(UPLOAD, &[Answer::Error(401, "AUTH_KEY_UNREGISTERED")]);
    let error = pool
        .call(Target::Media(2), body(UPLOAD), within(60))
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::NotConnected { .. }), "{error}");
}

/// Breaks when the loss of a foreign key is not healed by a new one.
#[tokio::test(start_paused = true)]
async fn a_foreign_key_that_is_unknown_is_made_again() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    pool.call(Target::Dc(2), body(UPLOAD), within(60))
        .await
        .unwrap();
    world.other.forget_keys();
    let is_down = |_: &_| {
        let links = pool.status();
        links
            .get(1)
            .is_none_or(|link| link.status == LinkState::Error)
    };
    pool.watch().wait_for(is_down).await.unwrap();
    pool.call(Target::Dc(2), body(UPLOAD), within(120))
        .await
        .unwrap();
    assert_eq!(world.other.state.lock().unwrap().exchanges, 2);
    assert!(pool.authorized());
}

/// Breaks when a file that is elsewhere is not fetched there.
#[tokio::test(start_paused = true)]
async fn a_file_is_fetched_where_it_is() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world
        .home
        .script(UPLOAD, &[Answer::Error(303, "FILE_MIGRATE_2")]);
    pool.call(Target::Media(1), body(UPLOAD), within(60))
        .await
        .unwrap();
    assert_eq!(world.home.seen(UPLOAD).len(), 1);
    assert_eq!(world.other.seen(UPLOAD).len(), 1);
}

/// Breaks when the pool moves a call that only whoever signs in can move.
#[tokio::test(start_paused = true)]
async fn where_a_number_lives_is_for_the_sign_in_to_follow() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world
        .home
        .script(METHOD, &[Answer::Error(303, "PHONE_MIGRATE_2")]);
    let error = call(&pool, METHOD).await.unwrap_err();
    assert!(matches!(error, CallError::Rpc { code: 303, .. }), "{error}");
}

/// Breaks when the session of a process that was killed is left at Telegram beside the next one.
#[tokio::test(start_paused = true)]
async fn the_session_of_an_earlier_process_is_destroyed() {
    let world = World::new().await;
    let (pool, events) = world.ready().await;
    call(&pool, METHOD).await.unwrap();
    let before = world.home.seen(METHOD)[0].session;
    // The store is written in the background.
    let saved = || world.store.keys.lock().unwrap()[&1].session;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
        if saved() == Some(before) {
            break;
        }
        sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(saved(), Some(before));
    drop((pool, events));
    let (pool, mut events) = world.pool().await;
    pool.open();
    events.until(&PoolEvent::Connected).await;
    call(&pool, METHOD).await.unwrap();
    let after = world.home.seen(METHOD)[1].session;
    assert_ne!(after, before);
    assert_eq!(world.home.state.lock().unwrap().destroyed, [before]);
}

/// Breaks when a chain of data centers is not followed, or when a loop is for ever.
#[tokio::test(start_paused = true)]
async fn a_chain_is_followed_and_a_loop_ends() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    world
        .home
        .script(METHOD, &[Answer::Error(303, "STATS_MIGRATE_2")]);
    call(&pool, METHOD).await.unwrap();
    assert_eq!(world.other.seen(METHOD).len(), 1);

    world
        .other
        .script(METHOD, &[Answer::Error(303, "STATS_MIGRATE_1")]);
    let error = call(&pool, METHOD).await.unwrap_err();
    assert!(matches!(error, CallError::Rpc { code: 303, .. }), "{error}");
    assert_eq!(world.home.seen(METHOD).len(), 2);
    assert_eq!(world.other.seen(METHOD).len(), 2);
}

/// Breaks when a sign-in cannot move to the data center of its number, or one that is done can.
#[tokio::test(start_paused = true)]
async fn an_authorization_moves_until_it_is_signed_in() {
    let world = World::new().await;
    let (pool, mut events) = world.pool().await;
    pool.open();
    events.until(&PoolEvent::Connected).await;
    pool.set_home_dc(2).await.unwrap();
    call(&pool, METHOD).await.unwrap();
    assert_eq!(world.other.seen(METHOD).len(), 1);
    assert_eq!(pool.home_dc(), 2);
    assert_eq!(*world.store.home.lock().unwrap(), Some(2));
    assert_eq!(world.home.open_connections(), 0);
    pool.mark_authorized().await.unwrap();
    let moved = pool.set_home_dc(1).await;
    assert!(matches!(moved, Err(PoolError::Authorized)));
    let nowhere = pool.set_home_dc(9).await;
    assert!(matches!(nowhere, Err(PoolError::UnknownDc(9))));
}

/// Breaks when a key is left alive at a data center after the authorization is done with.
#[tokio::test(start_paused = true)]
async fn every_key_is_destroyed_over_its_own_link() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    pool.call(Target::Dc(2), body(UPLOAD), within(60))
        .await
        .unwrap();
    let destroyed = pool.destroy_keys(within(20)).await;
    let results: Vec<_> = destroyed.iter().map(|d| (d.dc, d.result.clone())).collect();
    assert_eq!(results, [(1, Ok(())), (2, Ok(()))]);
    assert_eq!(world.home.seen("destroy_auth_key").len(), 1);
    assert_eq!(world.other.seen("destroy_auth_key").len(), 1);
    assert!(pool.status().is_empty());
}

/// Breaks when the key of a data center that no link stands to, as a sign-in leaves it behind where
/// it began, is not destroyed: a link made for nothing else took itself for one that nobody needs.
#[tokio::test(start_paused = true)]
async fn a_key_without_a_link_is_destroyed_too() {
    let world = World::new().await;
    let (pool, mut events) = world.pool().await;
    pool.open();
    events.until(&PoolEvent::Connected).await;
    pool.set_home_dc(2).await.unwrap();
    call(&pool, METHOD).await.unwrap();
    pool.mark_authorized().await.unwrap();
    let destroyed = pool.destroy_keys(within(20)).await;
    let results: Vec<_> = destroyed.iter().map(|d| (d.dc, d.result.clone())).collect();
    assert_eq!(results, [(1, Ok(())), (2, Ok(()))]);
    assert_eq!(world.home.seen("destroy_auth_key").len(), 1);
    assert_eq!(world.other.seen("destroy_auth_key").len(), 1);
}

//! Ways out: how packets travel, which version of IP, and what happens when the way changes.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{Ipv6, Transport, Way};
use sluice_links::{ConnectGate, Limits, MainState, PoolEvent};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::server::Answer;
use crate::world::{World, call, within};

const METHOD: &str = "help.getNearestDc";
const TRANSPORTS: [Transport; 5] = [
    Transport::Abridged,
    Transport::Padded,
    Transport::Full,
    Transport::Obfuscated,
    Transport::Intermediate,
];

fn by(transport: Transport) -> Way {
    Way {
        transport,
        ..Way::default()
    }
}

fn gate() -> Arc<ConnectGate> {
    Arc::default()
}

/// Breaks when a transport does not carry a session on, or two ways are open at once.
#[tokio::test(start_paused = true)]
async fn the_session_goes_on_by_every_transport() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    call(&pool, METHOD).await.unwrap();
    for transport in TRANSPORTS {
        let before = world.home.connections();
        pool.set_way(by(transport), gate()).await;
        events.until(&PoolEvent::Connected).await;
        call(&pool, METHOD).await.unwrap();
        assert_eq!(world.home.connections(), before + 1, "{transport:?}");
        assert_eq!(world.home.open_connections(), 1, "{transport:?}");
    }
    let sessions = world.home.seen(METHOD);
    assert!(sessions.iter().all(|s| s.session == sessions[0].session));
    // The way it leaves by already.
    let before = world.home.connections();
    pool.set_way(by(Transport::Intermediate), gate()).await;
    call(&pool, METHOD).await.unwrap();
    assert_eq!(world.home.connections(), before);
}

/// Breaks when a call in flight is lost, or sent twice, because the way changes.
#[tokio::test(start_paused = true)]
async fn a_call_in_flight_goes_on_by_the_new_way() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    let later = Answer::After(Duration::from_secs(3));
    world.home.script(METHOD, &[later]);
    let asked = {
        let pool = pool.clone();
        tokio::spawn(async move { call(&pool, METHOD).await })
    };
    world.home.saw(METHOD, 1).await;
    pool.set_way(by(Transport::Padded), gate()).await;
    asked.await.unwrap().unwrap();
    assert_eq!(world.home.seen(METHOD).len(), 1);
    assert_eq!(world.home.connections(), 2);
}

/// Breaks when a dial on the old way holds up the new one, or still comes to an end.
#[tokio::test(start_paused = true)]
async fn a_dial_under_way_gives_up() {
    let world = World::new().await;
    let (pool, mut events) = world.ready().await;
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("socks5://{}", silent.local_addr().unwrap());
    let way = Way {
        proxy: Some(proxy.parse().unwrap()),
        ..Way::default()
    };
    pool.set_way(way, gate()).await;
    let (mut held, _) = silent.accept().await.unwrap();
    let mut greeting = [0; 3];
    held.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 1, 0]);
    assert_eq!(world.home.open_connections(), 0);
    pool.set_way(Way::default(), gate()).await;
    // Closed before anything else is opened.
    assert_eq!(held.read(&mut greeting).await.unwrap(), 0);
    events.until(&PoolEvent::Connected).await;
    call(&pool, METHOD).await.unwrap();
}

/// Breaks when a proxy that is silent is waited for without end, tried without pause, or not
/// named as the reason.
#[tokio::test(start_paused = true)]
async fn a_silent_proxy_is_named_and_not_stormed() {
    let world = World::new().await;
    let (pool, _events) = world.ready().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let way = Way {
        proxy: Some(format!("socks5://anna:hunter2@{address}").parse().unwrap()),
        ..Way::default()
    };
    pool.set_way(way, gate()).await;
    let begun = tokio::time::Instant::now();
    let mut state = pool.watch();
    let failed = state.wait_for(|state| {
        matches!(
            &state.main,
            MainState::Connecting {
                failures: 3..,
                reason: Some(_)
            }
        )
    });
    let MainState::Connecting {
        reason: Some(reason),
        ..
    } = failed.await.unwrap().main.clone()
    else {
        panic!("not connecting");
    };
    let expected = format!(
        "the proxy did not answer the greeting within the time allowed (by way of socks5://{address})"
    );
    assert_eq!(reason, expected);
    // Three times the deadline.
    assert!(begun.elapsed() >= Limits::default().connect * 2);
    assert!(pool.probe(within(1)).await.is_err());
}

/// Breaks when the other version of IP is tried before the first one failed, or never.
#[tokio::test(start_paused = true)]
async fn ipv6_is_fallen_back_to() {
    let world = World::new().await;
    // A port that nobody listens on any more.
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let (pool, mut events) = world
        .pool_at(&[gone, world.home.address], Ipv6::Prefer)
        .await;
    pool.open();
    events.until(&PoolEvent::Connected).await;
    let reasons = pool.status();
    assert_eq!(
        reasons[0].errors, 1,
        "the preferred one was tried first, once"
    );
    assert_eq!(world.home.connections(), 1);
    pool.close().await;

    let (pool, mut events) = world
        .pool_at(&[gone, world.home.address], Ipv6::Fallback)
        .await;
    pool.open();
    events.until(&PoolEvent::Connected).await;
    assert_eq!(pool.status()[0].errors, 0);
}

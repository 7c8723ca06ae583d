//! What panics in one account stays there.

use serde_json::json;
use sluice_accounts::CallOptions;

use crate::support::{Reading, Trap, World};

/// Breaks when an account whose task panics is served no more, misses what came meanwhile, or
/// disturbs another.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_account_touches_no_other_and_is_got_over() {
    let world = World::start().await;
    let users = [
        world.user("9996610080", None),
        world.user("9996610081", None),
    ];
    let friend = world.user("9996610082", None);
    let trap = Trap::new();
    let gateway = world.gateway_with(trap.clone()).await;
    let names = [
        gateway.signed_in("one", "9996610080").await,
        gateway.signed_in("two", "9996610081").await,
    ];
    for name in &names {
        gateway.ready(name).await;
    }
    // The id of a link changes with every connection.
    let links = || {
        let status = gateway.accounts.pool_status(None).unwrap();
        let links = status.connections.into_iter();
        links.map(|link| link.id).collect::<Vec<_>>()
    };
    let before = links();
    for round in 0..3 {
        let mut events = gateway.events();
        trap.set(Reading::Monotonic);
        let failed = events
            .until(|event| event["type"] == "error" && event["code"] == "INTERNAL")
            .await;
        assert!(trap.sprung());
        let hurt = usize::from(failed["account"] == names[1].as_str());
        assert_eq!(failed["account"], names[hurt].as_str());
        // Its task rests for two seconds now. Calls of both are answered, and the other one
        // hears what comes.
        for (name, user) in names.iter().zip(&users) {
            let me = gateway.accounts.me(name, CallOptions::default()).await;
            me.unwrap();
            let text = format!("{round} to {name}");
            world.telegram.send_text(friend.id, user.id, &text).unwrap();
        }
        let mut heard = gateway.events_from_start();
        heard
            .message(&format!("{round} to {}", names[1 - hurt]))
            .await;
        // It comes back by itself and fetches what came meanwhile.
        heard = gateway.events_from_start();
        heard.message(&format!("{round} to {}", names[hurt])).await;
        gateway.ready(&names[hurt]).await;
    }
    assert_eq!(links(), before, "no link was touched");
    gateway.stop().await;
}

/// Breaks when an account whose start panics is never tried again, keeps a caller without an answer,
/// or keeps the others from their start.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_while_an_account_comes_back_is_got_over() {
    let world = World::start().await;
    let gateway = world.gateway().await;
    let mut names = Vec::new();
    for (name, phone) in [("one", "9996610083"), ("two", "9996610084")] {
        world.user(phone, None);
        names.push(gateway.signed_in(name, phone).await);
    }
    gateway.stop().await;
    let trap = Trap::new();
    trap.set(Reading::Wall);
    let gateway = world.gateway_with(trap.clone()).await;
    for name in &names {
        // Before it is there a call is answered too, with the truth.
        if let Err(problem) = gateway.call(name, "help.getConfig", json!({})).await {
            assert_eq!(
                (problem.status, problem.code.as_str()),
                (503, "NOT_CONNECTED")
            );
        }
    }
    for name in &names {
        gateway.ready(name).await;
        let config = gateway.call(name, "help.getConfig", json!({})).await;
        config.unwrap();
    }
    assert!(trap.sprung());
    gateway.stop().await;
}

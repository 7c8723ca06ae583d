//! The network between the gateway and Telegram cuts, stalls and refuses.

use serde_json::{Value, json};
use sluice_harness::chaos::{Cut, Ending, Mode, Plan, Seed, Way};
use sluice_harness::{Harness, Setup};

/// The caller's deadline where nothing can come, in seconds.
const SHORT: u64 = 1;

fn me() -> Value {
    json!({ "id": [{ "_": "inputUserSelf" }] })
}

async fn ask(gateway: &Harness, seconds: u64) -> anyhow::Result<u16> {
    let path = "/api/telegram/call/users.getUsers?account=demo";
    let request = gateway.request(reqwest::Method::POST, path);
    let request = request.header("x-timeout", seconds).json(&me());
    Ok(request.send().await?.status().as_u16())
}

/// Breaks when the proxies are gone around, or do not do what they are told.
#[tokio::test(flavor = "multi_thread")]
async fn the_network_does_what_the_test_says() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        accounts: 1,
        chaos: Some(Seed::choose()),
        ..Setup::default()
    })
    .await?;
    let chaos = gateway.chaos()?;
    let config = gateway.call("demo", "help.getConfig", json!({})).await?;
    let config = config.expect(200)?;
    let told: Vec<u64> = config["dc_options"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|option| option["port"].as_u64())
        .collect();
    for dc in gateway.datacenter.dcs() {
        assert!(!told.contains(&u64::from(dc.address.port())), "{told:?}");
    }

    let slow = Plan {
        slice: Some(3),
        delay: std::time::Duration::from_micros(200),
        ..Plan::clear()
    };
    chaos.set(None, Mode::Planned(slow));
    assert_eq!(ask(&gateway, 20).await?, 200);

    for (ending, way) in [
        (Ending::Reset, Way::ToTelegram),
        (Ending::Close, Way::ToGateway),
    ] {
        let (accepted, ended) = (chaos.accepted(Some(1)), chaos.ended(Some(1)));
        let cut = Cut {
            way,
            after: 20,
            ending,
        };
        let cut = Plan {
            cut: Some(cut),
            ..Plan::clear()
        };
        chaos.set(Some(1), Mode::Planned(cut));
        let asked = ask(&gateway, 20);
        let cleared = async {
            chaos.until_ended(1, ended + 1).await;
            chaos.clear();
        };
        let (answer, ()) = tokio::join!(asked, cleared);
        assert_eq!(answer?, 200, "{ending:?} {way:?}");
        assert!(chaos.accepted(Some(1)) > accepted);
    }

    chaos.set(None, Mode::Planned(Plan::black_hole()));
    assert_eq!(ask(&gateway, SHORT).await?, 504);
    chaos.clear();
    assert_eq!(ask(&gateway, 20).await?, 200);

    chaos.set(None, Mode::Refused);
    gateway.connected("demo", false).await?;
    assert!([503, 504].contains(&ask(&gateway, SHORT).await?));
    chaos.clear();
    gateway.connected("demo", true).await?;
    assert_eq!(ask(&gateway, 20).await?, 200);
    gateway.stop().await;
    Ok(())
}

/// Breaks when a replayed seed draws something else.
#[test]
fn a_seed_draws_the_same_again() {
    let drawn = |seed: u64| -> Vec<u64> {
        let mut dice = Seed(seed).dice(7);
        (0..100).map(|_| dice.below(1_000)).collect()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

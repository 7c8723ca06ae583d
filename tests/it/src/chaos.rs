//! The network between the gateway and Telegram cuts, stalls and refuses.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use sluice_harness::chaos::{Cut, Dice, Ending, Mode, Plan, Seed, Way, Weather};
use sluice_harness::datacenter::{JournalEntry, JournalFilter, Outcome};
use sluice_harness::scoreboard::{count, soak};
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

/// What the callers were told, by the text that they sent.
type Told = std::collections::BTreeMap<String, u16>;

/// One step's weather. Silence, which only a ping finds out, is left to the long run.
fn weather(dice: &mut Dice) -> Mode {
    let weather = Weather {
        cut: 60,
        cut_within: 1_500,
        turned_away: 10,
        silent: if soak() { 3 } else { 0 },
        delay: 30,
        delay_up_to: Duration::from_millis(2),
        slice: 30,
    };
    match dice.below(8) {
        0 => Mode::CLEAR,
        1..=3 => Mode::Once(weather),
        4..=6 => Mode::Drawn(weather),
        _ => Mode::Refused,
    }
}

/// Every account but the first writes to the first.
async fn step(
    gateway: &Harness,
    names: &[&str],
    number: u64,
    told: &mut Told,
) -> anyhow::Result<()> {
    let sends = names.iter().skip(1).map(async |account| {
        let text = format!("{number} from {account}");
        let path = format!("/api/telegram/call/messages.sendMessage?account={account}");
        let request = gateway.request(reqwest::Method::POST, &path);
        let message = json!({ "peer": "@demo", "message": text });
        let request = request.header("x-timeout", 30).json(&message);
        anyhow::Ok((text, request.send().await?.status().as_u16()))
    });
    told.extend(try_join_all(sends).await?);
    Ok(())
}

/// What the first account has from the others, newest first.
async fn received(gateway: &Harness, from: &str) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!(
            "/api/telegram/messages?account=demo&peer=@{}&limit=100{cursor}",
            from.replace('-', "_")
        );
        let page = gateway.get(&path).await?.expect(200)?;
        let messages = page["messages"].as_array().unwrap();
        let texts_of = messages.iter().filter_map(|m| m["message"].as_str());
        texts.extend(texts_of.map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(texts),
        }
    }
}

/// Breaks when any network loses a send that was answered, doubles one, keeps an update from its
/// reader, puts an authorization in two places, or leaves an account behind.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_network_does_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    let names = ["demo", "demo-2", "demo-3"];
    let gateway = Harness::with(Setup {
        accounts: names.len(),
        chaos: Some(Seed::choose()),
        ..Setup::default()
    })
    .await?;
    let chaos = gateway.chaos()?;
    let mut dice = chaos.seed().dice(1 << 61);
    let mut told = Told::new();
    for number in 0..count(300, 12) {
        let mode = weather(&mut dice);
        chaos.set(None, mode);
        if mode == Mode::Refused {
            // Long enough to be noticed, not longer than the calls wait.
            let back = tokio::time::sleep(Duration::from_millis(dice.below(500)));
            let cleared = async {
                back.await;
                chaos.clear();
            };
            tokio::join!(step(&gateway, &names, number, &mut told), cleared).0?;
        } else {
            step(&gateway, &names, number, &mut told).await?;
        }
    }
    chaos.clear();
    for name in names {
        gateway.connected(name, true).await?;
    }

    let mut arrived = Vec::new();
    for from in &names[1..] {
        arrived.extend(received(&gateway, from).await?);
    }
    let mut waiting: std::collections::BTreeSet<String> = arrived.iter().cloned().collect();
    assert_eq!(waiting.len(), arrived.len(), "doubled: {arrived:?}");
    for (text, status) in &told {
        assert!(*status != 200 || waiting.contains(text), "lost: {text}");
    }
    // From the log, where they are kept: a socket that nobody reads for minutes is closed.
    let mut updates = gateway.events("types=update&account=demo&after=0").await?;
    let answered = told.values().filter(|status| **status == 200).count();
    assert!(answered * 2 > told.len(), "{answered} of {}", told.len());
    while !waiting.is_empty() {
        let event = updates
            .until(|event| event["update"]["message"]["message"].is_string())
            .await?;
        let text = event["update"]["message"]["message"].as_str().unwrap();
        assert!(told.contains_key(text), "{text}");
        waiting.remove(text);
    }
    let two_places =
        |entry: &JournalEntry| entry.outcome == Outcome::Error("AUTH_KEY_DUPLICATED".into());
    let journal = gateway.datacenter.journal(&JournalFilter::default());
    assert!(!journal.iter().any(two_places));
    gateway.stop().await;
    Ok(())
}

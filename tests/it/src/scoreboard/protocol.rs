//! A Telegram, or somebody on the way to it, that breaks the rules of the protocol.
#![allow(
    clippy::cast_precision_loss,
    reason = "counts and sizes stay far below 2^52"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::BytesMut;
use serde_json::{Value, json};
use sluice_datacenter::{Action, Corruption, Forgery, Match, NewAccount, Rule, RuleId};
use sluice_harness::chaos::{Dice, Seed, Way};
use sluice_harness::scoreboard::{Row, count, report};
use sluice_harness::{Client, Harness, Setup};
use sluice_mtproto::session::{ClientSession, ServerSalts, ServerSession};
use sluice_mtproto::{AuthKey, Now, Sender, open};

/// A call that the gateway does not make by itself.
const METHOD: &str = "contacts.getContacts";
/// "account back <= 2 s"
const BACK: Duration = Duration::from_secs(2);
/// "memory rises <= 32 MiB", in kB.
const RISE: u64 = 32 << 10;

const FORGERIES: [Forgery; 13] = [
    Forgery::ForeignSession,
    Forgery::StaleSession,
    Forgery::EvenMsgId,
    Forgery::OldMsgId,
    Forgery::FutureMsgId,
    Forgery::SeqNo,
    Forgery::LongPadding,
    Forgery::ShortPadding,
    Forgery::Length,
    Forgery::OddLength,
    Forgery::Truncated,
    Forgery::FlippedBit,
    Forgery::ForeignKey,
];

/// Each with the packets of the client that the server sees until it is refused.
const CORRUPTIONS: [(Corruption, u64); 10] = [
    (Corruption::Fingerprint, 1),
    (Corruption::PrimePq, 1),
    (Corruption::Nonce, 1),
    (Corruption::ServerNonce, 2),
    (Corruption::CompositePrime, 2),
    (Corruption::UnsafePrime, 2),
    (Corruption::Generator, 2),
    (Corruption::PublicOne, 2),
    (Corruption::PublicMinusOne, 2),
    (Corruption::NewNonceHash, 3),
];

fn params() -> Value {
    json!({ "hash": "0" })
}

fn once(gateway: &Harness, method: Option<&str>, action: Action) -> RuleId {
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: method.map(str::to_owned),
            times: Some(1),
            ..Match::default()
        },
        action,
    })
}

fn names(accounts: usize) -> Vec<String> {
    let name = |n| match n {
        1 => "demo".to_owned(),
        n => format!("demo-{n}"),
    };
    (1..=accounts).map(name).collect()
}

/// Until a call is answered again, however long it takes within its deadline.
async fn back(client: &Client, account: &str) -> anyhow::Result<Duration> {
    let start = Instant::now();
    client.call(account, METHOD, params()).await?.expect(200)?;
    Ok(start.elapsed())
}

fn millis(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}

/// Mutations of one honest packet at the core: none may be taken for a message. The same packet
/// twice is no harm, and is taken once.
fn mutations_taken(seed: Seed, mutations: u64) -> anyhow::Result<u64> {
    struct Even;
    impl sluice_domain::Random for Even {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x5c);
        }
    }
    let key = AuthKey::from_bytes([0xa5; 256]);
    let now = Now {
        unix: Duration::from_hours(500_000),
        mono: Duration::from_secs(1),
    };
    let mut client = ClientSession::new(key.clone(), 1, 2, 0, now);
    let mut server = ServerSession::new(key.clone(), 2, now, &Even);
    let mut salts = ServerSalts::new(1, now);
    client.ping(now, None);
    let ping = client.poll_packet(now, &Even).context("a ping")?;
    let ping = open(&key, Sender::Client, BytesMut::from(&ping[..]))?;
    server.receive(ping, &mut salts, now, &Even)?;
    let honest = server
        .poll_packet(&mut salts, now, &Even)
        .context("a pong")?;

    let mut dice = seed.dice(0xc0de);
    let mut taken = 0;
    for _ in 0..mutations {
        let mut packet = BytesMut::from(&honest[..]);
        mutate(&mut dice, &mut packet, 0);
        let changed = packet[..] != honest[..];
        let accepted = client.receive(packet, now).is_ok();
        taken += u64::from(changed && (accepted || client.next_event().is_some()));
    }
    client.receive(BytesMut::from(&honest[..]), now)?;
    anyhow::ensure!(client.next_event().is_some(), "the honest packet is taken");
    while client.next_event().is_some() {}
    client.receive(BytesMut::from(&honest[..]), now)?;
    anyhow::ensure!(client.next_event().is_none(), "and not twice");
    Ok(taken)
}

/// Flips, cuts, repeats or adds bytes behind `from`.
fn mutate(dice: &mut Dice, bytes: &mut BytesMut, from: usize) {
    let length = bytes.len();
    let span = u64::try_from(length.saturating_sub(from)).unwrap();
    let at = from + usize::try_from(dice.below(span)).unwrap();
    match dice.below(8) {
        0 => bytes.truncate(at),
        1 => bytes.extend_from_slice(&dice.roll().to_le_bytes()),
        2 => {
            let tail = bytes[at..].to_vec();
            bytes.extend_from_slice(&tail);
        }
        n => {
            for _ in 0..=n {
                let at = from + usize::try_from(dice.below(span)).unwrap();
                bytes[at] ^= 1 << dice.below(8);
            }
        }
    }
}

/// Breaks when a packet that breaks a rule is taken, brings anything down, or keeps an account away.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_packets() -> anyhow::Result<()> {
    let seed = Seed::choose();
    let mutations = 10_000;
    assert_eq!(mutations_taken(seed, mutations)?, 0, "taken at the core");

    // Many, so that none breaks so often that its reconnects are rationed.
    let accounts = usize::try_from(count(99, 24))?;
    let names = names(accounts);
    let (sealed, bare) = names.split_at(accounts / 3 * 2);
    let mut turn = sealed.iter().cycle();
    let gateway = Harness::with(Setup {
        accounts,
        chaos: Some(seed),
        ..Setup::default()
    })
    .await?;
    let violations = "sluice_link_violations_total";
    let mut slowest = Duration::ZERO;
    let mut forged = 0;
    for _ in 0..count(6, 1) {
        for forgery in FORGERIES {
            let account = turn.next().context("accounts")?;
            let before = gateway.figure(violations).await?;
            let rule = once(&gateway, Some(METHOD), Action::ForgeAnswer(forgery));
            // The right answer comes over the next connection.
            let took = back(&gateway, account).await?;
            println!("{forgery:?}: back after {}", millis(took));
            slowest = slowest.max(took);
            assert!(gateway.datacenter.remove_rule(rule));
            let counted = gateway.figure(violations).await? - before;
            assert!(
                (counted - 1.0).abs() < 0.5,
                "{forgery:?}: {counted} counted"
            );
            forged += 1;
        }
        for action in [Action::ReplayAnswer, Action::RepeatAnswer] {
            let account = turn.next().context("accounts")?;
            let before = gateway.figure(violations).await?;
            once(&gateway, Some(METHOD), action.clone());
            back(&gateway, account).await?;
            // Whatever follows the repetition has to come by the same connection.
            back(&gateway, account).await?;
            let counted = gateway.figure(violations).await? - before;
            assert!(counted.abs() < 0.5, "{action:?}: {counted} counted");
            gateway.datacenter.clear_rules();
            forged += 1;
        }
    }

    let wire = on_the_wire(&gateway, seed, bare, &mut slowest).await?;
    let metrics = gateway.admin_request(reqwest::Method::GET, "/metrics");
    let metrics = metrics.bearer_auth(gateway.key()).send().await?;
    let metrics = metrics.error_for_status()?.text().await?;
    assert!(!metrics.contains("\"panic\""), "{metrics}");
    report(&Row {
        part: "Telegram side",
        fault: "foreign session id, bad lengths, truncation, replay, even/old/future msg_id, padding > 1024, 10,000 mutations",
        goal: "0 accepted, 0 bad, account back <= 2 s",
        figure: &format!(
            "0 of {mutations} mutations taken by the core; {forged} sealed breaches and {wire} mutations on the wire, 0 bad, account back after {} at most",
            millis(slowest)
        ),
        n: mutations + forged + wire,
        met: slowest <= BACK,
    });
    gateway.stop().await;
    Ok(())
}

/// Mutates what comes from Telegram, one packet an account and round, and waits for all accounts.
async fn on_the_wire(
    gateway: &Harness,
    seed: Seed,
    accounts: &[String],
    slowest: &mut Duration,
) -> anyhow::Result<u64> {
    /// Accounts at a time: one address makes at most 20 connections a second.
    const AT_ONCE: usize = 6;
    let chaos = gateway.chaos()?;
    let done = Arc::new(AtomicU64::new(0));
    let budget = Arc::new(AtomicU64::new(0));
    let rounds = (0..count(4, 1)).flat_map(|round| {
        let groups = accounts.chunks(AT_ONCE);
        groups.map(move |group| (round, group))
    });
    for (round, group) in rounds {
        let (counted, left) = (Arc::clone(&done), Arc::clone(&budget));
        left.store(group.len().try_into()?, Ordering::SeqCst);
        chaos.mutate(move |piece| {
            // A frame's length is left alone: the client would wait for bytes that never come, and
            // only time tells that from a slow line.
            let takes = piece.way == Way::ToGateway && piece.bytes.len() > 64;
            let spend = |left: u64| left.checked_sub(1);
            let order = (Ordering::SeqCst, Ordering::SeqCst);
            if takes && left.fetch_update(order.0, order.1, spend).is_ok() {
                let subject = counted.fetch_add(1, Ordering::SeqCst) ^ (round << 32);
                let mut bytes = BytesMut::from(&piece.bytes[..]);
                let mut dice = seed.dice(subject);
                let span = u64::try_from(bytes.len() - 4).unwrap_or(1);
                for _ in 0..=dice.below(8) {
                    let at = 4 + usize::try_from(dice.below(span)).unwrap_or(0);
                    bytes[at] ^= 1 << dice.below(8);
                }
                *piece.bytes = bytes.to_vec();
            }
        });
        let all = group.iter().map(|name| back(gateway, name));
        for took in futures_util::future::try_join_all(all).await? {
            println!("on the wire: back after {}", millis(took));
            *slowest = (*slowest).max(took);
        }
        chaos.mutate_nothing();
    }
    Ok(done.load(Ordering::SeqCst))
}

/// Breaks when a megabyte of compressed zeros is inflated to what it claims, or keeps the account
/// from anything else.
#[tokio::test(flavor = "multi_thread")]
async fn gzip_bombs() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await?;
    let served = gateway.into_process().await?;
    served.process.connected("demo", true).await?;
    back(&served.process, "demo").await?;
    let pid = served.process.id().context("it runs")?;
    let bombs = count(20, 2);
    let mut rise = 0;
    for _ in 0..bombs {
        let before = memory(pid, "VmRSS")?;
        // The highest mark starts again from here.
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        served.datacenter.add_rule(Rule {
            matches: Match {
                method: Some(METHOD.to_owned()),
                times: Some(1),
                ..Match::default()
            },
            action: Action::GzipBomb,
        });
        // What cannot be read is asked for again, where that is safe.
        back(&served.process, "demo").await?;
        let rules = served.datacenter.rules();
        assert!(rules.iter().all(|view| view.applied == 1), "{rules:?}");
        served.datacenter.clear_rules();
        rise = rise.max(memory(pid, "VmHWM")?.saturating_sub(before));
    }
    let violations = served
        .process
        .figure("sluice_link_violations_total")
        .await?;
    assert!(
        (violations - bombs as f64).abs() < 0.5,
        "{violations} counted"
    );
    report(&Row {
        part: "Telegram side",
        fault: "gzip bomb 1 MB -> 1 GB",
        goal: "memory rises <= 32 MiB",
        figure: &format!("{:.1} MiB at most", rise as f64 / 1024.0),
        n: bombs,
        met: rise <= RISE,
    });
    assert!(rise <= RISE, "{rise} kB");
    served.stop().await
}

/// A line of a process's status, in kB.
fn memory(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(value.context("no such line")?.parse()?)
}

/// Breaks when the gateway makes a key with a server that cannot be trusted.
#[tokio::test(flavor = "multi_thread")]
async fn key_exchanges() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await?;
    let mut refused = 0;
    for (number, (corruption, packets)) in CORRUPTIONS.into_iter().enumerate() {
        let (name, phone) = (format!("new-{number}"), format!("999662100{number}"));
        gateway.datacenter.create_account(NewAccount {
            phone: Some(phone.clone()),
            ..NewAccount::default()
        })?;
        let new = json!({ "name": name, "kind": "user" });
        gateway.post("/api/accounts", new).await?.expect(201)?;
        let rule = once(&gateway, None, Action::Corrupt(corruption));
        let path = format!("/api/telegram-auth/send-code?account={name}");
        // The next exchange is an honest one.
        let sent = gateway.post(&path, json!({ "phone": phone })).await?;
        assert_eq!(
            sent.expect(200)?["state"],
            "awaiting_code",
            "{corruption:?}"
        );
        let rules = gateway.datacenter.rules();
        let view = rules
            .iter()
            .find(|view| view.id == rule)
            .context("the rule")?;
        // An honest exchange has three packets of the client.
        assert!(
            view.applied == 1 && view.seen >= packets + 3,
            "{corruption:?}: {view:?}"
        );
        gateway.datacenter.clear_rules();
        refused += 1;
    }
    report(&Row {
        part: "Telegram side",
        fault: "key exchange: composite p, p not safe, g_a = 1 or p-1, wrong nonces, unknown RSA key",
        goal: "all refused",
        figure: &format!(
            "{refused} of {} refused, each account signs in over the next connection",
            CORRUPTIONS.len()
        ),
        n: refused,
        met: true,
    });
    gateway.stop().await;
    Ok(())
}

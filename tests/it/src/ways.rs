//! Ways out: proxies of every kind, taken and changed while the gateway runs.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::{Value, json};
use sluice_config::Config;
use sluice_datacenter::{Action, DataCenter, JournalFilter, Match, Options, ProxyServer, Rule};
use sluice_domain::{Ipv6, Login, ProxyKind, Secret, Transport};
use sluice_harness::{Harness, Setup};

const KEY: &str = "367a189aee18fa31c190054efd4a8e95";
/// A secret that no proxy has.
const OTHER: &str = "00112233445566778899aabbccddeeff";
/// Planted: it must not come back from anywhere.
const WORD: &str = "hunter2";

fn login() -> Login {
    Login {
        user: "anna".to_owned(),
        password: Secret::new(WORD.to_owned()),
    }
}

/// Every kind of proxy, open before the data centers.
fn proxies(datacenter: &DataCenter) -> anyhow::Result<Vec<ProxyServer>> {
    let mut kinds = vec![
        ProxyKind::Socks5(Some(login())),
        ProxyKind::Socks5(None),
        ProxyKind::Http(Some(login())),
    ];
    for secret in [
        KEY.to_owned(),
        format!("dd{KEY}"),
        format!("ee{KEY}7777772e6578616d706c65"),
    ] {
        kinds.push(ProxyKind::MtProxy(secret.parse()?));
    }
    let open = kinds.into_iter().map(|kind| datacenter.open_proxy(kind));
    Ok(open.collect::<Result<_, _>>()?)
}

async fn take(gateway: &Harness, account: &str, proxy: Value) -> anyhow::Result<Value> {
    let path = format!("/api/accounts/{account}");
    let changed = gateway.patch(&path, json!({ "proxy": proxy })).await?;
    changed.expect(200)
}

async fn ask(gateway: &Harness, account: &str) -> anyhow::Result<Value> {
    let me = json!({ "id": [{ "_": "inputUserSelf" }] });
    gateway
        .call(account, "users.getUsers", me)
        .await?
        .expect(200)
}

/// The server never saw one authorization in two places.
fn nothing_duplicated(gateway: &Harness) {
    let journal = gateway.datacenter.journal(&JournalFilter::default());
    assert!(!journal.is_empty());
    for entry in journal {
        let outcome = serde_json::to_string(&entry.outcome).unwrap();
        assert!(!outcome.contains("AUTH_KEY_DUPLICATED"), "{entry:?}");
    }
}

/// Breaks when an account does not leave by the proxy it was given, leaves by two ways at once,
/// loses a call because the way changes, or shows a secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_account_takes_every_way() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let proxies = proxies(&gateway.datacenter)?;
    let direct = gateway.get("/api/accounts/demo").await?.expect(200)?;
    assert_eq!(direct["proxy"], Value::Null);
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            ..Match::default()
        },
        action: Action::Delay(300),
    });
    let mut before: Option<&ProxyServer> = None;
    for proxy in &proxies {
        let message = json!({ "peer": "me", "message": proxy.url().replace(WORD, "") });
        let sending = gateway.call("demo", "messages.sendMessage", message);
        let changed = take(&gateway, "demo", proxy.url().into());
        let (sent, changed) = tokio::join!(sending, changed);
        sent?.expect(200)?;
        let changed = changed?;
        let kind = proxy.url();
        let (kind, _) = kind.split_once("://").unwrap();
        let shown = json!({
            "kind": kind, "host": "127.0.0.1", "port": proxy.address().port(), "own": true,
        });
        assert_eq!(changed["proxy"], shown);
        ask(&gateway, "demo").await?;
        assert_eq!(
            proxy.until(|seen| seen.open == 1).await.forwarded,
            1,
            "{kind}"
        );
        if let Some(before) = before {
            before.until(|seen| seen.open == 0).await;
        }
        before = Some(proxy);
    }
    let listed = gateway.get("/api/accounts").await?.expect(200)?.to_string();
    assert!(!listed.contains(WORD) && !listed.contains(KEY), "{listed}");

    // Others leave as before, and so does this one again.
    ask(&gateway, "demo-2").await?;
    assert_eq!(
        take(&gateway, "demo", Value::Null).await?["proxy"],
        Value::Null
    );
    ask(&gateway, "demo").await?;
    for proxy in &proxies {
        assert_eq!(proxy.until(|seen| seen.open == 0).await.forwarded, 1);
    }
    nothing_duplicated(&gateway);

    // What is no proxy changes nothing, and is not repeated.
    for bad in [
        "socks4://a:1",
        "mtproxy://a:443?secret=hunter2",
        "https://t.me/proxy?server=a",
    ] {
        let path = "/api/accounts/demo";
        let refused = gateway.patch(path, json!({ "proxy": bad })).await?;
        assert_eq!(refused.status, 400);
        assert_eq!(
            refused.body["errors"][0]["pointer"], "/proxy",
            "{:#}",
            refused.body
        );
        assert!(!refused.body.to_string().contains(WORD));
    }
    gateway.stop().await;
    Ok(())
}

/// Breaks when a sign-in (with its key exchange, and over to another data center) does not go by
/// the account's proxy, or a restart forgets it.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_sign_in_by_every_way() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        accounts: 1,
        ..Setup::default()
    })
    .await?;
    let proxies = proxies(&gateway.datacenter)?;
    let names: Vec<_> = (0..proxies.len()).map(|n| format!("way-{n}")).collect();
    for (number, (name, proxy)) in names.iter().zip(&proxies).enumerate() {
        let new = json!({ "name": name, "kind": "user", "proxy": proxy.url() });
        gateway.post("/api/accounts", new).await?.expect(201)?;
        let step = |step: &str| format!("/api/telegram-auth/{step}?account={name}");
        // Of data center 1, asked for at 2.
        let phone = json!({ "phone": format!("999661007{number}") });
        gateway.post(&step("send-code"), phone).await?.expect(200)?;
        let code = json!({ "code": "11111" });
        let done = gateway.post(&step("sign-in"), code).await?.expect(200)?;
        assert_eq!(done["state"], "ready", "{name}: {done:#}");
        ask(&gateway, name).await?;
        assert!(
            proxy.counts().forwarded >= 2,
            "{name}: {:?}",
            proxy.counts()
        );
        assert_eq!(proxy.until(|seen| seen.open == 1).await.open, 1);
    }
    let seen: Vec<_> = proxies
        .iter()
        .map(|proxy| proxy.counts().forwarded)
        .collect();
    let gateway = gateway.restart().await?;
    for ((name, proxy), before) in names.iter().zip(&proxies).zip(seen) {
        gateway.connected(name, true).await?;
        assert!(
            proxy.counts().forwarded > before,
            "{name} came back another way"
        );
    }
    nothing_duplicated(&gateway);
    gateway.stop().await;
    Ok(())
}

/// An account is led to proxies that refuse it, and away again: what it says of each.
async fn refused(
    gateway: &Harness,
    account: &str,
    cases: Vec<(&ProxyServer, String, &str)>,
) -> anyhow::Result<()> {
    for (proxy, login, expected) in cases {
        let accepted = proxy.counts().accepted;
        let filter = format!("types=account_state&account={account}");
        let mut states = gateway.events(&filter).await?;
        let (kind, at) = (proxy.url(), proxy.address());
        let (kind, _) = kind.split_once("://").unwrap();
        let url = match login.strip_prefix('?') {
            Some(secret) => format!("{kind}://{at}?{secret}"),
            None => format!("{kind}://{login}{at}"),
        };
        take(gateway, account, url.clone().into()).await?;
        let told = states
            .until(|event| {
                let reason = event["stateReason"].as_str().unwrap_or_default();
                event["state"] == "connecting" && reason.contains(expected)
            })
            .await?;
        let told = told["stateReason"].as_str().unwrap().to_owned();
        assert!(
            told.ends_with(&format!(" (by way of {kind}://{at})")),
            "{told}"
        );
        assert!(!told.contains(OTHER) && !told.contains("wrong"), "{told}");
        let status = format!("/api/telegram-auth/status?account={account}");
        let status = gateway.get(&status).await?.expect(200)?;
        assert_eq!(status["connected"], false);
        take(gateway, account, "direct".into()).await?;
        states.until(|event| event["state"] == "ready").await?;
        let tried = proxy.counts().accepted - accepted;
        assert!((1..=3).contains(&tried), "{url}: {tried} connections");
        assert_eq!(proxy.counts().forwarded, 0);
    }
    Ok(())
}

/// Breaks when what a proxy refuses is not said, is said with a secret in it, or is tried again
/// and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_refuses_is_said() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        accounts: 4,
        ..Setup::default()
    })
    .await?;
    let proxies = proxies(&gateway.datacenter)?;
    let [socks5, _, http, plain, padded, tls] = &proxies[..] else {
        panic!("six proxies");
    };
    let wrong = || "anna:wrong@".to_owned();
    let password = "the proxy refused the name or the password";
    let nobody = "the proxy wants a name and a password";
    let secret = "before the first answer, as one does that has another secret";
    let hello = "the proxy closed the connection at the TLS hello";
    let tls = (
        tls,
        format!("?secret=ee{OTHER}7777772e6578616d706c65"),
        hello,
    );
    let (one, two, three, four) = tokio::join!(
        refused(
            &gateway,
            "demo",
            vec![(socks5, wrong(), password), (socks5, String::new(), nobody)]
        ),
        refused(
            &gateway,
            "demo-2",
            vec![(http, wrong(), password), (http, String::new(), nobody)]
        ),
        refused(
            &gateway,
            "demo-3",
            vec![(plain, format!("?secret={OTHER}"), secret), tls]
        ),
        refused(
            &gateway,
            "demo-4",
            vec![(padded, format!("?secret=dd{OTHER}"), secret)]
        ),
    );
    one.and(two).and(three).and(four)?;
    nothing_duplicated(&gateway);
    gateway.stop().await;
    Ok(())
}

/// Breaks when a proxy in the file is not taken while the gateway runs, is taken by an account that
/// has its own, or is shown.
#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_of_the_configuration_is_taken_when_it_changes() -> anyhow::Result<()> {
    let harness = Harness::start().await?;
    take(&harness, "demo-2", "direct".into()).await?;
    let served = harness.into_process().await?;
    let gateway = &served.process;
    gateway.connected("demo", true).await?;
    let proxies = proxies(&served.datacenter)?;
    let file = std::fs::read_to_string(served.file())?;
    let write = |proxy: &str| {
        let changed = file.replace("[telegram]\n", &format!("[telegram]\n{proxy}\n"));
        let next = served.file().with_extension("next");
        std::fs::write(&next, changed)?;
        std::fs::rename(next, served.file())
    };
    let mut events = gateway.events("types=config").await?;
    for proxy in &proxies[..2] {
        write(&format!("proxy = \"{}\"", proxy.url()))?;
        let applied = events.next().await?;
        assert_eq!(applied["action"], "applied", "{applied:#}");
        assert_eq!(applied["changed"], json!(["telegram.proxy"]));
        assert!(!applied.to_string().contains(WORD));
        assert_eq!(proxy.until(|seen| seen.open == 1).await.forwarded, 1);
        let shown = gateway.get("/api/accounts/demo").await?.expect(200)?;
        assert_eq!(shown["proxy"]["own"], false);
        assert_eq!(shown["proxy"]["port"], proxy.address().port());
    }
    assert_eq!(proxies[0].counts().open, 0);
    write("proxy = \"socks5://anna:hunter2@\"")?;
    let refused = events.next().await?;
    assert_eq!(refused["action"], "refused", "{refused:#}");
    let error = refused["error"].as_str().unwrap();
    assert!(
        error.contains("telegram.proxy") && !error.contains(WORD),
        "{error}"
    );
    write("")?;
    events.next().await?;
    assert_eq!(proxies[1].until(|seen| seen.open == 0).await.forwarded, 1);
    gateway.connected("demo", true).await?;
    served.stop().await
}

/// Breaks when the gateway does not reach Telegram over IPv6, or not obfuscated.
#[tokio::test(flavor = "multi_thread")]
async fn obfuscated_over_ipv6() -> anyhow::Result<()> {
    let mut config = Config::default();
    config.telegram.transport = Transport::Obfuscated;
    config.telegram.ipv6 = Ipv6::Prefer;
    let gateway = Harness::with(Setup {
        config,
        datacenter: Options {
            listen: IpAddr::V6(Ipv6Addr::LOCALHOST),
            ..Options::default()
        },
        ..Setup::default()
    })
    .await?;
    assert!(
        gateway
            .datacenter
            .dcs()
            .iter()
            .all(|dc| dc.address.is_ipv6())
    );
    let proxy = gateway
        .datacenter
        .open_proxy(ProxyKind::Socks5(Some(login())))?;
    ask(&gateway, "demo").await?;
    take(&gateway, "demo", proxy.url().into()).await?;
    ask(&gateway, "demo").await?;
    assert_eq!(proxy.counts().open, 1);
    gateway.stop().await;
    Ok(())
}

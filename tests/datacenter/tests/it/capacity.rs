//! Many connected accounts in one process.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinSet,
};

use crate::client::Client;

/// What the data center must hold.
const ACCOUNTS: u32 = 2_000;
/// Connecting at once.
const AT_ONCE: usize = 50;
/// A connected account, all told: user, authorization, key, session, connection and its task. 9 KiB
/// were measured; a read buffer that is kept by each would be 8 more.
const EACH_KIB: u64 = 16;

fn rss_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Fails if 2,000 accounts cannot be connected at once and served, or if each of them needs more
/// memory than is said above.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_connected_accounts() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_sluice-datacenter"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stdout = process.stdout.take().unwrap();
    let ready = BufReader::new(stdout).lines().next_line().await.unwrap();
    let ready: Value = serde_json::from_str(&ready.unwrap()).unwrap();
    let control = ready["control_url"].as_str().unwrap().to_owned();
    let key = ready["control_key"].as_str().unwrap().to_owned();
    let address: SocketAddr = ready["dcs"][0]["address"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let http = reqwest::Client::new();
    let post = |path: String, body: Value| {
        let request = http.post(format!("{control}{path}")).bearer_auth(&key);
        async move {
            let answer = request.json(&body).send().await.unwrap();
            answer.json::<Value>().await.unwrap()
        }
    };
    let before = rss_kib(process.id().unwrap());

    let mut connecting = JoinSet::new();
    let mut connected = Vec::new();
    for number in 0..ACCOUNTS {
        let phone = format!("999661{number:04}");
        let account = post("/accounts".into(), json!({"phone": phone})).await;
        let path = format!("/accounts/{}/auth-key", account["id"]);
        let issued = post(path, json!({})).await;
        let key = STANDARD.decode(issued["key"].as_str().unwrap()).unwrap();
        connecting.spawn(async move {
            let mut client = Client::with_key(address, key.try_into().unwrap()).await;
            client.ok("updates.getState", json!({})).await;
            client
        });
        if connecting.len() == AT_ONCE {
            connected.push(connecting.join_next().await.unwrap().unwrap());
        }
    }
    while let Some(client) = connecting.join_next().await {
        connected.push(client.unwrap());
    }
    let each = (rss_kib(process.id().unwrap()) - before) / u64::from(ACCOUNTS);
    println!("{each} KiB for each of {ACCOUNTS} connected accounts");
    assert!(each <= EACH_KIB, "{each} KiB each");

    // All of them are still there, and all are answered at once.
    let mut calling = JoinSet::new();
    for mut client in connected {
        calling.spawn(async move {
            let call = client.call("updates.getState", json!({}));
            let answer = tokio::time::timeout(Duration::from_secs(30), call).await;
            answer.expect("an answer in time").expect("no error");
        });
    }
    let served = calling.join_all().await.len();
    assert_eq!(served, usize::try_from(ACCOUNTS).unwrap());
    process.kill().await.unwrap();
}

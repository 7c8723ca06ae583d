//! Data centers that send callers on to others.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_harness::Harness;
use sluice_harness::datacenter::{Action, Match, NewAccount, Rule};
use sluice_harness::scoreboard::{Row, report};

/// A loop that is followed for ever would take longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The data center answers this method so, once if `once`.
fn redirect(gateway: &Harness, method: &str, dc: i32, name: &str, once: bool) {
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some(method.to_owned()),
            dc: Some(dc),
            times: once.then_some(1),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 303,
            name: name.to_owned(),
        },
    });
}

fn part() -> Value {
    json!({ "file_id": "77", "file_part": 0, "bytes": "c2x1aWNl" })
}

/// An account that begins to sign in: the number lives on data center 1.
async fn send_code(gateway: &Harness, account: &str) -> anyhow::Result<u16> {
    let path = format!("/api/telegram-auth/send-code?account={account}");
    let phone = json!({ "phone": "9996617777" });
    Ok(gateway.post(&path, phone).await?.status)
}

/// Breaks when a data center's "not here, there" reaches a caller, when a chain is not followed to
/// its end, or when a loop is followed for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_where_telegram_says() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let me = || json!({ "id": [{ "_": "inputUserSelf" }] });
    let mut followed = 0;
    // demo is at home on data center 1, demo-2 on 2.
    for (method, name, params) in [
        ("upload.saveFilePart", "FILE_MIGRATE_2", part()),
        ("users.getUsers", "STATS_MIGRATE_2", me()),
        ("users.getUsers", "USER_MIGRATE_2", me()),
        ("users.getUsers", "NETWORK_MIGRATE_2", me()),
        ("users.getUsers", "PHONE_MIGRATE_2", me()),
    ] {
        redirect(&gateway, method, 1, name, true);
        let answer = gateway.call("demo", method, params).await?;
        answer.expect(200)?;
        followed += 1;
    }

    gateway.datacenter.create_account(NewAccount {
        phone: Some("9996617777".to_owned()),
        ..NewAccount::default()
    })?;
    let created = json!({ "name": "mover", "kind": "user" });
    gateway.post("/api/accounts", created).await?.expect(201)?;
    // A chain: it begins at data center 2, is sent to 1, and on, and back to where the number lives.
    redirect(&gateway, "auth.sendCode", 2, "NETWORK_MIGRATE_1", true);
    redirect(&gateway, "auth.sendCode", 1, "USER_MIGRATE_2", true);
    assert_eq!(send_code(&gateway, "mover").await?, 200);
    followed += 3;
    let cancel = "/api/telegram-auth/cancel-code?account=mover";
    gateway.post(cancel, json!({})).await?.expect(200)?;

    let mut loops = Vec::new();
    for (dc, to) in [(1, 2), (2, 1)] {
        let file = format!("FILE_MIGRATE_{to}");
        redirect(&gateway, "upload.saveFilePart", dc, &file, false);
        let phone = format!("PHONE_MIGRATE_{to}");
        redirect(&gateway, "auth.sendCode", dc, &phone, false);
    }
    let upload = gateway.call("demo", "upload.saveFilePart", part());
    let upload = tokio::time::timeout(PATIENCE, upload).await??;
    loops.push(upload.status);
    let code = send_code(&gateway, "mover");
    loops.push(tokio::time::timeout(PATIENCE, code).await??);
    assert!(loops.iter().all(|status| *status >= 400), "{loops:?}");
    gateway.datacenter.clear_rules();
    gateway
        .call("demo", "users.getUsers", me())
        .await?
        .expect(200)?;
    report(&Row {
        part: "Telegram side",
        fault: "PHONE/USER/NETWORK/FILE/STATS_MIGRATE, chains, loops",
        goal: "0 errors seen by the client; a loop ends with an error",
        figure: &format!(
            "{followed} migrations followed, 0 errors; loops of an upload and of a sign-in ended with {} and {}",
            loops[0], loops[1]
        ),
        n: followed,
        met: true,
    });
    gateway.stop().await;
    Ok(())
}

//! grammers-client, unchanged, against our data center. Its server keys are constants, so it cannot
//! make an auth key here: the data center issues one, already signed in.

#![allow(
    clippy::disallowed_methods,
    clippy::large_futures,
    reason = "the client's own runner is spawned as its documentation says, and its futures are large"
)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use grammers_client::{Client, update::Update};
use grammers_mtsender::{SenderPool, UpdatesConfiguration};
use grammers_session::{Session, SessionData, storages::MemorySession, types::DcOption};
use sluice_datacenter::{
    AccountInfo, Action, DataCenter, JournalFilter, Match, NewAccount, Options, Rule,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// A client with an issued key, on a data center.
async fn client_of(
    dc: &DataCenter,
    account: &AccountInfo,
) -> Result<(
    Client,
    tokio::sync::mpsc::Receiver<grammers_session::updates::UpdatesLike>,
)> {
    let info = dc
        .dcs()
        .into_iter()
        .find(|info| info.id == account.dc)
        .context("no such data center")?;
    let SocketAddr::V4(ipv4) = info.address else {
        bail!("grammers is given an IPv4 address");
    };
    let session = MemorySession::from(SessionData::default());
    session.set_home_dc_id(account.dc).await?;
    session
        .set_dc_option(&DcOption {
            id: account.dc,
            ipv4,
            ipv6: std::net::SocketAddrV6::new(ipv4.ip().to_ipv6_mapped(), ipv4.port(), 0, 0),
            auth_key: Some(dc.issue_auth_key(account.id)?),
        })
        .await?;
    let SenderPool {
        runner,
        handle,
        updates,
    } = SenderPool::new(Arc::new(session), 1);
    tokio::spawn(runner.run());
    Ok((Client::new(handle), updates))
}

fn user(dc: &DataCenter, phone: &str, username: &str) -> Result<AccountInfo> {
    Ok(dc.create_account(NewAccount {
        phone: Some(phone.into()),
        username: Some(username.into()),
        ..NewAccount::default()
    })?)
}

/// Fails if grammers cannot read what we send, if a message is lost or doubled over a disconnect,
/// or if updates stop after one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_receives_reads_back_and_survives_a_disconnect() -> Result<()> {
    let dc = DataCenter::start(Options::default()).await?;
    let anna = user(&dc, "9996620001", "anna")?;
    let bert = user(&dc, "9996620002", "bert")?;
    let (client, updates) = client_of(&dc, &anna).await?;
    assert!(client.is_authorized().await?);
    assert_eq!(client.get_me().await?.username(), Some("anna"));

    let friend = client
        .resolve_username("bert")
        .await?
        .context("bert is known")?
        .to_ref()
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?
        .context("with an access hash")?;
    let sent = client.send_message(friend, "from grammers").await?;
    assert_eq!(sent.text(), "from grammers");

    let mut stream = client
        .stream_updates(updates, UpdatesConfiguration { catch_up: true })
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut heard = async || -> Result<String> {
        let mut dropped = 0;
        loop {
            match timeout(PATIENCE, stream.next())
                .await
                .context("no update came")?
            {
                Ok(Update::NewMessage(message)) if !message.outgoing() => {
                    return Ok(message.text().to_owned());
                }
                Ok(_) => {}
                // A difference that grammers was asking for when the connection was cut is reported
                // as dropped, again while it reconnects; an application asks for the next update again.
                Err(error) if dropped < 3 && error.to_string().contains("dropped") => dropped += 1,
                Err(error) => return Err(error.into()),
            }
        }
    };
    dc.send_text(bert.id, anna.id, "first")?;
    assert_eq!(heard().await?, "first");

    dc.cut_connections(None).await;
    dc.send_text(bert.id, anna.id, "while it was away")?;
    assert_eq!(heard().await?, "while it was away");

    let rule = Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            times: Some(1),
            ..Match::default()
        },
        action: Action::Disconnect,
    };
    dc.add_rule(rule);
    if client.send_message(friend, "again").await.is_err() {
        client.send_message(friend, "again").await?;
    }
    dc.send_text(bert.id, anna.id, "last")?;
    assert_eq!(heard().await?, "last");

    let mut history = client.iter_messages(friend);
    let mut texts = Vec::new();
    while let Some(message) = history.next().await? {
        texts.push(message.text().to_owned());
    }
    assert_eq!(
        texts,
        [
            "last",
            "again",
            "while it was away",
            "first",
            "from grammers"
        ]
    );
    let seen = dc.journal(&JournalFilter {
        method: Some("messages.getHistory".into()),
        ..JournalFilter::default()
    });
    assert!(!seen.is_empty());
    client.disconnect();
    dc.shutdown().await;
    Ok(())
}

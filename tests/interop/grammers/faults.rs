//! What a client lives through.

use anyhow::Result;
use sluice_datacenter::{Action, DataCenter, JournalFilter, Options};

use crate::world::{client_of, heard, once, peer, stream, user};

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

    let friend = peer(&client, "bert").await?;
    let sent = client.send_message(friend, "from grammers").await?;
    assert_eq!(sent.text(), "from grammers");

    let mut stream = stream(&client, updates).await?;
    dc.send_text(bert.id, anna.id, "first")?;
    assert_eq!(heard(&mut stream).await?.text(), "first");

    dc.cut_connections(None).await;
    dc.send_text(bert.id, anna.id, "while it was away")?;
    assert_eq!(heard(&mut stream).await?.text(), "while it was away");

    dc.add_rule(once("messages.sendMessage", Action::Disconnect));
    if client.send_message(friend, "again").await.is_err() {
        client.send_message(friend, "again").await?;
    }
    dc.send_text(bert.id, anna.id, "last")?;
    assert_eq!(heard(&mut stream).await?.text(), "last");

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

/// Whatever becomes of a call's packet or answer, the message is there once, and the next call works.
/// grammers gives calls back that were under way when a connection ended, and an application sends
/// again under another `random_id`; so nothing is executed here before the connection ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_after_faults() -> Result<()> {
    let dc = DataCenter::start(Options::default()).await?;
    let anna = user(&dc, "9996610301", "anna")?;
    user(&dc, "9996610302", "bert")?;
    let (client, _updates) = client_of(&dc, &anna).await?;
    let friend = peer(&client, "bert").await?;
    let bent = [
        Action::BadMsg(48),
        Action::BadMsg(16),
        Action::BadMsg(17),
        Action::BadMsg(32),
        Action::RepeatAnswer,
        Action::ReplayAnswer,
        Action::Disconnect,
    ];
    for (number, action) in bent.into_iter().enumerate() {
        let shown = format!("{action:?}");
        dc.add_rule(once("messages.sendMessage", action));
        let text = format!("bent {number}");
        if client.send_message(friend, text.as_str()).await.is_err() {
            client.send_message(friend, text.as_str()).await?;
        }
        let next = format!("straight {number}");
        client.send_message(friend, next.as_str()).await?;
        let mut history = client.iter_messages(friend).limit(2);
        let mut texts = Vec::new();
        while let Some(message) = history.next().await? {
            texts.push(message.text().to_owned());
        }
        assert_eq!(texts, [next, text], "{shown}");
    }
    client.disconnect();
    dc.shutdown().await;
    Ok(())
}

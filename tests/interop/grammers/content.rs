//! Groups, channels and files.

use std::io::Cursor;

use anyhow::{Context, Result};
use grammers_client::message::InputMessage;
use sluice_datacenter::{DataCenter, JournalFilter, NewChannel, Options};

use crate::world::{client_of, heard, peer, stream, user};

/// What bots write for a channel's id.
const CHANNELS: i64 = -1_000_000_000_000;

/// A group and a channel: heard, written in, read back, and heard again after a cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_and_channels() -> Result<()> {
    let dc = DataCenter::start(Options::default()).await?;
    let anna = user(&dc, "9996610311", "anna")?;
    let bert = user(&dc, "9996610312", "bert")?;
    let (client, updates) = client_of(&dc, &anna).await?;
    let group = dc.create_chat(bert.id, &[anna.id], "Two")?;
    let channel = NewChannel {
        title: "Many".into(),
        username: Some("many_people".into()),
        with: vec![anna.id],
        ..NewChannel::default()
    };
    let channel = CHANNELS - dc.create_channel(bert.id, &channel)?;
    let many = peer(&client, "many_people").await?;
    let mut stream = stream(&client, updates).await?;

    for (place, text) in [(-group, "in the group"), (channel, "in the channel")] {
        dc.send_text(bert.id, place, text)?;
        // What told of the group's making may come first.
        while heard(&mut stream).await.context(text)?.text() != text {}
    }
    client.send_message(many, "an answer").await?;

    // What this client missed in a channel it loses: it takes the pts of `updateChannelTooLong`,
    // which is for channels that a client has no state of, for its own. It goes on from there.
    dc.cut_connections(None).await;
    dc.send_text(bert.id, channel, "meanwhile")?;
    // The call that finds the connection gone is given back.
    if client.get_me().await.is_err() {
        client.get_me().await?;
    }
    for (place, text) in [(anna.id, "in private"), (channel, "after")] {
        dc.send_text(bert.id, place, text)?;
        while heard(&mut stream).await.context(text)?.text() != text {}
    }

    let mut history = client.iter_messages(many).limit(4);
    let mut texts = Vec::new();
    while let Some(message) = history.next().await? {
        texts.push(message.text().to_owned());
    }
    assert_eq!(texts, ["after", "meanwhile", "an answer", "in the channel"]);
    client.disconnect();
    dc.shutdown().await;
    Ok(())
}

/// A small and a large file there and back. To another data center this client cannot go: it has no
/// server key that ours could use, and keys are issued for the home only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files() -> Result<()> {
    let dc = DataCenter::start(Options::default()).await?;
    let anna = user(&dc, "9996610321", "anna")?;
    user(&dc, "9996610322", "bert")?;
    let (client, _updates) = client_of(&dc, &anna).await?;
    let friend = peer(&client, "bert").await?;
    for (size, method) in [
        (70_001, "upload.saveFilePart"),
        (10 * 1024 * 1024 + 5, "upload.saveBigFilePart"),
    ] {
        let content: Vec<u8> = (0..size)
            .map(|n: u32| n.wrapping_mul(n).to_le_bytes()[1])
            .collect();
        let uploaded = client
            .upload_stream(&mut Cursor::new(&content), content.len(), "some.bin".into())
            .await?;
        let message = InputMessage::new().text("a file").document(uploaded);
        client.send_message(friend, message).await?;
        let sent = client.iter_messages(friend).limit(1).next().await?;
        let media = sent.context("it was sent")?.media().context("a file")?;
        let mut download = client.iter_download(&media);
        let mut got = Vec::new();
        while let Some(chunk) = download.next().await? {
            got.extend(chunk);
        }
        assert!(got == content, "{} bytes of {size}", got.len());
        let parts = JournalFilter {
            method: Some(method.into()),
            ..JournalFilter::default()
        };
        assert!(!dc.journal(&parts).is_empty());
    }
    client.disconnect();
    dc.shutdown().await;
    Ok(())
}

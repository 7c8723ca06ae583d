//! A data center, accounts on it and clients of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use grammers_client::{Client, client::UpdateStream, message::Message, update::Update};
use grammers_mtsender::{SenderPool, UpdatesConfiguration};
use grammers_session::{
    Session, SessionData,
    storages::MemorySession,
    types::{DcOption, PeerRef},
};
use sluice_datacenter::{AccountInfo, Action, DataCenter, Match, NewAccount, Rule};
use tokio::time::timeout;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// A client with an issued key, on a data center.
pub async fn client_of(
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

pub fn user(dc: &DataCenter, phone: &str, username: &str) -> Result<AccountInfo> {
    Ok(dc.create_account(NewAccount {
        phone: Some(phone.into()),
        username: Some(username.into()),
        ..NewAccount::default()
    })?)
}

/// Somebody, or a channel, by username.
pub async fn peer(client: &Client, username: &str) -> Result<PeerRef> {
    client
        .resolve_username(username)
        .await?
        .context("the name is known")?
        .to_ref()
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?
        .context("with an access hash")
}

/// The next message of somebody else.
pub async fn heard(stream: &mut UpdateStream) -> Result<Message> {
    let mut dropped = 0;
    loop {
        let update = timeout(PATIENCE, stream.next()).await;
        match update.context("no update came")? {
            Ok(Update::NewMessage(message)) if !message.outgoing() => {
                return Ok((*message).clone());
            }
            Ok(_) => {}
            // A difference that grammers was asking for when the connection was cut is reported
            // as dropped, again while it reconnects; an application asks for the next update again.
            Err(error) if dropped < 3 && error.to_string().contains("dropped") => dropped += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Updates of a client, from where it stands.
pub async fn stream(
    client: &Client,
    updates: tokio::sync::mpsc::Receiver<grammers_session::updates::UpdatesLike>,
) -> Result<UpdateStream> {
    client
        .stream_updates(updates, UpdatesConfiguration { catch_up: true })
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))
}

/// What happens to the next call of a method.
pub fn once(method: &str, action: Action) -> Rule {
    Rule {
        matches: Match {
            method: Some(method.into()),
            times: Some(1),
            ..Match::default()
        },
        action,
    }
}

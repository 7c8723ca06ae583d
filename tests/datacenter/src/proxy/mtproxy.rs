//! Telegram's own kind: the client's obfuscation is taken off, and the data center is spoken to
//! plainly, in the framing that the client chose.

use bytes::BytesMut;
use sluice_domain::ProxySecret;
use sluice_mtproto::transport::{
    obfuscated::{HEADER, Obfuscation},
    tls::Records,
};
use tokio::io::AsyncWriteExt;

use super::{Inner, Refusal, Visitor, relay::Through};

/// Numbers of test data centers are so much larger.
const TEST: u16 = 10_000;

pub(super) async fn greet(
    visitor: &mut Visitor,
    inner: &Inner,
    secret: &ProxySecret,
) -> Result<Through, Refusal> {
    let mut records = None;
    if let Some(door) = &inner.door {
        let answer = loop {
            let unix = (inner.unix)();
            let answer = door
                .lock()
                .receive(&mut visitor.incoming, unix, &*inner.random)?;
            match answer {
                Some(answer) => break answer,
                None => visitor.more().await?,
            }
        };
        visitor.stream.write_all(&answer).await?;
        records = Some(Records::server());
    }
    let mut inside = BytesMut::new();
    let header = loop {
        match &mut records {
            None => inside.unsplit(visitor.incoming.split()),
            Some(records) => records.unwrap(&mut visitor.incoming, &mut inside)?,
        }
        if let Some(header) = inside.first_chunk::<HEADER>() {
            break *header;
        }
        visitor.more().await?;
    };
    let (mut cipher, announced) = Obfuscation::server(&header, Some(secret.key.expose()))?;
    let number = i32::from(announced.dc.unsigned_abs() % TEST);
    let dc = inner.dcs.iter().find(|dc| dc.id == number);
    let to = dc.ok_or(Refusal::Elsewhere)?;
    let to = if announced.dc < 0 {
        to.media_address
    } else {
        to.address
    };
    let mut server = inner.connect(to).await?;
    let mut first = BytesMut::from(announced.kind.announcement());
    let _ = inside.split_to(HEADER);
    cipher.decrypt(&mut inside);
    first.unsplit(inside);
    server.write_all_buf(&mut first).await?;
    Ok(Through {
        server,
        cover: Some((cipher, records)),
    })
}

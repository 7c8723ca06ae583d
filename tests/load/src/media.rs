//! Bytes up and down over links for media, straight from `host/links` to the data center.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use sluice_datacenter::{DataCenter, NewAccount, Options};
use sluice_harness::scoreboard::{Row, report};
use sluice_links::{Limits, Target};
use sluice_tl::Schema;
use tokio::task::JoinSet;

use crate::bare::Link;

/// The largest part that Telegram takes.
const PART: usize = 512 * 1024;
/// 64 MiB: some tenths of a second on one link.
const PARTS: usize = 128;
/// Calls at once: each of four links has one on its way and one to come.
const AT_ONCE: usize = 8;
/// `upload.saveBigFilePart#de7b673d file_id:long file_part:int`: where the part's number stands.
const NUMBER: std::ops::Range<usize> = 12..16;

/// Measures one link and four, and reports the row.
pub async fn run() -> Result<()> {
    let datacenter = DataCenter::start(Options::default()).await?;
    let account = datacenter.create_account(NewAccount {
        phone: Some("9996610001".to_owned()),
        ..NewAccount::default()
    })?;
    let dc = datacenter
        .dcs()
        .into_iter()
        .next()
        .context("no data center")?;
    let mut figures = Vec::new();
    for links in [1, 4] {
        let key = datacenter.issue_auth_key(account.id)?;
        let limits = Limits {
            media_links: links,
            ..Limits::default()
        };
        let link = Link::start(&dc, datacenter.public_key_pem(), Some(&key), limits).await?;
        let link = Arc::new(link);
        let target = Target::Media(dc.id);
        let file = i64::from(links);
        // The links are made, and their first calls over, before anything is measured.
        up(&link, target, file + 100).await?;
        let up = up(&link, target, file).await?;
        let location = posted(&link, file).await?;
        let down = down(&link, target, &location).await?;
        let word = if links == 1 { "link" } else { "links" };
        figures.push(format!("{links} {word}: up {up:.0}, down {down:.0} MiB/s"));
    }
    report(&Row {
        part: "Telegram side",
        fault: "bytes on one and on four media links, the data center on the same cores",
        goal: "(measured)",
        figure: &figures.join("; "),
        n: u64::try_from(4 * PARTS * PART)? >> 20,
        met: true,
    });
    datacenter.shutdown().await;
    Ok(())
}

fn encoded(method: &str, params: &Value) -> Result<Vec<u8>> {
    let params = params.as_object().context("an object")?;
    let body = Schema::newest().encode_call(method, params);
    body.map_err(|e| anyhow!("{e:?}"))
}

/// All calls, some at once; in MiB/s.
async fn transferred(link: &Arc<Link>, target: Target, bodies: Vec<Bytes>) -> Result<f64> {
    let at = Instant::now();
    let mut tasks = JoinSet::new();
    for body in bodies {
        if tasks.len() == AT_ONCE {
            tasks.join_next().await.context("a task")???;
        }
        let link = Arc::clone(link);
        tasks.spawn(async move {
            let answer = link.raw(target, body).await?;
            ensure!(answer.len() >= 4, "an empty answer");
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let mib = f64::from(u32::try_from((PARTS * PART) >> 20)?);
    Ok(mib / at.elapsed().as_secs_f64())
}

async fn up(link: &Arc<Link>, target: Target, file: i64) -> Result<f64> {
    // Encoded once: what is measured is the link, not JSON.
    let params = json!({
        "file_id": file, "file_part": 0, "file_total_parts": PARTS,
        "bytes": base64(PART),
    });
    let first = encoded("upload.saveBigFilePart", &params)?;
    let bodies = (0..u32::try_from(PARTS)?).map(|number| {
        let mut body = first.clone();
        if let Some(place) = body.get_mut(NUMBER) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        Bytes::from(body)
    });
    transferred(link, target, bodies.collect()).await
}

/// So many zeros as base64; the length is no multiple of 3.
fn base64(length: usize) -> String {
    let mut text = "A".repeat(length.div_ceil(3) * 4);
    let padding = (3 - length % 3) % 3;
    text.truncate(text.len() - padding);
    text + &"=".repeat(padding)
}

/// Makes a message of the file, and tells where it can be had.
async fn posted(link: &Arc<Link>, file: i64) -> Result<Value> {
    let params = json!({
        "peer": {"_": "inputPeerSelf"},
        "message": "",
        "random_id": file,
        "media": {
            "_": "inputMediaUploadedDocument",
            "file": {"_": "inputFileBig", "id": file, "parts": PARTS, "name": "zeros"},
            "mime_type": "application/octet-stream",
            "attributes": [],
        },
    });
    let method = "messages.sendMedia";
    let body = Bytes::from(encoded(method, &params)?);
    let answer = link.raw(Target::Main, body).await?;
    let answer = Schema::newest().decode_result(method, &answer);
    let answer = answer.map_err(|e| anyhow!("{e:?}"))?;
    let updates = answer
        .get("updates")
        .and_then(Value::as_array)
        .context("updates")?;
    let document = updates
        .iter()
        .find_map(|update| update.pointer("/message/media/document"))
        .context("a document")?;
    Ok(json!({
        "_": "inputDocumentFileLocation",
        "id": document["id"],
        "access_hash": document["access_hash"],
        "file_reference": document["file_reference"],
        "thumb_size": "",
    }))
}

async fn down(link: &Arc<Link>, target: Target, location: &Value) -> Result<f64> {
    let bodies: Result<Vec<Bytes>> = (0..PARTS)
        .map(|number| {
            let params = json!({"location": location, "offset": number * PART, "limit": PART});
            Ok(Bytes::from(encoded("upload.getFile", &params)?))
        })
        .collect();
    transferred(link, target, bodies?).await
}

#[cfg(test)]
mod tests {
    /// Fails if the part is not as long as it should be.
    #[test]
    fn zeros_in_base64() {
        assert_eq!(super::base64(1), "AA==");
        assert_eq!(super::base64(2), "AAA=");
        assert_eq!(super::base64(3), "AAAA");
    }
}

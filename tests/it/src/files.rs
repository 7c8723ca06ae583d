//! Files through the friendly paths: in by streaming, out by streaming with ranges.

use reqwest::{Body, Method, Response};
use serde_json::Value;
use sluice_datacenter::{Action, JournalFilter, Match, Rule};
use sluice_harness::{Answer, Harness};

/// Bytes of which no two stretches are alike.
fn content(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect()
}

async fn send(gateway: &Harness, query: &str, body: impl Into<Body>) -> anyhow::Result<Value> {
    let path = format!("/api/telegram/messages/file?{query}");
    let request = gateway.request(Method::POST, &path).body(body);
    let request = request.header("content-type", "application/x-test");
    Answer::read(request.send().await?).await?.expect(201)
}

async fn get(gateway: &Harness, path: &str, range: Option<&str>) -> anyhow::Result<Response> {
    let mut request = gateway.request(Method::GET, path);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    Ok(request.send().await?)
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn calls(gateway: &Harness, method: &str) -> Vec<sluice_datacenter::JournalEntry> {
    gateway.datacenter.journal(&JournalFilter {
        method: Some(method.into()),
        ..JournalFilter::default()
    })
}

/// Breaks when a byte is lost or moved on the way in or out, or a range is read wrongly.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_as_it_went() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let whole = content(3 * 512 * 1024 + 777);
    let sent = send(
        &gateway,
        "account=demo&peer=me&name=a%20b.bin&caption=hi",
        whole.clone(),
    );
    let sent = sent.await?;
    assert!(calls(&gateway, "upload.saveBigFilePart").is_empty());
    assert_eq!(calls(&gateway, "upload.saveFilePart").len(), 4);
    let path = format!("/api/telegram/messages/me/{}/file?account=demo", sent["id"]);

    let all = get(&gateway, &path, None).await?;
    assert_eq!(all.status(), 200);
    assert_eq!(header(&all, "content-type"), "application/x-test");
    assert_eq!(header(&all, "accept-ranges"), "bytes");
    assert!(header(&all, "content-disposition").ends_with("UTF-8''a%20b.bin"));
    assert_eq!(all.content_length(), Some(whole.len() as u64));
    let etag = header(&all, "etag").to_owned();
    assert!(all.bytes().await? == whole, "other bytes came back");

    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=524280-524300", 524_280, 524_301),
        ("bytes=1048575-1572900", 1_048_575, 1_572_901),
        ("bytes=-5", whole.len() - 5, whole.len()),
    ] {
        let part = get(&gateway, &path, Some(range)).await?;
        assert_eq!(part.status(), 206, "{range}");
        let place = format!("bytes {from}-{}/{}", to - 1, whole.len());
        assert_eq!(header(&part, "content-range"), place);
        assert!(part.bytes().await? == whole[from..to], "{range}");
    }
    let beyond = get(&gateway, &path, Some("bytes=99999999-")).await?;
    assert_eq!(
        header(&beyond, "content-range"),
        format!("bytes */{}", whole.len())
    );
    Answer::read(beyond)
        .await?
        .problem(416, "RANGE_NOT_SATISFIABLE")?;

    // Neither a HEAD nor what the caller has already costs a byte of the file.
    let asked = calls(&gateway, "upload.getFile").len();
    let head = gateway.request(Method::HEAD, &path).send().await?;
    assert_eq!(head.status(), 200);
    assert_eq!(header(&head, "content-length"), whole.len().to_string());
    let known = gateway
        .request(Method::GET, &path)
        .header("if-none-match", &etag);
    assert_eq!(known.send().await?.status(), 304);
    assert_eq!(calls(&gateway, "upload.getFile").len(), asked);

    let none = "/api/telegram/messages/me/99999/file?account=demo";
    gateway.get(none).await?.problem(404, "MESSAGE_NOT_FOUND")?;
    let text = serde_json::json!({"peer": "me", "text": "no file"});
    let text = gateway
        .post("/api/telegram/messages?account=demo", text)
        .await?
        .expect(201)?;
    let path = format!("/api/telegram/messages/me/{}/file?account=demo", text["id"]);
    gateway.get(&path).await?.problem(404, "NO_FILE")?;
    gateway.stop().await;
    Ok(())
}

/// Breaks when a large file of unknown length is not sent as one, when a file that lives elsewhere
/// is not fetched there, when an ended reference is not renewed, or when a wait is not waited out.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_from_elsewhere() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let whole = content(11 * 1024 * 1024 + 5);
    // In pieces and without a length.
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = whole
        .chunks(300_000)
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    let fault = |method: &str, code, name: &str| Rule {
        matches: Match {
            method: Some(method.into()),
            nth: Some(3),
            ..Match::default()
        },
        action: Action::RpcError {
            code,
            name: name.into(),
        },
    };
    gateway
        .datacenter
        .add_rule(fault("upload.saveBigFilePart", 420, "FLOOD_PREMIUM_WAIT_1"));
    let accounts = gateway.datacenter.accounts();
    let phone = |at: usize| accounts[at].phone.clone().unwrap_or_default();
    let query = format!("account=demo-2&peer=%2B{}&name=large", phone(0));
    let stream = futures_util::stream::iter(pieces);
    send(&gateway, &query, Body::wrap_stream(stream)).await?;
    let parts = calls(&gateway, "upload.saveBigFilePart");
    assert_eq!(parts.len(), 24, "23 parts, one of them refused once");
    assert!(
        parts.iter().all(|part| part.media && part.dc == 2),
        "{parts:?}"
    );

    let list = format!(
        "/api/telegram/messages?account=demo&limit=1&peer=%2B{}",
        phone(1)
    );
    let page = gateway.get(&list).await?.expect(200)?;
    let id = &page["messages"][0]["id"];
    gateway
        .datacenter
        .add_rule(fault("upload.getFile", 400, "FILE_REFERENCE_EXPIRED"));
    let before = calls(&gateway, "messages.getHistory").len();
    let path = format!(
        "/api/telegram/messages/%2B{}/{id}/file?account=demo",
        phone(1)
    );
    let all = get(&gateway, &path, None).await?;
    assert_eq!(all.status(), 200, "{}", all.text().await?);
    assert!(all.bytes().await? == whole, "other bytes came back");
    let fetched = calls(&gateway, "upload.getFile");
    assert!(
        fetched.iter().all(|call| call.media && call.dc == 2),
        "asked where it is"
    );
    assert_eq!(
        calls(&gateway, "messages.getHistory").len(),
        before + 2,
        "fetched anew once"
    );
    gateway.stop().await;
    Ok(())
}

/// Breaks when a reader that does not read has the whole file fetched into memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_holds_its_file_back() -> anyhow::Result<()> {
    const PARTS: usize = 80;
    let gateway = Harness::start().await?;
    let whole = content(PARTS * 512 * 1024);
    let sent = send(&gateway, "account=demo&peer=me&name=long", whole.clone()).await?;
    let path = format!("/api/telegram/messages/me/{}/file?account=demo", sent["id"]);
    let mut stalled = get(&gateway, &path, None).await?;
    let first = stalled.chunk().await?.unwrap_or_default();
    // Meanwhile somebody else reads all of it.
    let all = get(&gateway, &path, None).await?.bytes().await?;
    assert!(all == whole, "other bytes came back");
    let ahead = calls(&gateway, "upload.getFile").len() - PARTS;
    assert!(
        ahead <= PARTS / 2,
        "{ahead} parts fetched for a reader that took one piece"
    );
    let rest = stalled.bytes().await?;
    assert_eq!(first.len() + rest.len(), whole.len());
    gateway.stop().await;
    Ok(())
}

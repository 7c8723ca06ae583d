use core::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde_json::{Map, Value, json};
use sluice_domain::{Category, Problem};
use tokio::sync::Mutex;

use super::{PARALLEL, part_options};
use crate::account::Account;
use crate::json::{constructor, int, list, long, text};
use crate::{CallOptions, call};

/// Bytes asked for at once. Divides 1 MiB and begins at multiples of itself, so that no stretch
/// crosses a border of 1 MiB.
const STRETCH: u64 = 512 * 1024;

/// How often a file reference that has ended is fetched anew for one stretch.
const RENEWALS: usize = 2;

/// What is known of a file before its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Telegram's id of it. What is behind an id never changes.
    pub id: i64,
    /// Bytes.
    pub size: u64,
    /// Its MIME type, as whoever sent it said.
    pub mime: String,
    /// Its name, as whoever sent it said.
    pub name: Option<String>,
}

/// Where a file is.
#[derive(Debug, Clone)]
struct Place {
    location: Value,
    dc: i32,
    /// How often the reference was fetched.
    fetched: usize,
}

/// The file of a message.
pub struct Download {
    info: FileInfo,
    source: Arc<Source>,
}

struct Source {
    account: Arc<Account>,
    peer: String,
    message: i32,
    place: Mutex<Place>,
    options: CallOptions,
}

/// Finds the file of a message.
pub(crate) async fn open(
    account: &Arc<Account>,
    peer: &str,
    message: i32,
    options: &CallOptions,
) -> Result<Download, Problem> {
    let (info, place) = look_up(account, peer, message, options).await?;
    Ok(Download {
        info,
        source: Arc::new(Source {
            account: Arc::clone(account),
            peer: peer.to_owned(),
            message,
            place: Mutex::new(place),
            options: part_options(options),
        }),
    })
}

async fn look_up(
    account: &Arc<Account>,
    peer: &str,
    id: i32,
    options: &CallOptions,
) -> Result<(FileInfo, Place), Problem> {
    // The one method that finds a message by its id in every kind of chat.
    let Value::Object(params) = json!({
        "peer": peer, "offset_id": id.saturating_add(1), "offset_date": 0, "add_offset": 0,
        "limit": 1, "max_id": 0, "min_id": 0, "hash": 0,
    }) else {
        return Err(no_file(account, peer, id));
    };
    let page = call::call(account, "messages.getHistory", params, options).await?;
    let found = list(&page, "messages")
        .iter()
        .find(|message| int(message, "id") == Some(id));
    let Some(message) = found else {
        return Err(Problem::new(
            404,
            "MESSAGE_NOT_FOUND",
            Category::NotFound,
            format!("there is no message {id} in the chat {peer:?}"),
        )
        .of(&account.name));
    };
    let media = message.get("media").unwrap_or(&Value::Null);
    document(media)
        .or_else(|| photo(media))
        .ok_or_else(|| no_file(account, peer, id))
}

fn no_file(account: &Account, peer: &str, id: i32) -> Problem {
    Problem::new(
        404,
        "NO_FILE",
        Category::NotFound,
        format!("message {id} in the chat {peer:?} holds no file"),
    )
    .of(&account.name)
}

fn document(media: &Value) -> Option<(FileInfo, Place)> {
    let document = media.get("document")?;
    let name = list(document, "attributes")
        .iter()
        .find(|attribute| constructor(attribute) == "documentAttributeFilename")
        .and_then(|attribute| text(attribute, "file_name"));
    let info = FileInfo {
        id: long(document, "id")?,
        size: u64::try_from(long(document, "size")?).ok()?,
        mime: text(document, "mime_type").unwrap_or_default().to_owned(),
        name: name.map(str::to_owned),
    };
    let place = place("inputDocumentFileLocation", document, "")?;
    Some((info, place))
}

/// A photo's largest size.
fn photo(media: &Value) -> Option<(FileInfo, Place)> {
    let photo = media.get("photo")?;
    let bytes = |size: &Value| match constructor(size) {
        "photoSize" => long(size, "size"),
        "photoSizeProgressive" => list(size, "sizes").iter().filter_map(Value::as_i64).max(),
        _ => None,
    };
    let (size, largest) = list(photo, "sizes")
        .iter()
        .filter_map(|size| Some((bytes(size)?, size)))
        .max_by_key(|(bytes, _)| *bytes)?;
    let info = FileInfo {
        id: long(photo, "id")?,
        size: u64::try_from(size).ok()?,
        mime: "image/jpeg".into(),
        name: None,
    };
    let place = place("inputPhotoFileLocation", photo, text(largest, "type")?)?;
    Some((info, place))
}

fn place(kind: &str, file: &Value, size: &str) -> Option<Place> {
    let location = json!({
        "_": kind,
        "id": file.get("id")?,
        "access_hash": file.get("access_hash")?,
        "file_reference": file.get("file_reference")?,
        "thumb_size": size,
    });
    Some(Place {
        location,
        dc: int(file, "dc_id")?,
        fetched: 0,
    })
}

impl Download {
    /// What is known of it.
    pub const fn info(&self) -> &FileInfo {
        &self.info
    }

    /// These bytes of it, in order. The first of them are there when this returns, so that what
    /// Telegram refuses is a problem and no answer that breaks off; the next ones are fetched as
    /// they are taken, a few stretches ahead.
    pub async fn read(
        self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Problem>>, Problem> {
        let range = range.start..range.end.min(self.info.size);
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let source = self.source;
        let first = range.start - range.start % STRETCH;
        let first_bytes = source.stretch(first, &range).await?;
        let rest = stream::iter(stretches(first + STRETCH, range.end))
            .map(move |at| {
                let (source, range) = (Arc::clone(&source), range.clone());
                async move { source.stretch(at, &range).await }
            })
            .buffered(PARALLEL);
        Ok(stream::iter([Ok(first_bytes)]).chain(rest).boxed())
    }
}

/// Where stretches begin.
fn stretches(from: u64, end: u64) -> impl Iterator<Item = u64> + Send {
    core::iter::successors(Some(from), |at| at.checked_add(STRETCH)).take_while(move |at| *at < end)
}

impl Source {
    /// What of a stretch lies in the range.
    async fn stretch(&self, at: u64, range: &Range<u64>) -> Result<Bytes, Problem> {
        let bytes = self.fetch(at).await?;
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let start = number(range.start.saturating_sub(at));
        let end = number(range.end.saturating_sub(at).min(STRETCH));
        if bytes.len() < end || start > end {
            return Err(Problem::new(
                502,
                "FILE_CUT_SHORT",
                Category::Server,
                "Telegram has fewer bytes of the file than it said",
            )
            .of(&self.account.name));
        }
        Ok(bytes.slice(start..end))
    }

    async fn fetch(&self, at: u64) -> Result<Bytes, Problem> {
        let mut renewals = 0;
        loop {
            let place = self.place.lock().await.clone();
            let mut params = Map::new();
            params.insert("location".into(), place.location);
            params.insert("offset".into(), at.to_string().into());
            params.insert("limit".into(), STRETCH.into());
            let method = "upload.getFile";
            let dc = Some(place.dc);
            match call::call_at(&self.account, method, params, &self.options, dc).await {
                Ok(answer) => {
                    let bytes = text(&answer, "bytes").unwrap_or_default();
                    return Ok(STANDARD.decode(bytes).unwrap_or_default().into());
                }
                Err(problem)
                    if problem.code.starts_with("FILE_REFERENCE_") && renewals < RENEWALS =>
                {
                    renewals += 1;
                    self.renew(place.fetched).await?;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// The reference has ended: the message is fetched again. Of several stretches that find out at
    /// once, one does it.
    async fn renew(&self, seen: usize) -> Result<(), Problem> {
        let mut place = self.place.lock().await;
        if place.fetched == seen {
            let found = look_up(&self.account, &self.peer, self.message, &self.options).await?;
            *place = found.1;
            place.fetched = seen + 1;
        }
        Ok(())
    }
}

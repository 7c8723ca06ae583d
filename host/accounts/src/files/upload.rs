use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, FuturesUnordered};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluice_domain::{Category, Problem};

use super::{PARALLEL, part_options};
use crate::account::Account;
use crate::{CallOptions, call};

/// Bytes of a part: the most that is allowed, so that the largest files fit.
const PART: usize = 512 * 1024;
/// Larger files go by `upload.saveBigFilePart`.
const BIG: u64 = 10 * 1024 * 1024;
/// Parts of a file at most. With Premium it is more; nothing tells in advance.
const MOST: u64 = 4_000;
/// Bytes of a file at most.
const LARGEST: u64 = MOST * PART as u64;

/// The bytes of a file as they come in.
pub type Incoming<'a> = BoxStream<'a, Result<Bytes, BrokenOff>>;

/// Whoever sends the file went away or fell silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file broke off")]
pub struct BrokenOff;

/// A file that Telegram has in parts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// Its `InputFile`, for methods that take one. Telegram forgets it within a day.
    pub input_file: Value,
    /// Bytes.
    pub size: u64,
    /// Parts.
    pub parts: u32,
}

/// Uploads a file as it comes in, in equal parts, some at a time.
pub(crate) async fn upload(
    account: &Arc<Account>,
    name: &str,
    size: Option<u64>,
    incoming: Incoming<'_>,
    options: &CallOptions,
) -> Result<Uploaded, Problem> {
    if size.is_some_and(|size| size > LARGEST) {
        return Err(too_large(account));
    }
    let options = part_options(options);
    let mut parts = Parts::new(incoming);
    // Which of both methods it is has to be known with the first part.
    let big = match size {
        Some(size) => size > BIG,
        None => parts.fill(BIG).await.map_err(|_| broken(account))?,
    };
    let mut sent = Sent {
        id: account.shared.deps.random.u64().cast_signed() | 1,
        big,
        total: size.map(|size| size.div_ceil(PART as u64)),
    };
    let mut flying = FuturesUnordered::new();
    let (mut number, mut bytes, mut ended) = (0_u64, 0_u64, false);
    loop {
        tokio::select! {
            next = parts.next(), if !ended && flying.len() < PARALLEL => {
                let Some((part, last)) = next.map_err(|_| broken(account))? else {
                    ended = true;
                    continue;
                };
                if number >= MOST {
                    return Err(too_large(account));
                }
                bytes += part.len() as u64;
                if last {
                    sent.total = Some(number + 1);
                }
                let (method, params) = sent.part(number, &part);
                number += 1;
                let (account, options) = (Arc::clone(account), options.clone());
                flying.push(async move { call::call(&account, method, params, &options).await });
            }
            Some(saved) = flying.next(), if !flying.is_empty() => {
                saved?;
            }
            else => break,
        }
    }
    if number == 0 {
        return Err(Problem::new(
            400,
            "FILE_EMPTY",
            Category::InvalidRequest,
            "the file is empty, which Telegram does not take",
        )
        .of(&account.name));
    }
    let id = sent.id.to_string();
    let input_file = if big {
        json!({"_": "inputFileBig", "id": id, "parts": number, "name": name})
    } else {
        // Without a checksum: the transport has proven the bytes already.
        json!({
            "_": "inputFile", "id": id, "parts": number, "name": name, "md5_checksum": "",
        })
    };
    Ok(Uploaded {
        input_file,
        size: bytes,
        parts: u32::try_from(number).unwrap_or(u32::MAX),
    })
}

fn too_large(account: &Account) -> Problem {
    Problem::new(
        413,
        "FILE_TOO_LARGE",
        Category::InvalidRequest,
        format!("a file has at most {LARGEST} bytes"),
    )
    .of(&account.name)
}

fn broken(account: &Account) -> Problem {
    Problem::new(
        400,
        "REQUEST_MALFORMED",
        Category::InvalidRequest,
        "the file broke off",
    )
    .of(&account.name)
}

/// What every part says.
struct Sent {
    id: i64,
    big: bool,
    /// Unknown while the end has not come.
    total: Option<u64>,
}

impl Sent {
    fn part(&self, number: u64, part: &[u8]) -> (&'static str, Map<String, Value>) {
        let mut params = Map::new();
        params.insert("file_id".into(), self.id.to_string().into());
        params.insert("file_part".into(), number.into());
        params.insert("bytes".into(), STANDARD.encode(part).into());
        if !self.big {
            return ("upload.saveFilePart", params);
        }
        let total = self.total.and_then(|total| i32::try_from(total).ok());
        params.insert("file_total_parts".into(), total.unwrap_or(-1).into());
        ("upload.saveBigFilePart", params)
    }
}

/// Cuts what comes in into parts, one ahead, so that the last is known to be the last.
struct Parts<'a> {
    incoming: Incoming<'a>,
    buffer: BytesMut,
    ended: bool,
}

impl<'a> Parts<'a> {
    fn new(incoming: Incoming<'a>) -> Self {
        Self {
            incoming,
            buffer: BytesMut::new(),
            ended: false,
        }
    }

    /// Reads until there is more than this, which it says, or the end.
    async fn fill(&mut self, more_than: u64) -> Result<bool, BrokenOff> {
        while !self.ended && self.buffer.len() as u64 <= more_than {
            self.read().await?;
        }
        Ok(self.buffer.len() as u64 > more_than)
    }

    /// The next part, and whether it is the last. Loses nothing when it is given up.
    async fn next(&mut self) -> Result<Option<(Bytes, bool)>, BrokenOff> {
        self.fill(PART as u64).await?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let size = self.buffer.len().min(PART);
        let part = self.buffer.split_to(size).freeze();
        Ok(Some((part, self.ended && self.buffer.is_empty())))
    }

    async fn read(&mut self) -> Result<(), BrokenOff> {
        match self.incoming.next().await {
            Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
            Some(Err(error)) => return Err(error),
            None => self.ended = true,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(sizes: &[usize]) -> Incoming<'static> {
        let parts: Vec<_> = sizes.iter().map(|size| Ok(vec![7; *size].into())).collect();
        futures_util::stream::iter(parts).boxed()
    }

    /// Breaks when parts are unequal, the last is not known, or a byte is lost.
    #[tokio::test]
    async fn what_comes_in_is_cut_into_equal_parts() {
        for sizes in [
            vec![PART],
            vec![PART + 1],
            vec![1; 3],
            vec![PART / 2; 5],
            vec![],
        ] {
            let whole: usize = sizes.iter().sum();
            let mut parts = Parts::new(incoming(&sizes));
            let mut seen = Vec::new();
            while let Some((part, last)) = parts.next().await.unwrap() {
                seen.push((part.len(), last));
            }
            assert_eq!(seen.iter().map(|(len, _)| len).sum::<usize>(), whole);
            for (number, (len, last)) in seen.iter().enumerate() {
                assert_eq!(*last, number + 1 == seen.len(), "{seen:?}");
                assert!(*last || *len == PART, "{seen:?}");
            }
        }
    }
}

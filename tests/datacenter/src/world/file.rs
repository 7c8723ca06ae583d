//! Photos and documents: <https://core.telegram.org/api/files>. A file lives on the data center of
//! who uploaded it and is served there only.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::World;
use crate::{refusal::Refusal, value::Fields};

/// Bytes of which each hash of `upload.getFileHashes` is.
pub(crate) const HASHED: usize = 128 * 1024;

/// The size of a photo that is offered: the whole file.
const PHOTO_SIZE: &str = "x";

/// What a file is to those who look at it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Width and height in pixels.
    Photo(u32, u32),
    /// Its MIME type and a vector of `DocumentAttribute`.
    Document(String, Value),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) dc: i32,
    pub(crate) date: i64,
    pub(crate) kind: Kind,
    /// Lies beside, on disk too.
    #[serde(skip)]
    pub(crate) content: Bytes,
    /// SHA-256 of it.
    pub(crate) digest: [u8; 32],
    /// References that were given out under another number have expired.
    pub(crate) epoch: u32,
}

impl File {
    /// A hash of each 128 KiB of a stretch.
    pub(crate) fn hashes(&self, from: usize, most: usize) -> Vec<Value> {
        let first = from - from % HASHED;
        let starts = (first..self.content.len()).step_by(HASHED).take(most);
        let hash = |start: usize| {
            let end = (start + HASHED).min(self.content.len());
            let part = self.content.get(start..end).unwrap_or_default();
            json!({
                "_": "fileHash",
                "offset": start,
                "limit": part.len(),
                "hash": crate::value::bytes(&Sha256::digest(part)),
            })
        };
        starts.map(hash).collect()
    }

    /// A stretch of the file; empty beyond its end.
    pub(crate) fn stretch(&self, wanted: Range<usize>) -> Bytes {
        let end = wanted.end.min(self.content.len());
        let start = wanted.start.min(end);
        self.content.slice(start..end)
    }

    /// A `storage.FileType`.
    pub(crate) fn storage_type(&self) -> &'static str {
        match self.content.as_ref() {
            [0xFF, 0xD8, 0xFF, ..] => "storage.fileJpeg",
            [0x89, b'P', b'N', b'G', ..] => "storage.filePng",
            [b'G', b'I', b'F', ..] => "storage.fileGif",
            [b'%', b'P', b'D', b'F', ..] => "storage.filePdf",
            [b'R', b'I', b'F', b'F', ..] => "storage.fileWebp",
            _ => "storage.filePartial",
        }
    }
}

/// Width and height of a JPEG, PNG or WebP picture; `None` for anything else.
pub(crate) fn picture(content: &[u8]) -> Option<(u32, u32)> {
    match content {
        [0x89, b'P', b'N', b'G', rest @ ..] => {
            let word = |at: usize| {
                let bytes = rest.get(at..at + 4)?;
                bytes.try_into().ok().map(u32::from_be_bytes)
            };
            Some((word(12)?, word(16)?))
        }
        [0xFF, 0xD8, rest @ ..] => Some(jpeg(rest).unwrap_or((640, 480))),
        [b'R', b'I', b'F', b'F', ..] => Some((512, 512)),
        _ => None,
    }
}

/// Walks the segments up to the frame header.
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    loop {
        let [0xFF, marker, high, low, body @ ..] = rest else {
            return None;
        };
        let frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
        if frame {
            let [_, h1, h0, w1, w0, ..] = body else {
                return None;
            };
            let number = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
            return Some((number(w1, w0), number(h1, h0)));
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        rest = body.get(length.checked_sub(2)?..)?;
    }
}

impl World {
    /// Keeps a file of this user and returns its id.
    pub(crate) fn keep_file(&mut self, owner: i64, kind: Kind, content: Bytes) -> i64 {
        let id = self.random_id();
        let file = File {
            dc: self.user(owner).map_or(1, |u| u.dc),
            date: self.clock.date(),
            kind,
            digest: Sha256::digest(&content).into(),
            content,
            epoch: 1,
        };
        self.files.insert(id, file);
        id
    }

    /// What somebody must show to read the file: good until the references are made to expire.
    fn file_reference(&self, viewer: i64, id: i64, epoch: u32) -> Vec<u8> {
        let proof = self.hash_for(viewer, "reference", id ^ i64::from(epoch));
        let mut reference = epoch.to_le_bytes().to_vec();
        reference.extend_from_slice(&proof.to_le_bytes());
        reference
    }

    /// A `Photo` or `Document` as the viewer sees it.
    pub(crate) fn file_json(&self, viewer: i64, id: i64) -> Value {
        let Some(file) = self.files.get(&id) else {
            return Value::Null;
        };
        let reference = crate::value::bytes(&self.file_reference(viewer, id, file.epoch));
        let hash = self.hash_for(viewer, "file", id);
        match &file.kind {
            Kind::Photo(width, height) => json!({
                "_": "photo",
                "id": id,
                "access_hash": hash,
                "file_reference": reference,
                "date": file.date,
                "sizes": [{
                    "_": "photoSize",
                    "type": PHOTO_SIZE,
                    "w": width,
                    "h": height,
                    "size": file.content.len(),
                }],
                "dc_id": file.dc,
            }),
            Kind::Document(mime, attributes) => json!({
                "_": "document",
                "id": id,
                "access_hash": hash,
                "file_reference": reference,
                "date": file.date,
                "mime_type": mime,
                "size": file.content.len(),
                "dc_id": file.dc,
                "attributes": attributes,
            }),
        }
    }

    /// The file that an `InputDocument`, `InputPhoto` or `InputFileLocation` names, if the viewer
    /// knows its access hash and has a reference that is still good. `unknown` is the error for
    /// what does not exist.
    pub(crate) fn input_file(
        &self,
        viewer: i64,
        input: Fields<'_>,
        unknown: &'static str,
    ) -> Result<(i64, &File), Refusal> {
        let id = input.long("id");
        let file = self.files.get(&id).ok_or(Refusal::bad(unknown))?;
        if input.long("access_hash") != self.hash_for(viewer, "file", id) {
            return Err(Refusal::bad(unknown));
        }
        let reference = input.bytes("file_reference");
        if reference.is_empty() {
            return Err(Refusal::bad("FILE_REFERENCE_EMPTY"));
        }
        if reference == self.file_reference(viewer, id, file.epoch) {
            return Ok((id, file));
        }
        let old = (1..file.epoch).any(|epoch| reference == self.file_reference(viewer, id, epoch));
        Err(Refusal::bad(if old {
            "FILE_REFERENCE_EXPIRED"
        } else {
            "FILE_REFERENCE_INVALID"
        }))
    }

    /// Makes the references of a file, or of all, expire. Says how many files there were.
    pub(crate) fn expire_references(&mut self, only: Option<i64>) -> usize {
        let files = self.files.iter_mut();
        let meant = files.filter(|(id, _)| only.is_none_or(|only| only == **id));
        meant.map(|(_, file)| file.epoch += 1).count()
    }
}

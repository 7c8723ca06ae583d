//! Parts of files on their way: <https://core.telegram.org/api/files#uploading-files>.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::World;
use crate::{refusal::Refusal, value::Fields};

/// The largest part, and what every part size must divide.
const PART: usize = 512 * 1024;
/// What every part size is a multiple of.
const GRAIN: usize = 1_024;
/// Parts in a file: 2 GB of the largest parts, as at Telegram.
const PARTS: i32 = 4_000;
/// Files above this must come as `saveBigFilePart`.
const BIG: usize = 10 * 1024 * 1024;
/// Bytes of parts kept for all; the oldest uploads are forgotten. What a test machine can spare.
const KEPT: usize = 1 << 30;

/// Whose file it is, where it is uploaded, and the id its client gave it.
pub(crate) type UploadId = (i64, i32, i64);

pub(crate) struct Upload {
    big: bool,
    parts: BTreeMap<i32, Bytes>,
    /// Put together, when it was used already: the same input may come again after a lost answer.
    whole: Option<Bytes>,
    /// Counts uploads; the smallest is the oldest.
    number: u64,
}

impl Upload {
    fn size(&self) -> usize {
        let parts: usize = self.parts.values().map(Bytes::len).sum();
        parts + self.whole.as_ref().map_or(0, Bytes::len)
    }
}

/// Whether all parts but the last can be of this size.
fn fits(size: usize) -> bool {
    size > 0 && size.is_multiple_of(GRAIN) && PART.is_multiple_of(size)
}

impl World {
    /// Takes a part. `total` is what `saveBigFilePart` says; -1 if it is not known yet.
    pub(crate) fn save_part(
        &mut self,
        id: UploadId,
        part: i32,
        total: Option<i32>,
        content: Bytes,
    ) -> Result<(), Refusal> {
        if !(0..PARTS).contains(&part) {
            return Err(Refusal::bad("FILE_PART_INVALID"));
        }
        if let Some(total) = total.filter(|total| *total != -1) {
            if !(1..=PARTS).contains(&total) {
                return Err(Refusal::bad("FILE_PARTS_INVALID"));
            }
            if part >= total {
                return Err(Refusal::bad("FILE_PART_INVALID"));
            }
            if part + 1 < total && !fits(content.len()) {
                return Err(Refusal::bad("FILE_PART_SIZE_INVALID"));
            }
        }
        if content.is_empty() {
            return Err(Refusal::bad("FILE_PART_EMPTY"));
        }
        if content.len() > PART {
            return Err(Refusal::bad("FILE_PART_TOO_BIG"));
        }
        self.last_upload += 1;
        let number = self.last_upload;
        let upload = self.uploads.entry(id).or_insert_with(|| Upload {
            big: total.is_some(),
            parts: BTreeMap::new(),
            whole: None,
            number,
        });
        if upload.big != total.is_some() {
            return Err(Refusal::bad("FILE_PART_INVALID"));
        }
        // A part can only be smaller than those before it if it is the last.
        let newest = upload.parts.last_key_value();
        if newest.is_some_and(|(at, it)| *at < part && it.len() < content.len()) {
            return Err(Refusal::bad("FILE_PART_SIZE_CHANGED"));
        }
        self.upload_bytes += content.len();
        if let Some(old) = upload.parts.insert(part, content) {
            self.upload_bytes -= old.len();
        }
        while self.upload_bytes > KEPT && self.uploads.len() > 1 {
            let oldest = self.uploads.iter().min_by_key(|(_, u)| u.number);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            if let Some(gone) = self.uploads.remove(&oldest) {
                self.upload_bytes -= gone.size();
            }
        }
        Ok(())
    }

    /// Puts the file together that an `InputFile` names.
    pub(crate) fn assemble(
        &mut self,
        user: i64,
        dc: i32,
        input: Fields<'_>,
    ) -> Result<Bytes, Refusal> {
        let big = match input.kind() {
            "inputFile" => false,
            "inputFileBig" => true,
            _ => return Err(Refusal::bad("MEDIA_INVALID")),
        };
        let parts = input.int("parts");
        if !(1..=PARTS).contains(&parts) {
            return Err(Refusal::bad("FILE_PARTS_INVALID"));
        }
        let upload = self
            .uploads
            .get_mut(&(user, dc, input.long("id")))
            .filter(|upload| upload.big == big)
            .ok_or(Refusal::bad("FILE_PART_0_MISSING"))?;
        let whole = match &upload.whole {
            Some(whole) => whole.clone(),
            None => join(&upload.parts, parts)?,
        };
        if !big && whole.len() > BIG {
            return Err(Refusal::bad("FILE_PARTS_INVALID"));
        }
        let sum = input.text("md5_checksum");
        if !sum.is_empty() && format!("{:x}", md5::compute(&whole)) != sum.to_lowercase() {
            return Err(Refusal::bad("MD5_CHECKSUM_INVALID"));
        }
        let before = upload.size();
        upload.parts.clear();
        upload.whole = Some(whole.clone());
        let after = upload.size();
        self.upload_bytes = self.upload_bytes + after - before;
        Ok(whole)
    }
}

fn join(parts: &BTreeMap<i32, Bytes>, count: i32) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    let mut first = 0;
    for number in 0..count {
        let Some(part) = parts.get(&number) else {
            let name = format!("FILE_PART_{number}_MISSING");
            return Err(Refusal::new(400, name));
        };
        if number == 0 {
            first = part.len();
        }
        let last = number + 1 == count;
        if (!last && (part.len() != first || !fits(first))) || part.len() > first {
            return Err(Refusal::bad("FILE_PART_SIZE_INVALID"));
        }
        whole.extend_from_slice(part);
    }
    if parts.keys().any(|number| *number >= count) {
        return Err(Refusal::bad("FILE_PARTS_INVALID"));
    }
    Ok(whole.freeze())
}

//! `upload.*`: parts in, stretches out.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{refusal::Refusal, world::file::File};

/// What offsets and limits are multiples of.
const GRAIN: i64 = 4_096;
/// The same for `precise` ones.
const PRECISE: i64 = 1_024;
/// A stretch must not cross a multiple of this.
const BORDER: i64 = 1_048_576;
/// Hashes in one answer.
const HASHES: usize = 10;

impl Call<'_> {
    /// `upload.saveFilePart` and, with a total, `upload.saveBigFilePart`.
    pub(super) fn save_part(&mut self, big: bool) -> Answer {
        let id = (self.me, self.dc, self.params.long("file_id"));
        let total = big.then(|| self.params.int("file_total_parts"));
        let part = self.params.int("file_part");
        let content = self.bulk.take();
        let content = content.unwrap_or_else(|| Bytes::from(self.params.bytes("bytes")));
        self.world.save_part(id, part, total, content)?;
        Ok(Value::Bool(true))
    }

    /// The file that a location names, if it lives here.
    fn located(&self) -> Result<&File, Refusal> {
        let location = self.params.object("location");
        let document = match location.kind() {
            "inputDocumentFileLocation" => true,
            "inputPhotoFileLocation" => false,
            _ => return Err(Refusal::bad("LOCATION_INVALID")),
        };
        // Where it is asked decides first: another data center knows nothing of the file.
        let known = self.world.files.get(&location.long("id"));
        if let Some(file) = known.filter(|file| file.dc != self.dc) {
            return Err(Refusal::migrate("FILE", file.dc));
        }
        let (_, file) = self
            .world
            .input_file(self.me, location, "LOCATION_INVALID")?;
        // Documents have no smaller pictures here.
        if document && !location.text("thumb_size").is_empty() {
            return Err(Refusal::bad("LOCATION_INVALID"));
        }
        Ok(file)
    }

    pub(super) fn get_file(&mut self) -> Answer {
        let (offset, limit) = (
            self.params.long("offset"),
            i64::from(self.params.int("limit")),
        );
        let precise = self.params.flag("precise");
        let grain = if precise { PRECISE } else { GRAIN };
        if offset < 0 || offset % grain != 0 {
            return Err(Refusal::bad("OFFSET_INVALID"));
        }
        let divides = precise || (limit > 0 && BORDER % limit == 0);
        let inside = limit > 0 && offset / BORDER == (offset + limit - 1) / BORDER;
        if limit <= 0 || limit > BORDER || limit % grain != 0 || !divides || !inside {
            return Err(Refusal::bad("LIMIT_INVALID"));
        }
        let file = self.located()?;
        let number = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
        let stretch = file.stretch(number(offset)..number(offset + limit));
        let answer = json!({
            "_": "upload.file",
            "type": {"_": file.storage_type()},
            "mtime": file.date,
            "bytes": "",
        });
        self.bulk = Some(stretch);
        Ok(answer)
    }

    pub(super) fn file_hashes(&mut self) -> Answer {
        let offset = usize::try_from(self.params.long("offset"));
        let offset = offset.map_err(|_| Refusal::bad("OFFSET_INVALID"))?;
        Ok(self.located()?.hashes(offset, HASHES).into())
    }
}

//! Messages with something in them: files, places, contacts, dice.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::Fields,
    world::{
        file::{Kind, picture},
        message::Letter,
        peer::{Mentions, Peer},
    },
};

/// Messages in an album, as at Telegram.
const ALBUM: usize = 10;
/// The largest photo, as at Telegram.
const LARGEST_PHOTO: usize = 10 * 1024 * 1024;

/// A `MessageMedia` as it is kept, and the file that belongs into it.
type Media = (Value, Option<i64>);

impl Call<'_> {
    pub(super) fn send_media(&mut self) -> Answer {
        let peer = self.target()?;
        let caption = super::messages::caption(self.params.text("message"))?;
        let (media, file) = self.media(self.params.object("media"))?;
        let letter = Letter {
            text: caption,
            entities: self.entities()?,
            media,
            file,
            ..self.letter(peer)?
        };
        self.send(peer, &letter)
    }

    /// What somebody put into a message.
    fn media(&mut self, input: Fields<'_>) -> Result<Media, Refusal> {
        let media = match input.kind() {
            "inputMediaContact" => json!({
                "_": "messageMediaContact",
                "phone_number": input.text("phone_number"),
                "first_name": input.text("first_name"),
                "last_name": input.text("last_name"),
                "vcard": input.text("vcard"),
                "user_id": 0,
            }),
            "inputMediaGeoPoint" => {
                let point = input.object("geo_point");
                json!({
                    "_": "messageMediaGeo",
                    "geo": {
                        "_": "geoPoint",
                        "long": point.value("long"),
                        "lat": point.value("lat"),
                        "access_hash": 0,
                    },
                })
            }
            "inputMediaDice" => json!({
                "_": "messageMediaDice",
                "value": 1 + self.world.random_id() % 6,
                "emoticon": input.text("emoticon"),
            }),
            _ => return self.file_media(input),
        };
        Ok((media, None))
    }

    fn file_media(&mut self, input: Fields<'_>) -> Result<Media, Refusal> {
        let id = match input.kind() {
            "inputMediaUploadedPhoto" => {
                let content = self
                    .world
                    .assemble(self.me, self.dc, input.object("file"))?;
                if content.len() > LARGEST_PHOTO {
                    return Err(Refusal::bad("PHOTO_INVALID_DIMENSIONS"));
                }
                let size = picture(&content).ok_or(Refusal::bad("IMAGE_PROCESS_FAILED"))?;
                let kind = Kind::Photo(size.0, size.1);
                self.world.keep_file(self.me, kind, content)
            }
            "inputMediaUploadedDocument" => {
                let content = self
                    .world
                    .assemble(self.me, self.dc, input.object("file"))?;
                let attributes = input.value("attributes").clone();
                let kind = Kind::Document(input.text("mime_type").to_owned(), attributes);
                self.world.keep_file(self.me, kind, content)
            }
            "inputMediaPhoto" | "inputMediaDocument" => {
                let named = input.object("id");
                self.world.input_file(self.me, named, "MEDIA_EMPTY")?.0
            }
            _ => return Err(Refusal::bad("MEDIA_INVALID")),
        };
        let photo = self
            .world
            .files
            .get(&id)
            .is_some_and(|f| matches!(f.kind, Kind::Photo(..)));
        let wanted = input.kind().ends_with("Photo");
        if photo != wanted {
            return Err(Refusal::bad("MEDIA_INVALID"));
        }
        let kind = if photo {
            "messageMediaPhoto"
        } else {
            "messageMediaDocument"
        };
        let mut media = json!({"_": kind});
        if let Some(map) = media.as_object_mut() {
            for name in ["spoiler", "ttl_seconds"] {
                if input.has(name) {
                    map.insert(name.to_owned(), input.value(name).clone());
                }
            }
        }
        Ok((media, Some(id)))
    }

    /// Makes a `MessageMedia` without sending it.
    pub(super) fn upload_media(&mut self) -> Answer {
        self.world.input_peer(self.me, self.params.value("peer"))?;
        let (media, file) = self.media(self.params.object("media"))?;
        Ok(self.world.media_json(self.me, &media, file))
    }

    /// An album. Its files must be there already, by `messages.uploadMedia` or from a message.
    pub(super) fn send_multi_media(&mut self) -> Answer {
        let peer = self.target()?;
        let items = self.params.list("multi_media");
        if items.is_empty() {
            return Err(Refusal::bad("MEDIA_EMPTY"));
        }
        if items.len() > ALBUM {
            return Err(Refusal::bad("MULTI_MEDIA_TOO_LONG"));
        }
        let grouped = self.world.random_id();
        let base = self.letter(peer)?;
        let mut letters = Vec::new();
        for item in items {
            let item = Fields::from(item);
            let input = item.object("media");
            if !matches!(input.kind(), "inputMediaPhoto" | "inputMediaDocument") {
                return Err(Refusal::bad("MEDIA_INVALID"));
            }
            let (media, file) = self.media(input)?;
            let letter = Letter {
                text: super::messages::caption(item.text("message"))?,
                entities: item.value("entities").clone(),
                media,
                file,
                grouped: Some(grouped),
                ..base.clone()
            };
            letters.push((item.long("random_id"), letter));
        }
        for (random_id, _) in &letters {
            self.check_random_id(*random_id)?;
        }
        self.check_slow_mode(peer)?;
        let mut mentions = Mentions::default();
        let mut updates = Vec::new();
        for (random_id, letter) in letters {
            let id = self.post(peer, random_id, &letter)?;
            updates.push(json!({"_": "updateMessageID", "id": id, "random_id": random_id}));
            self.own_message(peer, id, &mut updates, &mut mentions);
        }
        // One mark of reading is enough.
        let mut marks = 0;
        updates.retain(|update| {
            let mark = update.get("_").and_then(Value::as_str) == Some("updateReadChannelInbox");
            marks += usize::from(mark);
            !mark || marks == 1
        });
        if let Peer::Channel(channel) = peer {
            mentions.peer(Peer::Channel(channel));
        }
        Ok(self.world.updates(self.me, &updates, &mentions))
    }
}

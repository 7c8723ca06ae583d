//! `messages.forwardMessages`.

use serde_json::json;

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value,
    world::{
        mailbox::{Message, Origin},
        message::Letter,
        peer::{Mentions, Peer},
    },
};

/// Messages in one call, as at Telegram.
const MOST: usize = 100;

impl Call<'_> {
    pub(super) fn forward_messages(&mut self) -> Answer {
        let source = self
            .world
            .input_peer(self.me, self.params.value("from_peer"))?;
        let target = self.writable(self.params.value("to_peer"))?;
        let ids = self.params.list("id").iter().map(value::long);
        let ids: Vec<i32> = ids.filter_map(|id| i32::try_from(id).ok()).collect();
        let random_ids = self.params.list("random_id").iter().map(value::long);
        let random_ids: Vec<i64> = random_ids.collect();
        if ids.is_empty() {
            return Err(Refusal::bad("MESSAGE_IDS_EMPTY"));
        }
        if ids.len() != random_ids.len() || ids.len() > MOST {
            return Err(Refusal::bad("RANDOM_ID_INVALID"));
        }
        let mut letters = Vec::new();
        for (id, random_id) in ids.into_iter().zip(random_ids) {
            self.check_random_id(random_id)?;
            let message = self.message(source, id)?;
            let message = message.filter(|m| m.action.is_null());
            let message = message.ok_or(Refusal::bad("MESSAGE_ID_INVALID"))?;
            letters.push((random_id, self.copy(message)));
        }
        self.check_slow_mode(target)?;
        let mut mentions = Mentions::default();
        let mut updates = Vec::new();
        for (random_id, letter) in letters {
            let id = self.post(target, random_id, &letter)?;
            updates.push(json!({"_": "updateMessageID", "id": id, "random_id": random_id}));
            self.own_message(target, id, &mut updates, &mut mentions);
        }
        Ok(self.world.updates(self.me, &updates, &mentions))
    }

    /// A message as it goes on, with where it came from unless that is to be left out.
    fn copy(&self, message: &Message) -> Letter {
        let first = message.origin.clone().unwrap_or_else(|| {
            let post = self.world.is_post(message.peer);
            Origin {
                from: if post {
                    message.peer
                } else {
                    Peer::User(message.from)
                },
                date: message.date,
                post: post.then_some(message.id),
            }
        });
        let captioned = !message.media.is_null() && self.params.flag("drop_media_captions");
        let text = if captioned { "" } else { &message.text };
        Letter {
            text: text.to_owned(),
            entities: if captioned {
                serde_json::Value::Null
            } else {
                message.entities.clone()
            },
            media: message.media.clone(),
            file: message.file,
            origin: (!self.params.flag("drop_author")).then_some(first),
            silent: self.params.flag("silent"),
            ..Letter::default()
        }
    }
}

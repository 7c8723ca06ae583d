//! `messages.*` that read messages back.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::Fields,
    world::{
        mailbox::Message,
        peer::{Mentions, Peer},
    },
};

/// Messages in one answer, as at Telegram.
const PAGE: i32 = 100;

impl Call<'_> {
    pub(super) fn history(&mut self) -> Answer {
        let peer = self.world.input_peer(self.me, self.params.value("peer"))?;
        self.page(|m| m.peer == peer)
    }

    pub(super) fn search(&mut self) -> Answer {
        let input = self.params.value("peer");
        let peer = match Fields::from(input).kind() {
            "inputPeerEmpty" => None,
            _ => Some(self.world.input_peer(self.me, input)?),
        };
        let from = match self.params.value("from_id") {
            Value::Null => None,
            input => Some(self.world.input_peer(self.me, input)?),
        };
        let plain = self.params.object("filter").kind() == "inputMessagesFilterEmpty";
        let wanted = self.params.text("q").to_lowercase();
        let (since, until) = (self.params.long("min_date"), self.params.long("max_date"));
        self.page(|m| {
            plain
                && m.action.is_null()
                && peer.is_none_or(|p| p == m.peer)
                && from.is_none_or(|f| f == Peer::User(m.from))
                && (since == 0 || m.date >= since)
                && (until == 0 || m.date <= until)
                && m.text.to_lowercase().contains(&wanted)
        })
    }

    /// One page, the newest first: <https://core.telegram.org/api/offsets>.
    fn page(&self, wanted: impl Fn(&Message) -> bool) -> Answer {
        let (max, min) = (self.params.int("max_id"), self.params.int("min_id"));
        let offset_id = self.params.int("offset_id");
        let offset_date = self.params.long("offset_date");
        let messages = self.user()?.mailbox.messages.values().rev();
        let all: Vec<&Message> = messages
            .filter(|m| wanted(m) && (max == 0 || m.id < max) && m.id > min)
            .collect();
        let newer = |m: &&&Message| {
            (offset_id > 0 && m.id >= offset_id) || (offset_date > 0 && m.date >= offset_date)
        };
        let start = all.iter().take_while(newer).count();
        let start = i64::try_from(start).unwrap_or(i64::MAX);
        let limit = i64::from(self.params.int("limit").clamp(0, PAGE));
        let from = start + i64::from(self.params.int("add_offset"));
        // A page that begins above the newest message is cut, not moved.
        let end = usize::try_from(from + limit).unwrap_or(0).min(all.len());
        let from = usize::try_from(from).unwrap_or(0).min(end);
        let ids = all.get(from..end).unwrap_or_default().iter().map(|m| m.id);
        let whole = from == 0 && end == all.len();
        Ok(self.messages_object(ids, (!whole).then_some(all.len())))
    }

    /// `messages.messages`, or with a total `messages.messagesSlice`.
    pub(super) fn messages_object(
        &self,
        ids: impl Iterator<Item = i32>,
        total: Option<usize>,
    ) -> Value {
        let mut mentions = Mentions::default();
        let list: Vec<Value> = ids
            .map(|id| self.world.message_json(self.me, id, &mut mentions))
            .collect();
        let answer = match total {
            None => json!({"_": "messages.messages", "messages": list, "topics": []}),
            Some(count) => json!({
                "_": "messages.messagesSlice",
                "count": count,
                "messages": list,
                "topics": [],
            }),
        };
        self.world.with_mentions(self.me, answer, &mentions)
    }

    pub(super) fn messages(&mut self) -> Answer {
        let mailbox = &self.user()?.mailbox;
        let ids = self.params.list("id").iter().map(|input| {
            let input = Fields::from(input);
            match input.kind() {
                "inputMessageID" => Ok(input.int("id")),
                "inputMessageReplyTo" => {
                    let message = mailbox.messages.get(&input.int("id"));
                    Ok(message.and_then(|m| m.reply_to).unwrap_or_default())
                }
                _ => Err(Refusal::bad("MESSAGE_ID_INVALID")),
            }
        });
        let ids = ids.collect::<Result<Vec<i32>, Refusal>>()?;
        Ok(self.messages_object(ids.into_iter(), None))
    }
}

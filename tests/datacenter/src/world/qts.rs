//! What is numbered by `qts`: secret chats, and what bots are told of members.

use serde_json::{Value, json};

use super::{
    World,
    peer::{Mentions, Peer},
};

impl World {
    /// Numbers an update by `qts`, keeps it for `getDifference` and tells the owner's sessions.
    pub(crate) fn tell_by_qts(&mut self, owner: i64, update: Value, about: Vec<Peer>) {
        let mut mentions = Mentions::default();
        for peer in &about {
            mentions.peer(*peer);
        }
        let Some(user) = self.users.get_mut(&owner) else {
            return;
        };
        let update = user.mailbox.happened_by_qts(update, about);
        let body = self.updates(owner, &[update], &mentions);
        self.tell_numbered(owner, body);
    }

    /// A message of a secret chat, which a server sees as bytes. Returns its `qts`.
    pub(crate) fn post_encrypted(&mut self, to: i64, chat: i32, bytes: &[u8]) -> i32 {
        let message = json!({
            "_": "encryptedMessageService",
            "random_id": self.random_id(),
            "chat_id": chat,
            "date": self.clock.date(),
            "bytes": crate::value::bytes(bytes),
        });
        let update = json!({"_": "updateNewEncryptedMessage", "message": message});
        self.tell_by_qts(to, update, Vec::new());
        self.user(to).map_or(0, |u| u.mailbox.qts)
    }

    /// Somebody blocks a user or bot, or does so no longer. A bot is told.
    pub(crate) fn block(&mut self, by: i64, whom: i64, blocked: bool) {
        let Some(user) = self.users.get_mut(&by) else {
            return;
        };
        let changed = if blocked {
            user.blocked.insert(whom)
        } else {
            user.blocked.remove(&whom)
        };
        if changed && self.user(whom).is_some_and(|u| u.bot) {
            let update = json!({
                "_": "updateBotStopped",
                "user_id": by,
                "date": self.clock.date(),
                "stopped": blocked,
            });
            self.tell_by_qts(whom, update, vec![Peer::User(by)]);
        }
    }
}

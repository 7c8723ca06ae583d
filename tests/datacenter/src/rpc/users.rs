//! `users.*`.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::world::peer::Mentions;

impl Call<'_> {
    /// Unknown users are left out, as Telegram does.
    pub(super) fn users(&mut self) -> Answer {
        let found = self.params.list("id").iter().filter_map(|input| {
            let id = self.world.input_user(self.me, input).ok()?;
            Some(self.world.user_json(self.me, id))
        });
        Ok(found.collect::<Vec<Value>>().into())
    }

    pub(super) fn full_user(&mut self) -> Answer {
        let id = self.world.input_user(self.me, self.params.value("id"))?;
        let about = self.world.user(id).map_or("", |u| u.about.as_str());
        let mut full = json!({
            "_": "userFull",
            "id": id,
            "settings": {"_": "peerSettings"},
            "notify_settings": {"_": "peerNotifySettings"},
            "common_chats_count": 0,
        });
        if let Some(map) = full.as_object_mut().filter(|_| !about.is_empty()) {
            map.insert("about".into(), json!(about));
        }
        let mut mentions = Mentions::default();
        mentions.user(id);
        let answer = json!({"_": "users.userFull", "full_user": full});
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }
}

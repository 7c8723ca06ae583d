//! `contacts.*`.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::Fields,
    world::{
        peer::{Mentions, Peer},
        user::{ContactName, digits, valid_username},
    },
};

impl Call<'_> {
    fn resolved(&self, peer: Peer) -> Value {
        let mut mentions = Mentions::default();
        mentions.peer(peer);
        let answer = json!({"_": "contacts.resolvedPeer", "peer": peer.json()});
        self.world.with_mentions(self.me, answer, &mentions)
    }

    pub(super) fn resolve_username(&mut self) -> Answer {
        let name = self.params.text("username");
        if !valid_username(name.trim_start_matches('@')) {
            return Err(Refusal::bad("USERNAME_INVALID"));
        }
        let peer = self.world.named(name);
        peer.map(|peer| self.resolved(peer))
            .ok_or(Refusal::bad("USERNAME_NOT_OCCUPIED"))
    }

    pub(super) fn resolve_phone(&mut self) -> Answer {
        let phone = digits(self.params.text("phone"));
        let user = self.world.user_by_phone(&phone).map(|u| u.id);
        user.map(|id| self.resolved(Peer::User(id)))
            .ok_or(Refusal::bad("PHONE_NOT_OCCUPIED"))
    }

    pub(super) fn contacts(&mut self) -> Answer {
        let me = self.me;
        let mut mentions = Mentions::default();
        let list = self.user()?.contacts.keys().map(|id| {
            mentions.user(*id);
            let theirs = self.world.user(*id);
            let mutual = theirs.is_some_and(|u| u.contacts.contains_key(&me));
            json!({"_": "contact", "user_id": id, "mutual": mutual})
        });
        let list: Vec<Value> = list.collect();
        let (users, _) = self.world.mentioned(me, &mentions);
        Ok(json!({
            "_": "contacts.contacts",
            "saved_count": list.len(),
            "contacts": list,
            "users": users,
        }))
    }

    pub(super) fn import_contacts(&mut self) -> Answer {
        let mut imported = Vec::new();
        let mut mentions = Mentions::default();
        for input in self.params.list("contacts") {
            let input = Fields::from(input);
            let phone = digits(input.text("phone"));
            let Some(id) = self.world.user_by_phone(&phone).map(|u| u.id) else {
                continue;
            };
            let name = ContactName {
                first_name: input.text("first_name").to_owned(),
                last_name: input.text("last_name").to_owned(),
            };
            self.user_mut()?.contacts.insert(id, name);
            mentions.user(id);
            imported.push(json!({
                "_": "importedContact",
                "user_id": id,
                "client_id": input.long("client_id"),
            }));
        }
        let (users, _) = self.world.mentioned(self.me, &mentions);
        Ok(json!({
            "_": "contacts.importedContacts",
            "imported": imported,
            "popular_invites": [],
            "retry_contacts": [],
            "users": users,
        }))
    }

    pub(super) fn delete_contacts(&mut self) -> Answer {
        let mut mentions = Mentions::default();
        for input in self.params.list("id") {
            let id = self.world.input_user(self.me, input)?;
            self.user_mut()?.contacts.remove(&id);
            mentions.user(id);
        }
        Ok(self.world.updates(self.me, &[], &mentions))
    }

    /// Finds by the beginning of a username or first name.
    pub(super) fn search_contacts(&mut self) -> Answer {
        let wanted = self.params.text("q").to_lowercase();
        let wanted = wanted.trim_start_matches('@');
        if wanted.is_empty() {
            return Err(Refusal::bad("SEARCH_QUERY_EMPTY"));
        }
        let limit = usize::try_from(self.params.int("limit")).unwrap_or_default();
        let mut mentions = Mentions::default();
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        let begins = |text: &str| text.to_lowercase().starts_with(wanted);
        let found = self
            .world
            .users
            .values()
            .filter(|u| u.username.as_deref().is_some_and(begins) || begins(&u.first_name));
        let contacts = &self.user()?.contacts;
        for user in found.take(limit.min(50)) {
            mentions.user(user.id);
            let known = contacts.contains_key(&user.id);
            let list = if known { &mut mine } else { &mut others };
            list.push(Peer::User(user.id).json());
        }
        for (id, channel) in &self.world.channels {
            if channel.username.as_deref().is_some_and(begins) {
                mentions.peer(Peer::Channel(*id));
                let list = if channel.members.contains_key(&self.me) {
                    &mut mine
                } else {
                    &mut others
                };
                list.push(Peer::Channel(*id).json());
            }
        }
        let answer = json!({"_": "contacts.found", "my_results": mine, "results": others});
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }

    /// `contacts.block` and `contacts.unblock`.
    pub(super) fn block(&mut self, blocked: bool) -> Answer {
        let user = self.world.input_user(self.me, self.params.value("id"))?;
        if user == self.me {
            return Err(Refusal::bad("CONTACT_ID_INVALID"));
        }
        self.world.block(self.me, user, blocked);
        Ok(Value::Bool(true))
    }

    pub(super) fn statuses(&mut self) -> Answer {
        let list = self.user()?.contacts.keys().map(|id| {
            json!({
                "_": "contactStatus",
                "user_id": id,
                "status": {"_": "userStatusRecently"},
            })
        });
        Ok(list.collect::<Vec<_>>().into())
    }
}

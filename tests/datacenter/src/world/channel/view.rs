//! What a channel and its members look like to somebody.

use serde_json::{Map, Value, json};

use super::{super::World, Channel};

/// What a creator may do: everything.
pub(super) fn all_rights() -> Value {
    json!({
        "_": "chatAdminRights",
        "change_info": true,
        "post_messages": true,
        "edit_messages": true,
        "delete_messages": true,
        "ban_users": true,
        "invite_users": true,
        "pin_messages": true,
        "add_admins": true,
        "manage_call": true,
        "other": true,
    })
}

/// `ChatBannedRights` without an end.
pub(crate) fn banned_rights(names: &[&str]) -> Value {
    let mut rights = Map::new();
    rights.insert("_".into(), json!("chatBannedRights"));
    for name in names {
        rights.insert((*name).into(), json!(true));
    }
    rights.insert("until_date".into(), json!(0));
    Value::Object(rights)
}

impl World {
    /// A `Chat` for a channel as the viewer sees it.
    pub(crate) fn channel_json(&self, viewer: i64, id: i64) -> Value {
        let hash = self.hash_for(viewer, "channel", id);
        let Some(channel) = self.channel(id) else {
            return json!({
                "_": "channelForbidden",
                "id": id,
                "access_hash": hash,
                "title": "",
            });
        };
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| {
            json.insert(name.to_owned(), value);
        };
        set("id", json!(id));
        set("access_hash", json!(hash));
        set("title", json!(channel.title));
        let kind = if channel.broadcast {
            "broadcast"
        } else {
            "megagroup"
        };
        set(kind, json!(true));
        if !channel.open_to(viewer) {
            set("_", json!("channelForbidden"));
            return Value::Object(json);
        }
        set("_", json!("channel"));
        set("photo", json!({"_": "chatPhotoEmpty"}));
        let member = channel.members.get(&viewer);
        set("date", json!(member.map_or(channel.date, |m| m.date)));
        set("participants_count", json!(channel.members.len()));
        if let Some(username) = &channel.username {
            set("username", json!(username));
        }
        if member.is_none() {
            set("left", json!(true));
        }
        if channel.slow_mode > 0 {
            set("slowmode_enabled", json!(true));
        }
        if channel.creator == viewer {
            set("creator", json!(true));
            set("admin_rights", all_rights());
        } else if let Some(admin) = channel.admins.get(&viewer) {
            set("admin_rights", admin.rights.clone());
        }
        if channel.muted.contains(&viewer) {
            set("banned_rights", banned_rights(&["send_messages"]));
        }
        if !channel.broadcast {
            set("default_banned_rights", banned_rights(&[]));
        }
        Value::Object(json)
    }

    /// The data center that knows a channel's statistics: never its creator's own, so that clients
    /// meet `STATS_MIGRATE_X` wherever there are two.
    pub(crate) fn stats_dc(&self, channel: &Channel) -> i32 {
        let home = self.user(channel.creator).map_or(1, |u| u.dc);
        home % i32::from(self.dcs) + 1
    }
}

impl Channel {
    /// A `ChannelParticipant`; null for who has nothing to do with the channel.
    pub(crate) fn participant(&self, viewer: i64, user: i64) -> Value {
        let Some(member) = self.members.get(&user) else {
            if self.banned.contains(&user) {
                return self.excluded(user, &["view_messages"], true);
            }
            return Value::Null;
        };
        if user == self.creator {
            return json!({
                "_": "channelParticipantCreator",
                "user_id": user,
                "admin_rights": all_rights(),
            });
        }
        if let Some(admin) = self.admins.get(&user) {
            let mut json = json!({
                "_": "channelParticipantAdmin",
                "user_id": user,
                "promoted_by": admin.by,
                "date": member.date,
                "admin_rights": admin.rights,
            });
            if let Some(map) = json.as_object_mut() {
                if admin.by == viewer || self.creator == viewer {
                    map.insert("can_edit".into(), json!(true));
                }
                if user == viewer {
                    map.insert("self".into(), json!(true));
                    map.insert("inviter_id".into(), json!(member.inviter));
                }
                if !admin.rank.is_empty() {
                    map.insert("rank".into(), json!(admin.rank));
                }
            }
            return json;
        }
        if self.muted.contains(&user) {
            return self.excluded(user, &["send_messages"], false);
        }
        if user == viewer {
            return json!({
                "_": "channelParticipantSelf",
                "user_id": user,
                "inviter_id": member.inviter,
                "date": member.date,
            });
        }
        json!({"_": "channelParticipant", "user_id": user, "date": member.date})
    }

    fn excluded(&self, user: i64, rights: &[&str], left: bool) -> Value {
        let mut json = json!({
            "_": "channelParticipantBanned",
            "peer": {"_": "peerUser", "user_id": user},
            "kicked_by": self.creator,
            "date": self.date,
            "banned_rights": banned_rights(rights),
        });
        if let Some(map) = json.as_object_mut().filter(|_| left) {
            map.insert("left".into(), json!(true));
        }
        json
    }
}

//! `stats.*`: statistics of channels, on the data center that has them
//! (<https://core.telegram.org/api/stats>). The numbers are the channel's own where it has any.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::refusal::Refusal;

/// Seconds that the statistics look back.
const PERIOD: i64 = 7 * 86_400;

fn graph() -> Value {
    json!({"_": "statsGraphError", "error": "not enough data"})
}

fn count(now: usize) -> Value {
    json!({"_": "statsAbsValueAndPrev", "current": now, "previous": 0})
}

impl Call<'_> {
    /// Whether the caller may see a channel's statistics, and sees them here.
    fn statistics(&self, broadcast: bool) -> Result<(i64, usize, usize), Refusal> {
        let (id, channel) = self.channel_entry()?;
        if channel.broadcast != broadcast {
            return Err(Refusal::bad(if broadcast {
                "BROADCAST_REQUIRED"
            } else {
                "MEGAGROUP_REQUIRED"
            }));
        }
        if !channel.is_admin(self.me) {
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        let dc = self.world.stats_dc(channel);
        if dc != self.dc {
            return Err(Refusal::migrate("STATS", dc));
        }
        Ok((id, channel.members.len(), channel.messages.len()))
    }

    fn period(&self) -> Value {
        let now = self.world.clock.date();
        json!({"_": "statsDateRangeDays", "min_date": now - PERIOD, "max_date": now})
    }

    pub(super) fn broadcast_stats(&mut self) -> Answer {
        let (_, members, _) = self.statistics(true)?;
        Ok(json!({
            "_": "stats.broadcastStats",
            "period": self.period(),
            "followers": count(members),
            "views_per_post": count(1),
            "shares_per_post": count(0),
            "reactions_per_post": count(0),
            "views_per_story": count(0),
            "shares_per_story": count(0),
            "reactions_per_story": count(0),
            "enabled_notifications": {
                "_": "statsPercentValue", "part": members, "total": members,
            },
            "growth_graph": graph(),
            "followers_graph": graph(),
            "mute_graph": graph(),
            "top_hours_graph": graph(),
            "interactions_graph": graph(),
            "iv_interactions_graph": graph(),
            "views_by_source_graph": graph(),
            "new_followers_by_source_graph": graph(),
            "languages_graph": graph(),
            "reactions_by_emotion_graph": graph(),
            "story_interactions_graph": graph(),
            "story_reactions_by_emotion_graph": graph(),
            "recent_posts_interactions": [],
        }))
    }

    pub(super) fn megagroup_stats(&mut self) -> Answer {
        let (id, members, messages) = self.statistics(false)?;
        let mut writers: Vec<i64> = self
            .world
            .channel(id)
            .map(|c| c.messages.values().map(|m| m.from).collect())
            .unwrap_or_default();
        writers.sort_unstable();
        writers.dedup();
        Ok(json!({
            "_": "stats.megagroupStats",
            "period": self.period(),
            "members": count(members),
            "messages": count(messages),
            "viewers": count(members),
            "posters": count(writers.len()),
            "growth_graph": graph(),
            "members_graph": graph(),
            "new_members_by_source_graph": graph(),
            "languages_graph": graph(),
            "messages_graph": graph(),
            "actions_graph": graph(),
            "top_hours_graph": graph(),
            "weekdays_graph": graph(),
            "top_posters": [],
            "top_admins": [],
            "top_inviters": [],
            "users": [],
        }))
    }
}

//! `updates.*`: where the caller's history stands, and what was missed.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    world::{
        mailbox::{Event, What},
        message::with_pts,
        peer::Mentions,
    },
};

/// Events in one answer; the rest comes with the next `getDifference`.
const SLICE: usize = 100;

/// `seq` never moves: nothing here is ordered by it.
const SEQ: i32 = 1;

impl Call<'_> {
    fn state_at(&self, pts: i32) -> Answer {
        Ok(json!({
            "_": "updates.state",
            "pts": pts,
            "qts": 0,
            "date": self.world.clock.date(),
            "seq": SEQ,
            "unread_count": self.user()?.mailbox.unread_total(),
        }))
    }

    pub(super) fn state(&mut self) -> Answer {
        self.state_at(self.user()?.mailbox.pts)
    }

    pub(super) fn difference(&mut self) -> Answer {
        let from = self.params.int("pts");
        if from <= 0 {
            return Err(Refusal::bad("PERSISTENT_TIMESTAMP_EMPTY"));
        }
        let mailbox = &self.user()?.mailbox;
        if from > mailbox.pts {
            return Err(Refusal::bad("PERSISTENT_TIMESTAMP_INVALID"));
        }
        let behind = mailbox.pts - from;
        if behind == 0 {
            return Ok(json!({
                "_": "updates.differenceEmpty",
                "date": self.world.clock.date(),
                "seq": SEQ,
            }));
        }
        let oldest = mailbox
            .events
            .front()
            .map_or(mailbox.pts, |e| e.pts - e.count);
        let most = self.params.int("pts_total_limit");
        if from < oldest || (most > 0 && behind > most) {
            return Ok(json!({"_": "updates.differenceTooLong", "pts": mailbox.pts}));
        }
        let slice = match usize::try_from(self.params.int("pts_limit")) {
            Ok(limit) if limit > 0 => limit.min(SLICE),
            _ => SLICE,
        };
        let missed = mailbox.events.iter().filter(|e| e.pts > from);
        let events: Vec<&Event> = missed.take(slice).collect();
        let reached = events.last().map_or(from, |e| e.pts);
        self.difference_of(&events, reached, reached == mailbox.pts)
    }

    fn difference_of(&self, events: &[&Event], reached: i32, whole: bool) -> Answer {
        let mailbox = &self.user()?.mailbox;
        let mut mentions = Mentions::default();
        let (mut messages, mut others) = (Vec::new(), Vec::new());
        for event in events {
            match &event.what {
                // What was deleted since is told by its own event.
                What::New(id) | What::Edited(id) if !mailbox.messages.contains_key(id) => {}
                What::New(id) => {
                    messages.push(self.world.message_json(self.me, *id, &mut mentions));
                }
                What::Edited(id) => {
                    let update = self
                        .world
                        .edited_message(self.me, *id, event.pts, &mut mentions);
                    others.push(update);
                }
                What::Other(update, about) => {
                    if let Some(peer) = about {
                        mentions.peer(*peer);
                    }
                    others.push(with_pts(update.clone(), event.pts, event.count));
                }
            }
        }
        let (kind, state) = if whole {
            ("updates.difference", "state")
        } else {
            ("updates.differenceSlice", "intermediate_state")
        };
        let mut answer = json!({
            "_": kind,
            "new_messages": messages,
            "new_encrypted_messages": [],
            "other_updates": others,
        });
        if let Some(map) = answer.as_object_mut() {
            map.insert(state.to_owned(), self.state_at(reached)?);
        }
        let answer: Value = self.world.with_mentions(self.me, answer, &mentions);
        Ok(answer)
    }
}

//! Which message a random id became, for the last sends of an account.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use crate::json::{as_long, constructor, int, list, long};

/// Sends remembered. Telegram itself forgets random ids after a while; what is asked for later is
/// looked up in the chat.
const KEPT: usize = 256;

/// The last sends.
#[derive(Default)]
pub(crate) struct Sends {
    ids: HashMap<i64, i32>,
    order: VecDeque<i64>,
}

impl Sends {
    /// The message that a random id became.
    pub(crate) fn find(&self, random_id: i64) -> Option<i32> {
        self.ids.get(&random_id).copied()
    }

    /// Takes `updateMessageID` from updates or a difference, in which Telegram says what became of
    /// a send whose answer was lost.
    pub(crate) fn learn(&mut self, updates: &Value) {
        let one = updates.get("update").into_iter();
        let all = list(updates, "updates").iter();
        let others = list(updates, "other_updates").iter();
        for update in one.chain(all).chain(others) {
            if constructor(update) == "updateMessageID"
                && let (Some(random_id), Some(id)) = (long(update, "random_id"), int(update, "id"))
            {
                self.keep(random_id, id);
            }
        }
    }

    /// Takes the answer to a send.
    pub(crate) fn learn_answer(&mut self, answer: &Value, params: &Map<String, Value>) {
        if constructor(answer) == "updateShortSentMessage"
            && let (Some(random_id), Some(id)) =
                (params.get("random_id").and_then(as_long), int(answer, "id"))
        {
            self.keep(random_id, id);
        } else {
            self.learn(answer);
        }
    }

    fn keep(&mut self, random_id: i64, id: i32) {
        if self.ids.insert(random_id, id).is_none() {
            self.order.push_back(random_id);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sends_are_learnt_from_answers_and_updates_and_bounded() {
        let mut sends = Sends::default();
        let Value::Object(params) = json!({"random_id": "5"}) else {
            unreachable!()
        };
        sends.learn_answer(&json!({"_": "updateShortSentMessage", "id": 7}), &params);
        let said = json!({"_": "updateMessageID", "id": 8, "random_id": "6"});
        sends.learn(&json!({"_": "updates", "updates": [said]}));
        assert_eq!((sends.find(5), sends.find(6)), (Some(7), Some(8)));
        for id in 0..300 {
            sends.keep(1_000 + id, 1);
        }
        assert_eq!(sends.find(5), None);
        assert_eq!(sends.ids.len(), KEPT);
    }
}

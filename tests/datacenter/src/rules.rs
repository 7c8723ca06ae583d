//! Faults on demand: rules that match calls and say what happens to them instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sluice_domain::Random;

/// Names a rule.
pub type RuleId = u64;

/// Which calls a rule is for. What is absent matches everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    /// The method, as in the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The user or bot id of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<i64>,
    /// The data center.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc: Option<i32>,
    /// Only the n-th call that fits the rest, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// With this probability, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// At most so often; then the rule stays in the list but does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// What happens to a matched call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It is refused with this error, and not executed.
    RpcError {
        /// Telegram's code.
        code: i32,
        /// Its name, e.g. `FLOOD_WAIT_7`.
        name: String,
    },
    /// It is executed so many milliseconds later.
    Delay(u64),
    /// It is neither executed nor answered.
    Silence,
    /// The connection is closed and the MTProto session forgotten, as when a server goes down. The
    /// call is not executed; a client that comes back with its session is told that it is new.
    Disconnect,
    /// It is executed, and the connection closed before the answer is out. A client that comes
    /// back with its session gets the answer then.
    LoseAnswer,
    /// It is executed and never answered.
    Mute,
}

/// A rule as it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which calls.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// What happens to them.
    pub action: Action,
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleView {
    /// Its name for removal.
    pub id: RuleId,
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Calls that fitted, whether or not it acted.
    pub seen: u64,
    /// Calls it acted on.
    pub applied: u64,
}

/// All rules, in the order they were made; the first that acts wins.
#[derive(Default)]
pub(crate) struct Rules {
    last: RuleId,
    list: BTreeMap<RuleId, RuleView>,
}

impl Rules {
    pub(crate) fn add(&mut self, rule: Rule) -> RuleId {
        self.last += 1;
        let view = RuleView {
            id: self.last,
            rule,
            seen: 0,
            applied: 0,
        };
        self.list.insert(self.last, view);
        self.last
    }

    pub(crate) fn remove(&mut self, id: RuleId) -> bool {
        self.list.remove(&id).is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    pub(crate) fn list(&self) -> Vec<RuleView> {
        self.list.values().cloned().collect()
    }

    /// The action for this call, if a rule acts on it.
    pub(crate) fn decide(
        &mut self,
        method: &str,
        account: Option<i64>,
        dc: i32,
        random: &dyn Random,
    ) -> Option<Action> {
        for view in self.list.values_mut() {
            let wanted = &view.rule.matches;
            let fits = wanted.method.as_deref().is_none_or(|m| m == method)
                && wanted.account.is_none_or(|a| Some(a) == account)
                && wanted.dc.is_none_or(|d| d == dc);
            if !fits {
                continue;
            }
            view.seen += 1;
            let acts = wanted.nth.is_none_or(|n| n == view.seen)
                && wanted.times.is_none_or(|t| view.applied < t)
                && wanted.probability.is_none_or(|p| chance(random) < p);
            if acts {
                view.applied += 1;
                return Some(view.rule.action.clone());
            }
        }
        None
    }
}

/// A uniform number in 0..1.
fn chance(random: &dyn Random) -> f64 {
    let bits = u32::try_from(random.u64() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Action, Match, Rule, Rules};

    struct Fixed;
    impl sluice_domain::Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x80);
        }
    }

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn rules_are_read_as_documented() {
        let read = rule(
            r#"{"match": {"method": "messages.sendMessage", "times": 1},
                "action": {"rpcError": {"code": 420, "name": "FLOOD_WAIT_7"}}}"#,
        );
        assert_eq!(read.matches.times, Some(1));
        assert_eq!(
            read.action,
            Action::RpcError {
                code: 420,
                name: "FLOOD_WAIT_7".into()
            }
        );
        assert_eq!(
            rule(r#"{"action": {"delay": 500}}"#).action,
            Action::Delay(500)
        );
        assert_eq!(
            rule(r#"{"action": "disconnect"}"#).action,
            Action::Disconnect
        );
        assert!(
            serde_json::from_str::<Rule>(r#"{"match": {"methd": "x"}, "action": "silence"}"#)
                .is_err()
        );
    }

    #[test]
    fn nth_times_and_probability_limit_a_rule() {
        let mut rules = Rules::default();
        let nth = rules.add(rule(r#"{"match": {"nth": 2}, "action": "silence"}"#));
        assert_eq!(rules.decide("a", None, 1, &Fixed), None);
        assert_eq!(rules.decide("a", None, 1, &Fixed), Some(Action::Silence));
        assert_eq!(rules.decide("a", None, 1, &Fixed), None);
        assert!(rules.remove(nth));

        rules.add(rule(
            r#"{"match": {"times": 1, "account": 5}, "action": "silence"}"#,
        ));
        assert_eq!(rules.decide("a", Some(4), 1, &Fixed), None);
        assert_eq!(rules.decide("a", Some(5), 1, &Fixed), Some(Action::Silence));
        assert_eq!(rules.decide("a", Some(5), 1, &Fixed), None);

        rules.clear();
        rules.add(Rule {
            matches: Match {
                probability: Some(0.4),
                ..Match::default()
            },
            action: Action::Silence,
        });
        assert_eq!(
            rules.decide("a", None, 1, &Fixed),
            None,
            "0.5 is not below 0.4"
        );
    }
}

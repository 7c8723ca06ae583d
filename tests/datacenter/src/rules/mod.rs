//! Faults on demand: rules that match connections, packets or calls, and say what happens to them
//! instead.

mod action;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sluice_domain::Random;

pub(crate) use action::Stage;
pub use action::{Action, Forgery};

/// Names a rule.
pub type RuleId = u64;

/// What a rule is for. What is absent matches everything; `method` and `account` never match where
/// they are not known yet ([`Action`] says at which stage each acts).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    /// The method, as in the schema; of a packet, any that is called in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The user or bot id of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<i64>,
    /// The data center.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc: Option<i32>,
    /// Whether it came in by the media port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<bool>,
    /// Only the n-th that fits the rest, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only every n-th that fits the rest: 2 for the second, the fourth, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// With this probability, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// At most so often; then the rule stays in the list but does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// A rule as it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What for.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// What happens.
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
    /// How many fitted, whether or not it acted.
    pub seen: u64,
    /// How many it acted on.
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

    /// Whether any rule acts at this stage.
    pub(crate) fn any(&self, stage: Stage) -> bool {
        self.list.values().any(|v| v.rule.action.stage() == stage)
    }

    /// The action for this, if a rule acts on it.
    pub(crate) fn decide(
        &mut self,
        stage: Stage,
        subject: &Subject<'_>,
        random: &dyn Random,
    ) -> Option<Action> {
        for view in self.list.values_mut() {
            if view.rule.action.stage() != stage || !subject.fits(&view.rule.matches) {
                continue;
            }
            let wanted = &view.rule.matches;
            view.seen += 1;
            let acts = wanted.nth.is_none_or(|n| n == view.seen)
                && wanted.every.is_none_or(|n| view.seen.is_multiple_of(n))
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

/// What rules are asked about, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) methods: &'a [&'a str],
    pub(crate) account: Option<i64>,
    pub(crate) dc: i32,
    pub(crate) media: bool,
}

impl Subject<'_> {
    fn fits(&self, wanted: &Match) -> bool {
        let Match {
            method,
            account,
            dc,
            media,
            ..
        } = wanted;
        method.as_deref().is_none_or(|m| self.methods.contains(&m))
            && account.is_none_or(|a| Some(a) == self.account)
            && dc.is_none_or(|d| d == self.dc)
            && media.is_none_or(|m| m == self.media)
    }
}

/// A uniform number in 0..1.
fn chance(random: &dyn Random) -> f64 {
    let bits = u32::try_from(random.u64() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Action, Forgery, Match, Rule, Rules, Stage, Subject};

    struct Fixed;
    impl sluice_domain::Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x80);
        }
    }

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).unwrap()
    }

    fn decide(rules: &mut Rules, account: Option<i64>) -> Option<Action> {
        let subject = Subject {
            methods: &["a"],
            account,
            dc: 1,
            media: false,
        };
        rules.decide(Stage::Call, &subject, &Fixed)
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
            rule(r#"{"action": {"forgeAnswer": "staleSession"}}"#).action,
            Action::ForgeAnswer(Forgery::StaleSession)
        );
        let corrupt = r#"{"match":{"dc":2},"action":{"corrupt":"publicMinusOne"}}"#;
        assert_eq!(serde_json::to_string(&rule(corrupt)).unwrap(), corrupt);
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
        assert_eq!(decide(&mut rules, None), None);
        assert_eq!(decide(&mut rules, None), Some(Action::Silence));
        assert_eq!(decide(&mut rules, None), None);
        assert!(rules.remove(nth));

        let every = rules.add(rule(r#"{"match": {"every": 2}, "action": "silence"}"#));
        let acts: Vec<_> = (0..5).map(|_| decide(&mut rules, None).is_some()).collect();
        assert_eq!(acts, [false, true, false, true, false]);
        assert!(rules.remove(every));

        let elsewhere = rules.add(rule(r#"{"action": {"badMsg": 17}}"#));
        assert_eq!(decide(&mut rules, None), None, "another stage");
        assert!(rules.any(Stage::Packet) && !rules.any(Stage::Call));
        assert!(rules.remove(elsewhere));

        rules.add(rule(
            r#"{"match": {"times": 1, "account": 5}, "action": "silence"}"#,
        ));
        assert_eq!(decide(&mut rules, Some(4)), None);
        assert_eq!(decide(&mut rules, Some(5)), Some(Action::Silence));
        assert_eq!(decide(&mut rules, Some(5)), None);

        rules.clear();
        rules.add(Rule {
            matches: Match {
                probability: Some(0.4),
                ..Match::default()
            },
            action: Action::Silence,
        });
        assert_eq!(decide(&mut rules, None), None, "0.5 is not below 0.4");
    }
}

//! What Telegram corrects in a client: salts, clocks, sequence numbers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sluice_harness::datacenter::{Action, Match, Options, Rule};
use sluice_harness::domain::{Clock, UnixMillis};
use sluice_harness::scoreboard::{Row, count, report};
use sluice_harness::{Harness, Setup};

const METHOD: &str = "users.getUsers";

/// The machine's clock, an hour ahead.
struct Ahead(std::time::Instant);

impl Clock for Ahead {
    fn now(&self) -> UnixMillis {
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let ahead = now + Duration::from_hours(1);
        UnixMillis(u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Breaks when a correction reaches a caller as an error, or is made in more round trips than one
/// for the correction and one for a session that has to begin anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_telegram_corrects_is_no_error() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        accounts: 1,
        datacenter: Options {
            clock: Some(Arc::new(Ahead(std::time::Instant::now()))),
            ..Options::default()
        },
        ..Setup::default()
    })
    .await?;
    let me = || json!({ "id": [{ "_": "inputUserSelf" }] });
    let each = count(400, 12);
    let (mut calls, mut corrections, mut most) = (0, 0, 0);
    for code in [48, 16, 17, 32, 33, 64] {
        let id = gateway.datacenter.add_rule(Rule {
            matches: Match {
                method: Some(METHOD.to_owned()),
                every: Some(2),
                ..Match::default()
            },
            action: Action::BadMsg(code),
        });
        let rule = || {
            let rules = gateway.datacenter.rules();
            let rule = rules.into_iter().find(|rule| rule.id == id);
            rule.map_or((0, 0), |rule| (rule.seen, rule.applied))
        };
        for _ in 0..each {
            let before = rule().0;
            let answer = gateway.call("demo", METHOD, me()).await?;
            assert_eq!(answer.status, 200, "{code}: {:#}", answer.body);
            let sent = rule().0 - before;
            most = most.max(sent.saturating_sub(1));
        }
        calls += each;
        let applied = rule().1;
        assert!(applied >= each / 2, "{code}: {applied}");
        corrections += applied;
        gateway.datacenter.remove_rule(id);
    }
    assert!(most <= 2, "{most} more round trips");
    report(&Row {
        part: "Telegram side",
        fault: "bad_server_salt every 2nd message; bad_msg 16/17/32/33/48/64; clock off by 1 h",
        goal: "0 errors seen by the client, <= 2 extra round trips",
        figure: &format!(
            "0 errors in {calls} calls with {corrections} corrections, Telegram's clock an hour ahead; at most {most} extra round trips for a call"
        ),
        n: calls,
        met: true,
    });
    gateway.stop().await;
    Ok(())
}

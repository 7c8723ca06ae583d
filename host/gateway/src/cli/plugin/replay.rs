use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use hyper::Method;
use serde_json::Value;
use sluice_config::Config;
use sluice_domain::{Clock, Random};
use sluice_policy::{Policies, ReplayRequest};
use sluice_store::Decisions;

use super::subject::Subject;
use crate::admin_client::AdminClient;
use crate::cli::table::{cell, table};
use crate::cli::{Place, print};
use crate::exit::Usage;
use crate::opened::Opened;
use crate::{SystemClock, SystemRandom, settings};

/// How long a replay without a gateway may take: nobody else waits for it.
const TIME: Duration = Duration::from_mins(2);

#[derive(Args)]
pub(in crate::cli) struct Replay {
    #[command(flatten)]
    place: Place,
    /// A plugin's folder or a component; a NAME.toml beside it says its settings and accounts.
    #[arg(value_name = "CANDIDATE")]
    candidate: PathBuf,
    /// How far back, as in 24h; all that is kept when left out.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// The newest so many decisions at most.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    records: u32,
    /// Which day is played in virtual time; the same seed gives the same day.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.place.load()?;
        let Subject {
            component, sidecar, ..
        } = Subject::open(&self.candidate)?;
        let socket = config.data.dir.join("admin.sock");
        let replay = if let Some(client) = AdminClient::connect(&socket).await? {
            self.ask(client, component, &sidecar).await?
        } else {
            self.work(&config, &component, &sidecar)?
        };
        if self.json {
            print(&format!("{replay:#}\n"))
        } else {
            print(&words(&replay))
        }
    }

    /// Through a running gateway.
    async fn ask(
        &self,
        mut client: AdminClient,
        component: Vec<u8>,
        sidecar: &str,
    ) -> anyhow::Result<Value> {
        let mut path = format!(
            "/api/plugins/replay?records={}&seed={}&sidecar={}",
            self.records,
            self.seed,
            encoded(sidecar)
        );
        if let Some(since) = &self.since {
            path.extend(["&since=", &encoded(since)]);
        }
        let body = ("application/wasm", Bytes::from(component));
        client.send(Method::POST, &path, Some(body)).await
    }

    /// On the journal itself.
    fn work(&self, config: &Config, component: &[u8], sidecar: &str) -> anyhow::Result<Value> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let since = match &self.since {
            None => None,
            Some(text) => Some(
                sluice_config::parse_duration(text)
                    .map(|back| clock.now().before(back))
                    .ok_or_else(|| {
                        Usage(format!("--since {text}: expected a duration like 24h"))
                    })?,
            ),
        };
        // Locks the data directory, so that no gateway starts meanwhile.
        let opened = Opened::open(config, &clock, &random)?;
        let journal = Decisions::new(opened.data.path(), config.policy.journal_max_bytes);
        let settings = settings::policies(config, opened.data.path(), settings::bundled_plugins());
        let policies = Policies::open(settings, clock, Box::new(|_| {}))?;
        let replay = policies.replay(
            &journal,
            &ReplayRequest {
                component,
                sidecar,
                accounts: &[],
                since,
                records: usize::try_from(self.records)?,
                time: TIME,
                seed: self.seed.into(),
            },
        )?;
        Ok(serde_json::to_value(replay)?)
    }
}

/// A text for a query string (RFC 3986, unreserved characters as they are).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(byte.into());
        } else {
            // A String takes all text.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// A replay for people.
fn words(replay: &Value) -> String {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64).unwrap_or(0);
    let list = |key: &str| {
        replay
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let mut text = format!(
        "{} decisions from {} to {}{}: {} change, on {} the candidate has no opinion\n",
        grouped(number(replay, "records")),
        cell(replay, "from"),
        cell(replay, "to"),
        if replay.get("complete") == Some(&Value::Bool(true)) {
            ""
        } else {
            " (not all: the time or the number ran out)"
        },
        grouped(number(replay, "changed")),
        grouped(number(replay, "abstained")),
    );
    let rows: Vec<Vec<String>> = list("changes")
        .map(|change| {
            vec![
                cell(change, "failure"),
                cell(change, "old"),
                "->".to_owned(),
                cell(change, "new"),
                format!(
                    "{} of {}",
                    grouped(number(change, "count")),
                    grouped(number(change, "of"))
                ),
                cell(change, "example"),
            ]
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(
            &["FAILURE", "WAS", "", "WOULD BE", "HOW MANY", "FOR INSTANCE"],
            &rows,
        ));
    }
    for breach in list("breaches") {
        let count = grouped(number(breach, "count"));
        text.extend(["\nThe host would correct it ", &count, " times: it "]);
        text.push_str(&cell(breach, "breach"));
        text.push('\n');
    }
    if number(replay, "failures") > 0 {
        let count = grouped(number(replay, "failures"));
        text.extend(["\nIt does not answer ", &count, " times: "]);
        text.push_str(&cell(replay, "failure"));
        text.push('\n');
    }
    text.push_str(&fuel(replay));
    text.push_str(&day(replay));
    text
}

fn fuel(replay: &Value) -> String {
    let cost = |when: &str| {
        let fuel = replay.pointer(&format!("/fuel/{when}"));
        fuel.filter(|fuel| fuel.is_object()).map_or_else(
            || "not measured".to_owned(),
            |fuel| format!("{} (at most {})", cell(fuel, "mean"), cell(fuel, "max")),
        )
    };
    format!("\nFuel of an answer: {} -> {}\n", cost("old"), cost("new"))
}

fn day(replay: &Value) -> String {
    let Some(day) = replay.get("day").filter(|day| day.is_object()) else {
        return String::new();
    };
    let tally = |when: &str, key: &str| {
        day.pointer(&format!("/{when}/{key}"))
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    let row = |name: &str, key: &str| {
        vec![
            name.to_owned(),
            grouped(tally("old", key)),
            grouped(tally("new", key)),
        ]
    };
    let seconds = |name: &str, key: &str| {
        let time = |when| format!("{} s", grouped(tally(when, key).div_ceil(1_000)));
        vec![name.to_owned(), time("old"), time("new")]
    };
    let rows = [
        row("calls made, repeats included", "attempts"),
        row("repeats", "retries"),
        row("repeats in vain", "inVain"),
        seconds("time waited", "waitedMs"),
        row("calls lost", "lost"),
        row("calls saved by a repeat", "saved"),
        seconds("accounts parked", "parkedMs"),
    ];
    format!(
        "\nA day of {} failing calls in virtual time ({} from the journal, seed {}):\n{}",
        cell(day, "calls"),
        cell(day, "recorded"),
        cell(day, "seed"),
        table(&["", "NOW", "WITH THE CANDIDATE"], &rows)
    )
}

/// 9310 as people read it: `9,310`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{encoded, grouped, words};

    #[test]
    fn numbers_and_texts_for_people_and_for_queries() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(9_310), "9,310");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(encoded("a = \"ü\"\n"), "a%20%3D%20%22%C3%BC%22%0A");
    }

    #[test]
    fn a_replay_is_a_table() {
        let tally = |lost: u64| {
            json!({"attempts": 1200, "retries": 200, "inVain": 20, "waitedMs": 61_000,
                   "lost": lost, "saved": 180, "parkedMs": 0})
        };
        let text = words(&json!({
            "records": 9310, "changed": 214, "abstained": 5, "complete": true,
            "from": "2026-01-01T00:00:00.000Z", "to": "2026-01-02T00:00:00.000Z",
            "changes": [{"failure": "FLOOD_WAIT_x", "old": "retry after x", "new": "give up",
                         "count": 214, "of": 9310, "example": "00000000000000ff"}],
            "breaches": [{"breach": "repeats too early", "count": 3, "example": "0"}],
            "failures": 1, "failure": "trapped",
            "fuel": {"old": null, "new": {"mean": 10, "max": 20}},
            "day": {"seed": "1", "calls": 1000, "recorded": 0, "old": tally(820), "new": tally(1000)}
        }));
        for part in [
            "9,310 decisions from 2026-01-01T00:00:00.000Z",
            "FLOOD_WAIT_x  retry after x  ->  give up   214 of 9,310  00000000000000ff",
            "correct it 3 times: it repeats too early",
            "does not answer 1 times: trapped",
            "not measured -> 10 (at most 20)",
            "calls lost                    820    1,000",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}

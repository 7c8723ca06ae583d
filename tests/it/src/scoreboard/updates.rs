//! Updates: each exactly once and in order, whatever happens to them on their way.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_datacenter::{Bounds, DataCenter, NewChannel, PushFaults};
use sluice_harness::chaos::Seed;
use sluice_harness::scoreboard::{Row, count, report};
use sluice_harness::{Events, Harness};

/// What the data center adds to a channel's id, with a minus sign.
const CHANNEL: i64 = 1_000_000_000_000;

/// How often a reader may be cut; on a machine that is much too busy it does not keep up.
const MAX_CUTS: u32 = 5;

/// Two accounts of the gateway, and a supergroup they are both in.
struct Stage {
    gateway: Harness,
    people: People,
}

#[derive(Clone, Copy)]
struct People {
    reader: i64,
    writer: i64,
    group: i64,
}

impl People {
    /// Each third message is one of the group.
    fn send(self, datacenter: &DataCenter, number: u64) -> anyhow::Result<()> {
        let to = match number % 3 {
            0 => -CHANNEL - self.group,
            _ => self.reader,
        };
        datacenter.send_text(self.writer, to, &format!("number {number}"))?;
        Ok(())
    }
}

impl Stage {
    async fn set() -> anyhow::Result<Self> {
        let gateway = Harness::start().await?;
        let accounts = gateway.datacenter.accounts();
        let (reader, writer) = (accounts[0].id, accounts[1].id);
        let new = NewChannel {
            title: "All of us".to_owned(),
            with: vec![reader],
            ..NewChannel::default()
        };
        let group = gateway.datacenter.create_channel(writer, &new)?;
        let people = People {
            reader,
            writer,
            group,
        };
        Ok(Self { gateway, people })
    }

    fn send(&self, number: u64) -> anyhow::Result<()> {
        self.people.send(&self.gateway.datacenter, number)
    }

    /// Stops the gateway, sends these, and starts it again.
    async fn restart(self, missed: RangeInclusive<u64>) -> anyhow::Result<Self> {
        let people = self.people;
        let meanwhile = |datacenter: &DataCenter| {
            let mut missed = missed;
            missed.try_for_each(|number| people.send(datacenter, number))
        };
        let gateway = self.gateway.restart_after(meanwhile).await?;
        Ok(Self { gateway, people })
    }

    async fn events(&self, after: &str) -> anyhow::Result<Events> {
        let query = format!("types=update,gap&account=demo&after={after}");
        self.gateway.events(&query).await
    }
}

/// What a reader saw of the numbered messages.
#[derive(Default)]
struct Seen {
    times: BTreeMap<u64, u64>,
    /// The last number and pts, of the private chat and of the group.
    last: [(u64, i64); 2],
    disordered: u64,
    gaps: Vec<Value>,
    cursor: String,
}

impl Seen {
    fn note(&mut self, event: &Value) {
        if let Some(id) = event["id"].as_str() {
            assert!(*id > *self.cursor, "cursors grow");
            id.clone_into(&mut self.cursor);
        }
        if event["type"] == "gap" {
            return self.gaps.push(event.clone());
        }
        let update = &event["update"];
        let text = update["message"]["message"].as_str().unwrap_or_default();
        let number = text.strip_prefix("number ").and_then(|it| it.parse().ok());
        let Some(number) = number else {
            return;
        };
        *self.times.entry(number).or_default() += 1;
        let pts = update["pts"].as_i64().unwrap_or_default();
        let last = &mut self.last[usize::from(number.is_multiple_of(3))];
        if number <= last.0 || pts < last.1 {
            self.disordered += 1;
        }
        *last = (number, pts);
    }

    /// Reads up to this number. A reader that was cut because it did not keep up goes on after its
    /// cursor.
    async fn read_until(
        &mut self,
        stage: &Stage,
        events: &mut Events,
        last: u64,
    ) -> anyhow::Result<()> {
        let mut cuts = 0;
        // Of the last three one is of the group: then both sequences are at their ends.
        while (last - 2..=last).any(|number| !self.times.contains_key(&number)) {
            match events.next().await {
                Ok(event) => self.note(&event),
                Err(error) if cuts == MAX_CUTS => return Err(error),
                Err(_) => {
                    cuts += 1;
                    *events = stage.events(&self.cursor).await?;
                }
            }
        }
        Ok(())
    }

    /// Lost and doubled ones of the numbers.
    fn faults(&self, numbers: RangeInclusive<u64>) -> (usize, u64) {
        let lost = numbers
            .clone()
            .filter(|n| !self.times.contains_key(n))
            .count();
        let doubled = self.times.range(numbers).map(|(_, times)| times - 1).sum();
        (lost, doubled)
    }
}

/// Breaks when an update is lost, comes twice or out of its order.
#[tokio::test(flavor = "multi_thread")]
async fn each_update_once_and_in_order() -> anyhow::Result<()> {
    let n = count(10_000, 600);
    let seed = Seed::choose();
    let stage = Stage::set().await?;
    let mut events = stage.events("0").await?;
    let mut seen = Seen::default();

    stage.gateway.datacenter.fault_pushes(Some(PushFaults {
        account: Some(stage.people.reader),
        drop: 0.1,
        double: 0.1,
        reorder: 0.1,
        seed: seed.0,
    }));
    let lossy = async {
        for number in 1..=n {
            stage.send(number)?;
            // A few at a time, so that what is pushed is seen between them.
            if number.is_multiple_of(20) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        let counts = stage.gateway.datacenter.push_counts();
        stage.gateway.datacenter.fault_pushes(None);
        // Nobody misses the last one that is lost before another comes.
        for number in n + 1..=n + 3 {
            stage.send(number)?;
        }
        anyhow::Ok((Instant::now(), counts))
    };
    let (sent, read) = tokio::join!(lossy, seen.read_until(&stage, &mut events, n + 3));
    let (lossy_sent, counts) = sent?;
    read?;
    let lossy_took = lossy_sent.elapsed();
    assert!(counts.dropped > 0 && counts.doubled > 0 && counts.reordered > 0);

    let (first, last) = (n + 4, n + 3 + n.next_multiple_of(3));
    let burst = async {
        let began = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        for number in first..=last {
            if (number - first).is_multiple_of(n / 100) {
                tick.tick().await;
            }
            stage.send(number)?;
            tokio::task::yield_now().await;
        }
        anyhow::Ok((Instant::now(), began.elapsed()))
    };
    let (sent, read) = tokio::join!(burst, seen.read_until(&stage, &mut events, last));
    let (burst_sent, pushed_in) = sent?;
    read?;
    let burst_took = burst_sent.elapsed();

    let (lost, doubled) = seen.faults(1..=last);
    assert_eq!((lost, doubled, seen.disordered), (0, 0, 0), "of {last}");
    assert_eq!(seen.gaps, Vec::<Value>::new());
    let caught_up = lossy_took.max(burst_took);
    let figure = format!(
        "0 lost, 0 doubled, 0 out of order ({} dropped, {} doubled, {} overtaken on their way), \
         caught up in {:.1} s; burst of {} pushed in {:.1} s, caught up {:.1} s after",
        counts.dropped,
        counts.doubled,
        counts.reordered,
        lossy_took.as_secs_f64(),
        last - first + 1,
        pushed_in.as_secs_f64(),
        burst_took.as_secs_f64(),
    );
    report(&Row {
        part: "Telegram side",
        fault: "updates: 10% dropped, reordered, doubled, 10,000 of them; burst of 10,000 in 1 s",
        goal: "each exactly once per cursor, in pts order, caught up <= 5 s",
        figure: &figure,
        n: last,
        // A burst that took longer to push was none.
        met: caught_up <= Duration::from_secs(5) && pushed_in <= Duration::from_millis(1_500),
    });
    events.close().await?;
    stage.gateway.stop().await;
    Ok(())
}

/// Breaks when what was missed while the gateway was down is not fetched, comes twice, or when what
/// Telegram itself no longer gives is passed over in silence.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_over_a_restart_is_fetched_or_named() -> anyhow::Result<()> {
    let n = count(5_000, 300);
    let mut stage = Stage::set().await?;
    let mut seen = Seen::default();
    let mut events = stage.events("0").await?;
    for number in 1..=3 {
        stage.send(number)?;
    }
    seen.read_until(&stage, &mut events, 3).await?;
    drop(events);

    stage = stage.restart(4..=n).await?;
    let began = Instant::now();
    let mut events = stage.events(&seen.cursor).await?;
    seen.read_until(&stage, &mut events, n).await?;
    let took = began.elapsed();
    assert_eq!(seen.faults(1..=n), (0, 0));
    assert_eq!(seen.disordered, 0);
    assert_eq!(seen.gaps, Vec::<Value>::new());
    drop(events);

    // More than Telegram keeps.
    stage.gateway.datacenter.set_bounds(Bounds {
        common_events: 5,
        channel_events: 5,
        ..Bounds::default()
    });
    let before = seen.last;
    stage = stage.restart(n + 1..=n + 30).await?;
    let mut events = stage.events(&seen.cursor).await?;
    while seen.gaps.len() < 2 {
        seen.note(&events.next().await?);
    }
    for number in n + 31..=n + 33 {
        stage.send(number)?;
    }
    seen.read_until(&stage, &mut events, n + 33).await?;
    let (_, doubled) = seen.faults(1..=n + 33);
    assert_eq!((doubled, seen.disordered), (0, 0));
    for (index, reason) in ["difference_too_long", "channel_difference_too_long"]
        .into_iter()
        .enumerate()
    {
        let gap = seen.gaps.iter().find(|gap| gap["reason"] == reason);
        let gap = gap.unwrap_or_else(|| panic!("no {reason} in {:#?}", seen.gaps));
        assert_eq!(gap["fromPts"], before[index].1, "{gap}");
        assert!(gap["toPts"].as_i64() > Some(before[index].1), "{gap}");
        let channel = (index == 1).then(|| stage.people.group.to_string());
        assert_eq!(gap["channel"].as_str(), channel.as_deref());
    }
    report(&Row {
        part: "Telegram side",
        fault: "restart with updates missed in private chats and channels, and with more than Telegram keeps",
        goal: "each exactly once, in pts order; a gap event with its numbers for what is not kept",
        figure: &format!(
            "0 lost, 0 doubled, {} fetched in {:.1} s after the start; 2 of 2 gaps named",
            n - 3,
            took.as_secs_f64()
        ),
        n,
        met: true,
    });
    events.close().await?;
    stage.gateway.stop().await;
    Ok(())
}

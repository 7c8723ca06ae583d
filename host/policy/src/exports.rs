//! Measurements on their way out: every exporter is asked, what they want served is kept, what they
//! want sent is handed back.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_domain::{Batch, Delivery, Sample, SampleKind, Told};

use crate::golden::{self, check_path};
use crate::plugin::Plugin;
use crate::shadow::Question;
use crate::sidecar::Sidecar;
use crate::tally::Tally;
use crate::{Kind, Origin, Policies, Served};

/// What a target of the configuration takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// HTTP requests.
    Http,
    /// Datagrams.
    Datagram,
}

/// Something to be sent to a target that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Name of the target.
    pub target: String,
    /// Media type of an HTTP request; none for a datagram.
    pub content_type: Option<String>,
    /// The body or payload.
    pub body: Vec<u8>,
}

/// What is known between batches.
#[derive(Default)]
pub(crate) struct Exports {
    targets: Mutex<BTreeMap<String, Carrier>>,
    last: Mutex<Option<Last>>,
    /// By generation; what is gone is forgotten with the next batch.
    reaches: Mutex<HashMap<u64, Arc<Reach>>>,
}

/// The batch before.
struct Last {
    at_ms: u64,
    samples: Vec<Sample>,
}

/// Where an exporter's deliveries go.
struct Reach {
    serves: bool,
    targets: BTreeSet<String>,
}

impl Policies {
    /// Takes over the targets of the configuration, by name.
    pub fn set_targets(&self, targets: BTreeMap<String, Carrier>) {
        *self.exports.targets.lock() = targets;
    }

    /// Hands a batch, with what plugins did beside, to every exporter, keeps what they want served
    /// and gives back what they want sent to targets that the configuration names. Takes as long as
    /// the exporters do, bounded by their deadline each: not for a thread that serves calls.
    pub fn export(&self, batch: &Batch) -> Vec<Outgoing> {
        let targets = self.exports.targets.lock().clone();
        let batch = self.with_told(batch, &targets);
        let mut outgoing = Vec::new();
        let served = self.gather(
            &batch,
            |plugin| !self.dormant(plugin, &targets),
            |delivery| address(delivery, &targets).map(|sent| outgoing.push(sent)),
        );
        let served = Arc::new(served);
        self.served.store(Arc::clone(&served));
        self.cast(Kind::Export, || Question::Batch {
            batch: batch.clone(),
            served,
        });
        let table = self.table.load();
        let alive: BTreeSet<u64> = table
            .export
            .iter()
            .map(|plugin| plugin.generation)
            .collect();
        self.exports
            .reaches
            .lock()
            .retain(|generation, _| alive.contains(generation));
        *self.exports.last.lock() = Some(Last {
            at_ms: batch.at_ms,
            samples: batch.samples,
        });
        outgoing
    }

    /// Hands a batch to the exporters that serve something, for a reader who asks between two
    /// batches. Nothing is sent.
    pub fn scrape(&self, batch: &Batch) {
        let targets = self.exports.targets.lock().clone();
        let batch = self.with_told(batch, &targets);
        let mut served = self.gather(&batch, |plugin| self.reach(plugin).serves, |_| Ok(()));
        // What others serve stays as the newest batch left it.
        for (path, text) in self.served.load().iter() {
            served
                .entry(path.clone())
                .or_insert_with(|| Arc::clone(text));
        }
        self.served.store(Arc::new(served));
    }

    /// Puts a batch to the exporters that are wanted: what they want served, the native library's
    /// where none serves the scrape, for no plugin can be the reason that nothing is to be scraped.
    /// Other deliveries are handed on.
    fn gather(
        &self,
        batch: &Batch,
        wanted: impl Fn(&Plugin) -> bool,
        mut send: impl FnMut(Delivery) -> Result<(), String>,
    ) -> HashMap<String, Arc<Served>> {
        let mut served = HashMap::new();
        let mut take = |tally: &Tally, deliveries: Vec<Delivery>| {
            for delivery in deliveries {
                let taken = match delivery {
                    Delivery::Serve {
                        path,
                        content_type,
                        body,
                    } => serve(path, content_type, body, &mut served),
                    other => send(other),
                };
                self.note(tally, taken.err().as_deref());
            }
            served.contains_key(sluice_standard_prometheus::PATH)
        };
        let mut scraped = false;
        for plugin in &self.table.load().export {
            if wanted(plugin)
                && plugin.asked(None, || self.clock.monotonic())
                && let Ok(deliveries) = self.put(plugin, || plugin.body.export(batch))
            {
                scraped = take(&plugin.tally, deliveries);
            }
        }
        if !scraped {
            self.native.export.called();
            take(
                &self.native.export,
                sluice_standard_prometheus::export(batch),
            );
        }
        served
    }

    /// What exporters serve at a path of the admin listener since the newest batch.
    pub fn served(&self, path: &str) -> Option<Arc<Served>> {
        self.served.load().get(path).cloned()
    }

    /// The batch with what plugins did, and what exporters may know beyond the samples.
    fn with_told(&self, batch: &Batch, targets: &BTreeMap<String, Carrier>) -> Batch {
        let mut batch = self.with_figures(batch);
        let last = self.exports.last.lock();
        let before = last.as_ref().map_or(&[][..], |last| &last.samples);
        let told = Told {
            started_ms: self.opened.0,
            since_ms: last.as_ref().map_or(self.opened.0, |last| last.at_ms),
            increases: increases(before, &batch.samples),
            targets: Some(targets.keys().cloned().collect()),
        };
        batch.tell(&told);
        batch
    }

    /// Whether a shipped exporter has nowhere to send to and its operator said nothing of it: then it
    /// is not asked, and shown as off. With a target of its name in the configuration it is live.
    pub(crate) fn idle(&self, plugin: &Plugin) -> bool {
        let targets = self.exports.targets.lock().clone();
        self.dormant(plugin, &targets)
    }

    fn dormant(&self, plugin: &Plugin, targets: &BTreeMap<String, Carrier>) -> bool {
        if plugin.body.kind() != Kind::Export
            || plugin.origin != Origin::Bundled
            || plugin.sidecar != Sidecar::default()
        {
            return false;
        }
        let reach = self.reach(plugin);
        !reach.serves && !reach.targets.iter().any(|name| targets.contains_key(name))
    }

    /// Where this generation's deliveries go: it shows that by a batch made up for the purpose.
    fn reach(&self, plugin: &Plugin) -> Arc<Reach> {
        let mut reaches = self.exports.reaches.lock();
        let found = reaches.entry(plugin.generation).or_insert_with(|| {
            let mut reach = Reach {
                serves: false,
                targets: BTreeSet::new(),
            };
            match plugin.body.export(&golden::batch()) {
                Ok((deliveries, _)) => {
                    for delivery in deliveries {
                        match delivery {
                            Delivery::Serve { .. } => reach.serves = true,
                            Delivery::Http { target, .. } | Delivery::Datagram { target, .. } => {
                                reach.targets.insert(target);
                            }
                        }
                    }
                }
                // It is asked, and what is wrong with it is seen then.
                Err(_) => reach.serves = true,
            }
            Arc::new(reach)
        });
        Arc::clone(found)
    }
}

/// How much each sample rose since the batch before; both are sorted by name and labels.
fn increases(before: &[Sample], now: &[Sample]) -> Vec<f64> {
    let mut before = before.iter().peekable();
    now.iter()
        .map(|sample| {
            while before
                .next_if(|old| order(old, sample) == Ordering::Less)
                .is_some()
            {}
            let old = before.next_if(|old| order(old, sample) == Ordering::Equal);
            let rises = match sample.kind {
                SampleKind::Counter => true,
                SampleKind::Gauge => false,
                SampleKind::Summary => {
                    sample.name.ends_with("_sum") || sample.name.ends_with("_count")
                }
            };
            if !rises {
                return 0.0;
            }
            // One that began anew counts from zero.
            let old = old.map_or(0.0, |old| old.value);
            if sample.value >= old {
                sample.value - old
            } else {
                sample.value
            }
        })
        .collect()
}

fn order(a: &Sample, b: &Sample) -> Ordering {
    (&a.name, &a.labels).cmp(&(&b.name, &b.labels))
}

/// Keeps what is to be served; the exporter that is asked first keeps a path.
fn serve(
    path: String,
    content_type: String,
    body: String,
    served: &mut HashMap<String, Arc<Served>>,
) -> Result<(), String> {
    check_path(&path)?;
    if !is_header(&content_type) {
        return Err(format!("serves {path} with a media type that is no header"));
    }
    if served.contains_key(&path) {
        return Err(format!("serves {path}, which another exporter serves"));
    }
    let body = body.into();
    served.insert(path, Arc::new(Served { content_type, body }));
    Ok(())
}

/// What is to be sent, if the configuration has such a target.
fn address(delivery: Delivery, targets: &BTreeMap<String, Carrier>) -> Result<Outgoing, String> {
    let (target, content_type, body) = match delivery {
        Delivery::Http {
            target,
            content_type,
            body,
        } => (target, Some(content_type), body),
        Delivery::Datagram { target, payload } => (target, None, payload),
        Delivery::Serve { .. } => return Err("serves".into()),
    };
    let shown: String = target.chars().take(64).collect();
    match (targets.get(&target), &content_type) {
        (None, _) => Err(format!(
            "sends to {shown:?}, which the configuration does not name ([export.targets.{shown}])"
        )),
        (Some(Carrier::Http), None) => Err(format!(
            "sends a datagram to {shown:?}, which is a target for HTTP"
        )),
        (Some(Carrier::Datagram), Some(_)) => Err(format!(
            "sends HTTP to {shown:?}, which is a target for datagrams"
        )),
        (Some(Carrier::Http), Some(kind)) if !is_header(kind) => Err(format!(
            "sends to {shown:?} with a media type that is no header"
        )),
        _ => Ok(Outgoing {
            target,
            content_type,
            body,
        }),
    }
}

fn is_header(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn increases_are_told_by_name_and_labels() {
        let sample = |name: &str, label: &str, kind, value| Sample {
            name: name.into(),
            help: String::new(),
            kind,
            labels: vec![("l".into(), label.into())],
            value,
        };
        let counter = SampleKind::Counter;
        let before = [
            sample("a", "1", counter, 5.0),
            sample("b", "1", counter, 5.0),
            sample("b", "3", counter, 9.0),
            sample("t_count", "", SampleKind::Summary, 2.0),
        ];
        let now = [
            sample("a", "0", counter, 1.0),
            sample("b", "1", counter, 7.5),
            sample("b", "2", counter, 3.0),
            sample("b", "3", counter, 4.0),
            sample("g", "", SampleKind::Gauge, 4.0),
            sample("t", "", SampleKind::Summary, 4.0),
            sample("t_count", "", SampleKind::Summary, 3.0),
        ];
        assert_eq!(
            increases(&before, &now),
            [1.0, 2.5, 3.0, 4.0, 0.0, 0.0, 1.0]
        );
        assert_eq!(increases(&[], &now[..2]), [1.0, 7.5]);
    }
}

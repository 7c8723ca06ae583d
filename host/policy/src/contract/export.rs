use sluice_domain::{Batch, Delivery, Happening, Sample, SampleKind};

use crate::contract::Exports;
use crate::runtime::{Host, Moment, Reply, Runner};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/core", "../../wit/host", "../../wit/export"],
        world: "sluice:%export/export-policy@1.0.0",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(super) use bindings::ExportPolicyPre;
use bindings::exports::sluice::export::policy as wit;

/// The labels of a batch, borrowed: the contract's lists of pairs of texts.
fn labels(batch: &Batch) -> Vec<Vec<(&str, &str)>> {
    batch
        .samples
        .iter()
        .map(|sample| pairs(&sample.labels))
        .collect()
}

/// The samples of a batch, borrowed, with their [`labels`].
fn samples<'a>(batch: &'a Batch, labels: &'a [Vec<(&'a str, &'a str)>]) -> Vec<wit::Sample<'a>> {
    let record = |(sample, labels): (&'a Sample, &'a Vec<(&'a str, &'a str)>)| {
        let Sample {
            name,
            help,
            kind,
            labels: _,
            value,
        } = sample;
        wit::Sample {
            name,
            help,
            kind: match kind {
                SampleKind::Counter => 0,
                SampleKind::Gauge => 1,
                SampleKind::Summary => 2,
            },
            labels,
            value: *value,
        }
    };
    batch.samples.iter().zip(labels).map(record).collect()
}

/// The attributes of a batch's events, borrowed.
fn attributes(batch: &Batch) -> Vec<Vec<(&str, &str)>> {
    batch
        .events
        .iter()
        .map(|event| pairs(&event.attributes))
        .collect()
}

/// The events of a batch, borrowed, with their [`attributes`].
fn events<'a>(batch: &'a Batch, attributes: &'a [Vec<(&'a str, &'a str)>]) -> Vec<wit::Event<'a>> {
    let record = |(event, attributes): (&'a Happening, &'a Vec<(&'a str, &'a str)>)| {
        let Happening {
            at_ms,
            name,
            account,
            severity,
            attributes: _,
        } = event;
        wit::Event {
            at_ms: *at_ms,
            name,
            account: account.as_deref(),
            severity: severity.code(),
            attributes,
        }
    };
    batch.events.iter().zip(attributes).map(record).collect()
}

fn pairs(owned: &[(String, String)]) -> Vec<(&str, &str)> {
    owned
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The argument of `export`.
fn question<'a>(
    batch: &Batch,
    samples: &'a [wit::Sample<'a>],
    events: &'a [wit::Event<'a>],
    extensions: &'a [(&'a str, &'a str)],
) -> wit::Batch<'a> {
    let Batch {
        at_ms,
        samples: _,
        events: _,
        extensions: _,
    } = batch;
    wit::Batch {
        at_ms: *at_ms,
        samples,
        events,
        extensions,
    }
}

/// The answer of `export`, without deliveries of a later contract.
fn answer(deliveries: Vec<wit::Delivery>) -> Vec<Delivery> {
    deliveries
        .into_iter()
        .filter_map(|delivery| match delivery {
            wit::Delivery::Serve(wit::Serve {
                path,
                content_type,
                body,
            }) => Some(Delivery::Serve {
                path,
                content_type,
                body,
            }),
            wit::Delivery::Http(wit::Http {
                target,
                content_type,
                body,
            }) => Some(Delivery::Http {
                target,
                content_type,
                body,
            }),
            wit::Delivery::Datagram(wit::Datagram { target, payload }) => {
                Some(Delivery::Datagram { target, payload })
            }
            wit::Delivery::Other(wit::Later {
                code: _,
                extensions: _,
            }) => None,
        })
        .collect()
}

super::contract!(
    ExportPolicyPre,
    bindings::ExportPolicy,
    sluice_export_policy
);

impl Exports for Runner<ExportPolicyPre<Host>> {
    fn export(&self, batch: &Batch, moment: Moment) -> Reply<Vec<Delivery>> {
        let labels = labels(batch);
        let samples = samples(batch, &labels);
        let attributes = attributes(batch);
        let events = events(batch, &attributes);
        let extensions = pairs(&batch.extensions);
        let question = question(batch, &samples, &events, &extensions);
        self.ask(moment, |exports, store| {
            exports.sluice_export_policy().call_export(store, question)
        })
        .map(|(deliveries, spent)| (answer(deliveries), spent))
    }
}

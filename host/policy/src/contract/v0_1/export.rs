use sluice_domain::{Batch, Delivery, Sample, SampleKind};

use crate::contract::Exports;
use crate::runtime::{Host, Moment, Reply, Runner};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/frozen/0.1.0/core", "../../wit/frozen/0.1.0/host", "../../wit/frozen/0.1.0/export"],
        world: "sluice:%export/export-policy@0.1.0",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(in crate::contract) use bindings::ExportPolicyPre;
use bindings::exports::sluice::export::policy as wit;

/// The labels of a batch, borrowed: the contract's lists of pairs of texts.
fn labels(batch: &Batch) -> Vec<Vec<(&str, &str)>> {
    batch
        .samples
        .iter()
        .map(|sample| {
            sample
                .labels
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect()
        })
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

/// The argument of `export`.
fn question<'a>(batch: &Batch, samples: &'a [wit::Sample<'a>]) -> wit::Batch<'a> {
    // That release has no events, and no extensions that it would know.
    let Batch {
        at_ms,
        samples: _,
        events: _,
        extensions: _,
    } = batch;
    wit::Batch {
        at_ms: *at_ms,
        samples,
        extensions: &[],
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

super::super::contract!(
    ExportPolicyPre,
    bindings::ExportPolicy,
    sluice_export_policy
);

impl Exports for Runner<ExportPolicyPre<Host>> {
    fn export(&self, batch: &Batch, moment: Moment) -> Reply<Vec<Delivery>> {
        let labels = labels(batch);
        let samples = samples(batch, &labels);
        let question = question(batch, &samples);
        self.ask(moment, |exports, store| {
            exports.sluice_export_policy().call_export(store, question)
        })
        .map(|(deliveries, spent)| (answer(deliveries), spent))
    }
}

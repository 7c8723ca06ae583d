use crate::export::{Batch, Delivery, Event, Sample};
use crate::{SampleKind, Severity};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/core", "../../wit/host", "../../wit/export"],
        world: "sluice:%export/export-policy@1.0.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_export",
    });
}

pub use bindings::exports::sluice::export::policy as wit;

/// The question.
pub fn read(from: wit::Batch) -> Batch {
    Batch {
        at_ms: from.at_ms,
        samples: from.samples.into_iter().map(sample).collect(),
        events: from.events.into_iter().map(event).collect(),
        extensions: from.extensions,
    }
}

fn sample(from: wit::Sample) -> Sample {
    Sample {
        name: from.name,
        help: from.help,
        kind: SampleKind::from_code(from.kind),
        labels: from.labels,
        value: from.value,
    }
}

fn event(from: wit::Event) -> Event {
    Event {
        at_ms: from.at_ms,
        name: from.name,
        account: from.account,
        severity: Severity::from_code(from.severity),
        attributes: from.attributes,
    }
}

/// The answer.
pub fn answer(deliveries: Vec<Delivery>) -> Vec<wit::Delivery> {
    let delivery = |delivery| match delivery {
        Delivery::Serve {
            path,
            content_type,
            body,
        } => wit::Delivery::Serve(wit::Serve {
            path,
            content_type,
            body,
        }),
        Delivery::Http {
            target,
            content_type,
            body,
        } => wit::Delivery::Http(wit::Http {
            target,
            content_type,
            body,
        }),
        Delivery::Datagram { target, payload } => {
            wit::Delivery::Datagram(wit::Datagram { target, payload })
        }
    };
    deliveries.into_iter().map(delivery).collect()
}

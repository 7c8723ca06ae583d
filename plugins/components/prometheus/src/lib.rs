//! The shipped exporter as a component: a thin wrapper over `sluice-standard-prometheus`.

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/export"],
    world: "sluice:%export/export-policy@1.0.0",
    generate_all,
});

use exports::sluice::export::policy as wit;
use sluice_domain as domain;

struct Component;

impl wit::Guest for Component {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        match settings.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("unknown setting {name}: this policy has none")),
        }
    }

    fn export(batch: wit::Batch) -> Vec<wit::Delivery> {
        let batch = domain::Batch {
            at_ms: batch.at_ms,
            samples: batch.samples.into_iter().map(sample).collect(),
            // Prometheus has no use for events.
            events: Vec::new(),
        };
        sluice_standard_prometheus::export(&batch)
            .into_iter()
            .map(delivery)
            .collect()
    }
}

fn sample(from: wit::Sample) -> domain::Sample {
    domain::Sample {
        name: from.name,
        help: from.help,
        kind: match from.kind {
            0 => domain::SampleKind::Counter,
            2 => domain::SampleKind::Summary,
            // What is not known is shown as it stands.
            _ => domain::SampleKind::Gauge,
        },
        labels: from.labels,
        value: from.value,
    }
}

fn delivery(from: domain::Delivery) -> wit::Delivery {
    match from {
        domain::Delivery::Serve {
            path,
            content_type,
            body,
        } => wit::Delivery::Serve(wit::Serve {
            path,
            content_type,
            body,
        }),
        domain::Delivery::Http {
            target,
            content_type,
            body,
        } => wit::Delivery::Http(wit::Http {
            target,
            content_type,
            body,
        }),
        domain::Delivery::Datagram { target, payload } => {
            wit::Delivery::Datagram(wit::Datagram { target, payload })
        }
    }
}

export!(Component);

//! Between the contract's records and the libraries'. Every shipped exporter includes this file,
//! because the generated types of each component are its own.

use sluice_domain as domain;

use crate::exports::sluice::export::policy as wit;

pub(crate) fn batch(from: wit::Batch) -> domain::Batch {
    domain::Batch {
        at_ms: from.at_ms,
        samples: from.samples.into_iter().map(sample).collect(),
        events: from.events.into_iter().map(event).collect(),
        extensions: from.extensions,
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

fn event(from: wit::Event) -> domain::Happening {
    let severity = usize::try_from(from.severity).ok();
    let severity = severity.and_then(|code| domain::Severity::ALL.get(code).copied());
    domain::Happening {
        at_ms: from.at_ms,
        name: from.name,
        account: from.account,
        severity: severity.unwrap_or(domain::Severity::Info),
        attributes: from.attributes,
    }
}

pub(crate) fn deliveries(from: Vec<domain::Delivery>) -> Vec<wit::Delivery> {
    from.into_iter().map(delivery).collect()
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

/// An exporter with settings of this type, which are those of an instance.
#[allow(unused_macros, reason = "one of the exporters has no settings")]
macro_rules! with_settings {
    ($settings:ty) => {
        /// None when it was not configured.
        static SETTINGS: std::sync::OnceLock<$settings> = std::sync::OnceLock::new();

        struct Component;

        impl exports::sluice::export::policy::Guest for Component {
            fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
                let pairs = settings
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                let settings = <$settings>::read(pairs)?;
                // Once for each instance, says the contract.
                SETTINGS
                    .set(settings)
                    .map_err(|_| "was configured before".to_owned())
            }

            fn export(
                batch: exports::sluice::export::policy::Batch,
            ) -> Vec<exports::sluice::export::policy::Delivery> {
                let batch = convert::batch(batch);
                let settings = SETTINGS.get_or_init(<$settings>::default);
                convert::deliveries(settings.export(&batch))
            }
        }
    };
}
#[allow(unused_imports, reason = "as above")]
pub(crate) use with_settings;

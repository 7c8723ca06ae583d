//! The shipped exporter as a component: a thin wrapper over `sluice-standard-prometheus`.

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/export"],
    world: "sluice:%export/export-policy@1.0.0",
    generate_all,
});

#[path = "../../export.rs"]
mod convert;

use exports::sluice::export::policy as wit;

struct Component;

impl wit::Guest for Component {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        match settings.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("unknown setting {name}: this policy has none")),
        }
    }

    fn export(batch: wit::Batch) -> Vec<wit::Delivery> {
        let batch = convert::batch(batch);
        convert::deliveries(sluice_standard_prometheus::export(&batch))
    }
}

export!(Component);

//! The shipped exporter as a component: a thin wrapper over `sluice-standard-statsd`.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/export"],
    world: "sluice:%export/export-policy@1.0.0",
    generate_all,
});

#[path = "../../prometheus/src/convert.rs"]
mod convert;

use std::sync::OnceLock;

use exports::sluice::export::policy as wit;
use sluice_standard_statsd::Settings;

/// Of this instance; none when it was not configured.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

struct Component;

impl wit::Guest for Component {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        let pairs = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = Settings::read(pairs)?;
        // Once for each instance, says the contract.
        SETTINGS
            .set(settings)
            .map_err(|_| "was configured before".to_owned())
    }

    fn export(batch: wit::Batch) -> Vec<wit::Delivery> {
        let batch = convert::batch(batch);
        let settings = SETTINGS.get_or_init(Settings::default);
        convert::deliveries(settings.export(&batch))
    }
}

// Elsewhere the names of the exports are none that a linker takes.
#[cfg(target_arch = "wasm32")]
export!(Component);

//! The shipped exporter as a component: a thin wrapper over `sluice-standard-otlp`.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/export"],
    world: "sluice:%export/export-policy@1.0.0",
    generate_all,
});

#[path = "../../export.rs"]
mod convert;

convert::with_settings!(sluice_standard_otlp::Settings);

// Elsewhere the names of the exports are none that a linker takes.
#[cfg(target_arch = "wasm32")]
export!(Component);

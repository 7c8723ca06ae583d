//! From bytes to a plugin that may serve, or the reason why not. Runs off the path of calls.

use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use crate::contract;
use crate::contract::{Body, Spoken};
use crate::golden;
use crate::runtime::{Cost, Prepared, Reuse, Runtime, check_declared};
use crate::sidecar::Sidecar;
use crate::{Kind, Limits};

/// Texts and lists a decision or verdict may carry, in bytes.
const SMALL_ANSWER: usize = 64 << 10;
/// Times the deadline that a golden case may take. Of hundreds in a row on a busy machine one will
/// be scheduled away for a while, and that must not refuse a sound plugin; an endless loop is
/// endless all the same.
const REHEARSAL: u32 = 20;
/// Texts and lists an export may carry, in bytes.
const LARGE_ANSWER: usize = 16 << 20;

/// Admits a component: validates, compiles, finds out what it is, checks what it declares, hands it
/// its settings and puts the golden cases to it. The error is for the operator.
pub(crate) fn admit(
    runtime: &Arc<Runtime>,
    name: &str,
    bytes: &[u8],
    sidecar: &Sidecar,
    limits: &Limits,
) -> Result<Body, String> {
    check_form(bytes)?;
    let component = Component::from_binary(runtime.engine(), bytes)
        .map_err(|error| format!("does not compile: {}", error.root_cause()))?;
    let ty = component.component_type();
    let spoken = contract::spoken(ty.exports(runtime.engine()).map(|(name, _)| name))?;
    contract::check_imports(ty.imports(runtime.engine()).map(|(name, _)| name))?;
    check_declared(&component, limits)?;
    let pre = runtime.prepare(&component).map_err(|error| {
        format!(
            "imports what the gateway does not give in that shape: {}",
            error.root_cause()
        )
    })?;
    let time = sidecar.time(match spoken.kind {
        Kind::Retry | Kind::Categorize => limits.decision_deadline,
        Kind::Export => limits.export_deadline,
    });
    let answer = match spoken.kind {
        Kind::Retry | Kind::Categorize => SMALL_ANSWER,
        Kind::Export => LARGE_ANSWER,
    };
    let prepare = |time| {
        Arc::new(Prepared {
            runtime: runtime.clone(),
            plugin: name.into(),
            pre: pre.clone(),
            settings: sidecar.settings.clone(),
            cost: Cost {
                memory: sidecar.memory(limits),
                time,
                answer,
            },
        })
    };
    // Hundreds of questions: one instance answers them all, so that a new file serves soon.
    let rehearsal = Reuse {
        max_calls: u32::MAX,
    };
    let rehearsed = body(spoken, &prepare(time * REHEARSAL), Some(rehearsal))?;
    golden::check(&rehearsed, limits)?;
    body(spoken, &prepare(time), sidecar.reuse)
}

fn body(spoken: Spoken, prepared: &Arc<Prepared>, reuse: Option<Reuse>) -> Result<Body, String> {
    Body::new(spoken, prepared, reuse)
        .map_err(|error| format!("does not fit its contract: {}", error.root_cause()))
}

/// Says plainly what is wrong with files that people really drop in.
fn check_form(bytes: &[u8]) -> Result<(), String> {
    if Engine::detect_precompiled(bytes) == Some(Precompiled::Component)
        || Engine::detect_precompiled(bytes) == Some(Precompiled::Module)
    {
        return Err(
            "is compiled code, which is never accepted: give the component it was made from".into(),
        );
    }
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(b"\0asm"), Some([0x0d, 0, 1, 0])) => Ok(()),
        (Some(b"\0asm"), Some([1, 0, 0, 0])) => Err(
            "is a core module, not a component: wrap it, for instance with `componentize`".into(),
        ),
        (Some(b"\0asm"), _) => Err("is WebAssembly of an unknown version, or cut short".into()),
        (Some(b"PK\x03\x04"), _) => Err("is a zip archive, not a component".into()),
        _ => Err("is not WebAssembly".into()),
    }
}

//! From bytes to a plugin that may serve, or the reason why not. Runs off the path of calls.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, Precompiled};

use crate::contract::{self, Body, Spoken};
use crate::golden;
use crate::runtime::{Cost, Host, Meter, Prepared, Reuse, Runtime, Use, check_declared};
use crate::sidecar::Sidecar;
use crate::{Kind, Limits};

/// Texts and lists a decision or verdict may carry, in bytes.
const SMALL_ANSWER: usize = 64 << 10;
/// Texts and lists an export may carry, in bytes.
const LARGE_ANSWER: usize = 16 << 20;
/// Fuel for a verdict or decision. A Rust policy takes some thousand units and a JavaScript or
/// Python one up to a million; this much runs for some hundredths of a second.
const SMALL_FUEL: u64 = 20_000_000;
/// Fuel for an export: hundreds of samples at a time.
const LARGE_FUEL: u64 = 2_000_000_000;
/// Times the deadline that the first question to the engine that serves may take. On a busy machine
/// it may be scheduled away for a while, and that must not refuse a sound plugin.
const REHEARSAL: u32 = 20;
/// One instance answers all golden cases, so that a new file serves soon.
const ALL_CASES: Reuse = Reuse {
    calls: u32::MAX,
    memory: usize::MAX,
    age: Duration::MAX,
};

/// A file that is to be admitted: where, as what, and under which bounds.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    pub runtime: &'a Arc<Runtime>,
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub sidecar: &'a Sidecar,
    pub limits: &'a Limits,
}

/// A component that was let in: as it serves, and where its fuel is counted.
pub(crate) struct Admitted {
    pub serving: Body,
    pub metered: Body,
}

impl File<'_> {
    /// Admits a component: validates, compiles, finds out what it is, checks what it declares, hands
    /// it its settings and puts the golden cases to it. The error is for the operator.
    pub(crate) fn admit(self) -> Result<Admitted, String> {
        let metered = self.examine(Use::Metered)?;
        metered.rehearse()?;
        let serving = self.examine(Use::Serving)?;
        golden::first(&serving.slowly()?)?;
        Ok(Admitted {
            serving: serving.body(self.sidecar.reuse)?,
            metered: metered.body(None)?,
        })
    }

    /// Everything that can be said without asking it anything.
    pub(crate) fn examine(self, which: Use) -> Result<Examined, String> {
        check_form(self.bytes)?;
        let engine = self.runtime.engine(which);
        let component = Component::from_binary(engine, self.bytes)
            .map_err(|error| format!("does not compile: {}", error.root_cause()))?;
        let ty = component.component_type();
        let spoken = contract::spoken(ty.exports(engine).map(|(name, _)| name))?;
        contract::check_imports(ty.imports(engine).map(|(name, _)| name))?;
        check_declared(&component, self.limits)?;
        let pre = self.runtime.prepare(which, &component).map_err(|error| {
            format!(
                "imports what the gateway does not give in that shape: {}",
                error.root_cause()
            )
        })?;
        Ok(Examined {
            runtime: self.runtime.clone(),
            name: self.name.into(),
            sidecar: self.sidecar.clone(),
            limits: self.limits.clone(),
            which,
            spoken,
            pre,
        })
    }
}

/// A component that may be asked.
pub(crate) struct Examined {
    pub runtime: Arc<Runtime>,
    pub name: Arc<str>,
    pub sidecar: Sidecar,
    pub limits: Limits,
    which: Use,
    pub spoken: Spoken,
    pre: InstancePre<Host>,
}

impl Examined {
    /// Puts the golden cases to it.
    pub(crate) fn rehearse(&self) -> Result<(), String> {
        golden::check(&self.body(Some(ALL_CASES))?, &self.limits)
    }

    /// The component as it serves, or as it is metered.
    pub(crate) fn body(&self, reuse: Option<Reuse>) -> Result<Body, String> {
        let meter = match self.which {
            Use::Serving => Meter::Time(self.time()),
            Use::Metered => Meter::Fuel(match self.spoken.kind {
                Kind::Retry | Kind::Categorize => SMALL_FUEL,
                Kind::Export => LARGE_FUEL,
            }),
        };
        self.make(meter, reuse)
    }

    fn slowly(&self) -> Result<Body, String> {
        self.make(Meter::Time(self.time() * REHEARSAL), None)
    }

    fn time(&self) -> Duration {
        self.sidecar.time(match self.spoken.kind {
            Kind::Retry | Kind::Categorize => self.limits.decision_deadline,
            Kind::Export => self.limits.export_deadline,
        })
    }

    fn make(&self, meter: Meter, reuse: Option<Reuse>) -> Result<Body, String> {
        let prepared = Arc::new(Prepared {
            runtime: self.runtime.clone(),
            plugin: self.name.clone(),
            pre: self.pre.clone(),
            settings: self.sidecar.settings.clone(),
            cost: Cost {
                memory: self.sidecar.memory(&self.limits),
                meter,
                answer: match self.spoken.kind {
                    Kind::Retry | Kind::Categorize => SMALL_ANSWER,
                    Kind::Export => LARGE_ANSWER,
                },
            },
        });
        Body::new(self.spoken, &prepared, reuse)
            .map_err(|error| format!("does not fit its contract: {}", error.root_cause()))
    }
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
            "is a core module, not a component: build it with `sluice plugin build FOLDER`".into(),
        ),
        (Some(b"\0asm"), _) => Err("is WebAssembly of an unknown version, or cut short".into()),
        (Some(b"PK\x03\x04"), _) => Err("is a zip archive, not a component".into()),
        _ => Err("is not WebAssembly".into()),
    }
}

//! A closed WASI 0.2, for languages whose components import it whether a policy needs it or not.
//!
//! Nothing here reaches the system. The environment, the arguments and the directories are empty,
//! input is at its end, and output goes into the plugin's log. Clocks stand at the moment of the
//! question and chance is drawn from its entropy, so that a decision can be repeated bit for bit.
//! Every other function of WASI 0.2 (files, sockets, HTTP) traps when it is called.

mod io;

use wasmtime::component::{Component, ComponentType, Linker, LinkerInstance, Lower, Resource};
use wasmtime::{StoreContextMut, bail};

use super::Host;

/// Random bytes a guest may ask for at once: languages seed their hash maps with some dozens.
const MAX_RANDOM: u64 = 64 << 10;

type Ctx<'a> = StoreContextMut<'a, Host>;

/// Whether an import is for [`link`].
pub(crate) fn is_closed(import: &str) -> bool {
    import.strip_prefix("wasi:").is_some_and(|rest| {
        rest.split_once('@')
            .is_some_and(|(_, version)| version.starts_with("0.2."))
    })
}

/// Gives a component the interfaces of WASI 0.2 that it imports.
pub(super) fn link(linker: &mut Linker<Host>, component: &Component) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    let ty = component.component_type();
    let mut imported = false;
    for (name, _) in ty.imports(&engine).filter(|(name, _)| is_closed(name)) {
        imported = true;
        // In the version that the component names: whatever of it is not defined here becomes a
        // trap below.
        let mut instance = linker.instance(name)?;
        let interface = name
            .split_once('@')
            .map_or(name, |(interface, _)| interface);
        match interface {
            "wasi:cli/environment" => environment(&mut instance)?,
            "wasi:cli/exit" => exit(&mut instance)?,
            "wasi:cli/stdin" => io::get(&mut instance, "get-stdin", io::STDIN)?,
            "wasi:cli/stdout" => io::get(&mut instance, "get-stdout", io::STDOUT)?,
            "wasi:cli/stderr" => io::get(&mut instance, "get-stderr", io::STDERR)?,
            "wasi:cli/terminal-stdin" => terminal(&mut instance, "get-terminal-stdin")?,
            "wasi:cli/terminal-stdout" => terminal(&mut instance, "get-terminal-stdout")?,
            "wasi:cli/terminal-stderr" => terminal(&mut instance, "get-terminal-stderr")?,
            "wasi:clocks/monotonic-clock" => monotonic_clock(&mut instance)?,
            "wasi:clocks/wall-clock" => wall_clock(&mut instance)?,
            "wasi:filesystem/preopens" => {
                instance.func_wrap("get-directories", |_: Ctx<'_>, (): ()| {
                    Ok((Vec::<(Resource<()>, String)>::new(),))
                })?;
            }
            "wasi:io/poll" => io::poll(&mut instance)?,
            "wasi:io/streams" => io::streams(&mut instance)?,
            "wasi:random/random" => random(&mut instance, "get-random-bytes", "get-random-u64")?,
            "wasi:random/insecure" => random(
                &mut instance,
                "get-insecure-random-bytes",
                "get-insecure-random-u64",
            )?,
            "wasi:random/insecure-seed" => {
                instance.func_wrap("insecure-seed", |mut store: Ctx<'_>, (): ()| {
                    let host = store.data_mut();
                    Ok(((host.chance(), host.chance()),))
                })?;
            }
            _ => {}
        }
    }
    if imported {
        linker.define_unknown_imports_as_traps(component)?;
    }
    Ok(())
}

fn environment(instance: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap("get-environment", |_: Ctx<'_>, (): ()| {
        Ok((Vec::<(String, String)>::new(),))
    })?;
    instance.func_wrap("get-arguments", |_: Ctx<'_>, (): ()| {
        Ok((Vec::<String>::new(),))
    })?;
    instance.func_wrap("initial-cwd", |_: Ctx<'_>, (): ()| Ok((None::<String>,)))
}

/// A policy that exits has not answered.
fn exit(instance: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "exit",
        |_: Ctx<'_>, (_status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
            bail!("called exit")
        },
    )?;
    instance.func_wrap(
        "exit-with-code",
        |_: Ctx<'_>, (_code,): (u8,)| -> wasmtime::Result<()> { bail!("called exit") },
    )
}

fn terminal(instance: &mut LinkerInstance<'_, Host>, name: &str) -> wasmtime::Result<()> {
    instance.func_wrap(name, |_: Ctx<'_>, (): ()| Ok((None::<Resource<()>>,)))
}

fn monotonic_clock(instance: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap("now", |store: Ctx<'_>, (): ()| {
        Ok((store.data().at_ms().saturating_mul(1_000_000),))
    })?;
    instance.func_wrap("resolution", |_: Ctx<'_>, (): ()| Ok((1_000_000_u64,)))?;
    // Time stands still: a sleep is over at once.
    for name in ["subscribe-instant", "subscribe-duration"] {
        instance.func_wrap(name, |mut store: Ctx<'_>, (_when,): (u64,)| {
            Ok((store.data_mut().handle(io::READY)?,))
        })?;
    }
    Ok(())
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

fn wall_clock(instance: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap("now", |store: Ctx<'_>, (): ()| {
        let at = store.data().at_ms();
        // Below a thousand, so that it fits.
        let millis = u32::try_from(at % 1_000).unwrap_or(0);
        Ok((Datetime {
            seconds: at / 1_000,
            nanoseconds: millis * 1_000_000,
        },))
    })?;
    instance.func_wrap("resolution", |_: Ctx<'_>, (): ()| {
        Ok((Datetime {
            seconds: 0,
            nanoseconds: 1_000_000,
        },))
    })
}

fn random(
    instance: &mut LinkerInstance<'_, Host>,
    bytes: &str,
    number: &str,
) -> wasmtime::Result<()> {
    instance.func_wrap(bytes, |mut store: Ctx<'_>, (length,): (u64,)| {
        if length > MAX_RANDOM {
            bail!("asked for {length} random bytes at once; at most {MAX_RANDOM} are given");
        }
        let length = usize::try_from(length)?;
        let host = store.data_mut();
        host.called()?;
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&host.chance().to_le_bytes());
        }
        bytes.truncate(length);
        Ok((bytes,))
    })?;
    instance.func_wrap(number, |mut store: Ctx<'_>, (): ()| {
        Ok((store.data_mut().chance(),))
    })
}

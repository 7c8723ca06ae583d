use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource, ResourceType};

use super::{Ctx, Host};

/// What a handle stands for.
pub(super) const STDIN: u32 = 0;
pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;
pub(super) const READY: u32 = 3;

/// Bytes a guest is told it may write next.
const ROOM: u64 = 4 << 10;

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(
        dead_code,
        reason = "a case of the interface that nothing here can meet"
    )]
    LastOperationFailed(Resource<()>),
    #[component(name = "closed")]
    Closed,
}

type Written = Result<(), StreamError>;

/// A function that gives a stream.
pub(super) fn get(
    instance: &mut LinkerInstance<'_, Host>,
    name: &str,
    stream: u32,
) -> wasmtime::Result<()> {
    instance.func_wrap(name, move |mut store: Ctx<'_>, (): ()| {
        Ok((store.data_mut().handle(stream)?,))
    })
}

/// A kind of handle. All are the same to the host, as the ones made for what traps are.
fn resource(instance: &mut LinkerInstance<'_, Host>, name: &str) -> wasmtime::Result<()> {
    instance.resource(name, ResourceType::host::<()>(), |mut store, _| {
        store.data_mut().dropped();
        Ok(())
    })
}

/// Everything is ready always: there is nothing to wait for.
pub(super) fn poll(instance: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    resource(instance, "pollable")?;
    instance.func_wrap(
        "[method]pollable.ready",
        |_: Ctx<'_>, (_of,): (Resource<()>,)| Ok((true,)),
    )?;
    instance.func_wrap(
        "[method]pollable.block",
        |_: Ctx<'_>, (_of,): (Resource<()>,)| Ok(()),
    )?;
    instance.func_wrap("poll", |_: Ctx<'_>, (all,): (Vec<Resource<()>>,)| {
        Ok(((0_u32..).take(all.len()).collect::<Vec<_>>(),))
    })
}

pub(super) fn streams(instance: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    resource(instance, "input-stream")?;
    resource(instance, "output-stream")?;
    for name in ["input-stream.read", "input-stream.blocking-read"] {
        instance.func_wrap(
            &method(name),
            |_: Ctx<'_>, (_of, _most): (Resource<()>, u64)| {
                Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
            },
        )?;
    }
    for name in ["input-stream.skip", "input-stream.blocking-skip"] {
        instance.func_wrap(
            &method(name),
            |_: Ctx<'_>, (_of, _most): (Resource<()>, u64)| {
                Ok((Err::<u64, _>(StreamError::Closed),))
            },
        )?;
    }
    for name in ["input-stream.subscribe", "output-stream.subscribe"] {
        instance.func_wrap(
            &method(name),
            |mut store: Ctx<'_>, (_of,): (Resource<()>,)| Ok((store.data_mut().handle(READY)?,)),
        )?;
    }
    instance.func_wrap(
        &method("output-stream.check-write"),
        |_: Ctx<'_>, (_to,): (Resource<()>,)| Ok((Ok::<u64, StreamError>(ROOM),)),
    )?;
    for name in [
        "output-stream.write",
        "output-stream.blocking-write-and-flush",
    ] {
        instance.func_wrap(
            &method(name),
            |mut store: Ctx<'_>, (to, bytes): (Resource<()>, Vec<u8>)| {
                store.data_mut().print(to.rep() == STDERR, &bytes)?;
                Ok((Written::Ok(()),))
            },
        )?;
    }
    for name in ["output-stream.flush", "output-stream.blocking-flush"] {
        instance.func_wrap(&method(name), |_: Ctx<'_>, (_to,): (Resource<()>,)| {
            Ok((Written::Ok(()),))
        })?;
    }
    for name in [
        "output-stream.write-zeroes",
        "output-stream.blocking-write-zeroes-and-flush",
    ] {
        instance.func_wrap(
            &method(name),
            |_: Ctx<'_>, (_to, _length): (Resource<()>, u64)| Ok((Written::Ok(()),)),
        )?;
    }
    Ok(())
}

fn method(name: &str) -> String {
    format!("[method]{name}")
}

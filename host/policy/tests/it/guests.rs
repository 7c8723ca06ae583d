//! Components for tests: the shipped ones, and hostile ones made from `tests/guests`.

use std::path::{Path, PathBuf};

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve, WorldId};

/// The folder of the shipped components, in the target directory that this test lies in.
pub fn shipped() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let dir = test
        .ancestors()
        .map(|dir| dir.join("plugins"))
        .find(|dir| dir.join("retry.wasm").is_file());
    dir.expect("the shipped components are not built: run `make components` first")
}

/// The retry policy that sits out every wait.
pub fn patient() -> Vec<u8> {
    let file = shipped().join("../example-plugins/patient-retry.wasm");
    std::fs::read(&file).expect("the example is not built: run `make components` first")
}

/// A guest of `tests/guests` in the world of retry policies.
pub fn retry(text: &str) -> Vec<u8> {
    component(text, "1.0.0")
}

/// The same in a version of the contracts that does not exist.
pub fn retry_of_the_future(text: &str) -> Vec<u8> {
    component(&text.replace("@1.0.0", "@9.1.0"), "9.1.0")
}

/// A guest that tries what WASI has.
pub fn curious() -> Vec<u8> {
    let wit = include_str!("../../../../tests/guests/wasi.wit");
    let mut resolve = contracts("1.0.0").0;
    let package = resolve.push_str("wasi.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("curious")).unwrap();
    encode(
        include_str!("../../../../tests/guests/curious.wat"),
        &resolve,
        world,
    )
}

pub fn core_module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn component(text: &str, version: &str) -> Vec<u8> {
    let (resolve, retry) = contracts(version);
    let world = resolve
        .select_world(&[retry], Some("retry-policy"))
        .unwrap();
    encode(text, &resolve, world)
}

/// The contracts in a version, with the package of retry policies.
fn contracts(version: &str) -> (Resolve, PackageId) {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let mut package = None;
    for file in ["core/core.wit", "host/host.wit", "retry/retry.wit"] {
        let text = std::fs::read_to_string(wit.join(file)).unwrap();
        let text = text.replace("@1.0.0", &format!("@{version}"));
        package = Some(resolve.push_str(file, &text).unwrap());
    }
    (resolve, package.unwrap())
}

fn encode(text: &str, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut module = core_module(text);
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).unwrap();
    sluice_componentize::componentize(&module).unwrap()
}

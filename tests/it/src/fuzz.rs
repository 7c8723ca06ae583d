//! What the fuzz targets do, over the committed corpus and seeded mutations of it: the targets cannot
//! rot, and what once was a finding stays found.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_harness::chaos::{Dice, Seed};
use sluice_harness::scoreboard::soak;

#[path = "../../fuzz/src/lib.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::pedantic,
    reason = "the targets are a crate of their own outside the workspace"
)]
mod targets;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut inputs: Vec<_> = fs::read_dir(dir.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{target}");
    inputs
}

/// A few changes, of the kinds that a fuzzer makes.
fn mutate(dice: &mut Dice, bytes: &mut Vec<u8>, other: &[u8]) {
    let mut below = |bound: usize| usize::try_from(dice.below(bound as u64)).unwrap();
    for _ in 0..=below(4) {
        let at = below(bytes.len() + 1);
        let end = at + below(bytes.len() - at + 1).min(64);
        match below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << below(8),
            1 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][below(6)],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let from = below(other.len() + 1);
                let taken = &other[from..from + below(other.len() - from + 1).min(64)];
                bytes.splice(at..end, taken.iter().copied());
            }
            _ => bytes.insert(at, u8::try_from(below(256)).unwrap()),
        }
    }
    bytes.truncate(8 << 10);
}

/// Breaks when a target fails on its corpus, or on any of the mutations of this seed.
#[test]
fn the_targets_hold_over_their_corpus() {
    let seed = Seed::choose();
    for (number, target) in (0..).zip(targets::TARGETS) {
        let corpus = corpus(target.name);
        for (path, input) in &corpus {
            println!("{}", path.display());
            (target.run)(input);
        }
        println!("{}: mutations", target.name);
        let mut dice = seed.dice(number);
        let mutations = target.mutations * if soak() { 100 } else { 1 };
        for _ in 0..mutations {
            let mut pick = || &corpus[usize::try_from(dice.below(corpus.len() as u64)).unwrap()].1;
            let (mut input, other) = (pick().clone(), pick().clone());
            mutate(&mut dice, &mut input, &other);
            (target.run)(&input);
        }
    }
}

//! The directory, followed.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use sluice_domain::Decision;
use sluice_policy::Origin;

use crate::fixture::{Fixture, flood, waits};
use crate::guests;

/// Breaks when a file renamed into place does not serve, or when its going does not show.
#[test]
fn renamed_in_it_serves_and_deleted_it_does_not() {
    let fixture = Fixture::with(Some(guests::shipped()));
    fixture.policies.watch().unwrap();
    fixture.drop_in("patient-retry.wasm", &guests::patient());
    let (generation, _) = fixture.told("patient-retry", "loaded");
    assert!(waits(fixture.decide(&flood())).is_some());
    assert_eq!(fixture.plugin("patient-retry").generation, generation);

    fs::remove_file(fixture.path("patient-retry.wasm")).unwrap();
    fixture.told("patient-retry", "removed");
    assert_eq!(fixture.decide(&flood()), Decision::GiveUp);
    let views = fixture.policies.plugins();
    assert!(views.iter().all(|view| view.name != "patient-retry"));
}

/// Breaks when a bad file takes the good generation's place, or its reason is not shown.
#[test]
fn a_bad_file_leaves_the_old_generation_serving() {
    let fixture = Fixture::bare();
    fixture.policies.watch().unwrap();
    let good = guests::patient();
    fixture.drop_in("mine.wasm", &good);
    let (generation, _) = fixture.told("mine", "loaded");

    fixture.drop_in("mine.wasm", &good[..1000]);
    let (serving, why) = fixture.told("mine", "refused");
    assert_eq!(serving, generation);
    let view = fixture.plugin("mine");
    assert_eq!(view.generation, generation);
    assert!(view.last_error.unwrap().contains(&why.unwrap()));
    assert!(waits(fixture.decide(&flood())).is_some());

    // The good one again: nothing is compiled anew, and nothing is wrong any more.
    fixture.drop_in("mine.wasm", &good);
    assert_eq!(fixture.told("mine", "loaded").0, generation);
    assert_eq!(fixture.plugin("mine").last_error, None);

    // Written in place, in two halves, as a careless copy does it.
    let (head, tail) = good.split_at(good.len() / 2);
    fs::write(fixture.path("mine.wasm"), head).unwrap();
    fixture.told("mine", "refused");
    assert!(waits(fixture.decide(&flood())).is_some());
    fs::write(fixture.path("mine.wasm"), [head, tail].concat()).unwrap();
    fixture.told("mine", "loaded");
}

/// Breaks when a shipped policy cannot be replaced by name, or does not come back.
#[test]
fn an_operators_file_takes_the_place_of_a_shipped_one() {
    let fixture = Fixture::with(Some(guests::shipped()));
    let shipped = fixture.plugin("retry");
    assert_eq!(shipped.origin, Origin::Bundled);
    let own = fixture.admit("retry.wasm", &guests::patient());
    assert_eq!(own.origin, Origin::Directory);
    assert!(waits(fixture.decide(&flood())).is_some());

    // A broken file of that name takes nothing down.
    fs::remove_file(fixture.path("retry.wasm")).unwrap();
    fixture.policies.refresh();
    let back = fixture.admit("retry.wasm", b"broken");
    assert_eq!(
        (back.origin, back.generation),
        (Origin::Bundled, shipped.generation)
    );
    assert!(back.last_error.unwrap().contains("is not WebAssembly"));

    // A sidecar alone turns the shipped one off.
    fs::remove_file(fixture.path("retry.wasm")).unwrap();
    let off = fixture.admit("retry.toml", b"mode = \"off\"\n");
    assert_eq!(off.origin, Origin::Bundled);
    fixture.decide(&flood());
    assert_eq!(fixture.plugin("retry").calls, 0);
}

/// Breaks when a call fails, or sees half of a change, while generations are swapped under it.
#[test]
fn calls_under_way_never_see_half_of_a_swap() {
    let fixture = Fixture::unhurried();
    let good = guests::patient();
    fixture.admit("mine.wasm", &good);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(waits(fixture.decide(&flood())), Some(7_042));
                }
            });
        }
        for round in 0..30 {
            match round % 3 {
                0 => fixture.admit("mine.toml", format!("priority = {round}").as_bytes()),
                1 => fixture.admit("mine.wasm", b"\0asm\x0d\0\x01\0 and then nothing"),
                _ => fixture.admit("mine.wasm", &good),
            };
        }
        done.store(true, Ordering::Relaxed);
    });
    let view = fixture.plugin("mine");
    assert_eq!((view.failures, view.clamps), (0, 0));
    assert!(view.generation > 5);
}

/// Breaks when something in the directory that is no plugin disturbs what is.
#[test]
fn strangers_in_the_directory_disturb_nothing() {
    let fixture = Fixture::bare();
    fs::write(fixture.path("README.md"), "hello").unwrap();
    fs::create_dir(fixture.path("folder.wasm")).unwrap();
    fs::write(fixture.path("mine.part"), "half").unwrap();
    fs::write(fixture.path("lonely.toml"), "mode = \"on\"").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", fixture.path("passwd.wasm")).unwrap();
    fixture.admit("mine.wasm", &guests::patient());
    assert!(waits(fixture.decide(&flood())).is_some());
    let passwd = fixture.plugin("passwd").last_error.unwrap();
    assert!(passwd.contains("leads out of the directory"), "{passwd}");
    let views = fixture.policies.plugins();
    let names: Vec<_> = views.iter().map(|view| view.name.as_str()).collect();
    let natives = ["native-retry", "native-categorize", "native-export"];
    let expected = [&["mine"][..], &natives, &["folder", "passwd"]].concat();
    assert_eq!(names, expected);
}

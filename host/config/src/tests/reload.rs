use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use arc_swap::ArcSwap;
use sluice_domain::EventBody;
use tempfile::TempDir;

use crate::{Config, Overrides, Reload, Watch, load};

/// Far beyond what any of it takes.
const LONG: Duration = Duration::from_secs(20);

struct Running {
    dir: TempDir,
    file: PathBuf,
    current: Arc<ArcSwap<Config>>,
    reloads: Receiver<Reload>,
    watch: Watch,
}

impl Running {
    fn start(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sluice.toml");
        fs::write(&file, text).unwrap();
        Self::watch(dir, file)
    }

    fn watch(dir: TempDir, file: PathBuf) -> Self {
        let config = load(Some(&file), &Overrides::new()).unwrap_or_else(|e| panic!("{e}"));
        let current = Arc::new(ArcSwap::from_pointee(config));
        let (report, reloads) = sync_channel(1000);
        let report = move |reload| report.send(reload).unwrap();
        let watch =
            Watch::start(file.clone(), Overrides::new(), Arc::clone(&current), report).unwrap();
        Self {
            dir,
            file,
            current,
            reloads,
            watch,
        }
    }

    fn level(&self) -> String {
        self.current.load().log.level.clone()
    }

    fn next(&self) -> Reload {
        self.reloads.recv_timeout(LONG).unwrap()
    }

    fn replace(&self, text: &str) {
        let beside = self.dir.path().join("beside");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &self.file).unwrap();
    }
}

fn level(level: &str) -> String {
    format!("[log]\nlevel = \"{level}\"\n")
}

fn applied(changed: &[&str], restart_needed: &[&str]) -> Reload {
    let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    Reload::Applied {
        changed: owned(changed),
        restart_needed: owned(restart_needed),
    }
}

#[test]
fn a_file_renamed_into_place_and_one_written_in_place_are_taken() {
    let running = Running::start(&level("info"));
    running.replace(&level("debug"));
    assert_eq!(running.next(), applied(&["log.level"], &[]));
    assert_eq!(running.level(), "debug");
    fs::write(&running.file, level("trace")).unwrap();
    assert_eq!(running.next(), applied(&["log.level"], &[]));
    assert_eq!(running.level(), "trace");
    // And again after a rename: it is the place that is watched, not the file that was there.
    running.replace("[log]\nlevel = \"warn\"\nformat = \"json\"\n[calls]\nmax_wait = \"1m\"\n");
    assert_eq!(
        running.next(),
        applied(&["calls.max_wait", "log.level"], &["log.format"])
    );
}

#[test]
fn a_bad_file_is_refused_with_its_place_and_the_old_one_stays() {
    let running = Running::start(&level("debug"));
    for (text, line) in [
        ("[log]\nlevel = 5\n", Some(2)),
        ("[log\n", Some(1)),
        ("[log]\n\nlvl = \"x\"\n", Some(3)),
        ("", None),
    ] {
        running.replace(text);
        let Reload::Refused { error } = running.next() else {
            panic!("taken: {text:?}")
        };
        assert_eq!(error.line, line, "{error}");
        assert_eq!(error.file.as_deref(), Some(running.file.as_path()));
        assert_eq!(running.level(), "debug");
    }
    fs::remove_file(&running.file).unwrap();
    let Reload::Refused { error } = running.next() else {
        panic!("taken")
    };
    let event = EventBody::from(Reload::Refused {
        error: error.clone(),
    });
    let EventBody::Config { action, error, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(action, "refused");
    assert!(error.unwrap().contains("sluice.toml"));
    running.replace(&level("warn"));
    assert_eq!(running.next(), applied(&["log.level"], &[]));
}

#[test]
fn a_storm_of_writes_ends_with_the_last_and_garbage_is_never_in_force() {
    let running = Running::start(&level("info"));
    for n in 0..200 {
        match n % 3 {
            0 => running.replace("[log]\nlevel = 5\n"),
            1 => fs::write(&running.file, level("debug")).unwrap(),
            _ => running.replace(&level("trace")),
        }
        assert!(["info", "debug", "trace"].contains(&&*running.level()));
    }
    running.replace(&level("error"));
    while running.level() != "error" {
        running.next();
    }
}

#[test]
fn a_change_before_the_watch_began_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sluice.toml");
    fs::write(&file, level("debug")).unwrap();
    let old = Arc::new(ArcSwap::from_pointee(Config::default()));
    let (report, reloads) = sync_channel(10);
    let report = move |reload| report.send(reload).unwrap();
    let _watch = Watch::start(file, Overrides::new(), Arc::clone(&old), report).unwrap();
    let reload = reloads.recv_timeout(LONG).unwrap();
    assert_eq!(reload, applied(&["log.level"], &[]));
    assert_eq!(old.load().log.level, "debug");
}

#[test]
fn a_mounted_directory_that_is_swapped_as_a_whole_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let version = |n: u32, text: String| {
        let version = dir.path().join(format!("..{n}"));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("sluice.toml"), text).unwrap();
        let link = dir.path().join("..data_tmp");
        std::os::unix::fs::symlink(&version, &link).unwrap();
        fs::rename(link, dir.path().join("..data")).unwrap();
    };
    version(1, level("info"));
    let file = dir.path().join("sluice.toml");
    std::os::unix::fs::symlink(Path::new("..data/sluice.toml"), &file).unwrap();
    let running = {
        let other = tempfile::tempdir().unwrap();
        Running::watch(other, file)
    };
    version(2, level("debug"));
    assert_eq!(running.next(), applied(&["log.level"], &[]));
}

#[test]
fn a_reload_on_demand_answers_and_reports() {
    let running = Running::start(&level("info"));
    assert_eq!(running.watch.reload(), applied(&[], &[]));
    assert_eq!(running.next(), applied(&[], &[]));
}

// The child is this test binary itself, told by its environment where to write.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use sluice_domain::{EventLog as _, SessionStore as _, UpdateStep};

use super::{account, event, name, open};

const DIR: &str = "SLUICE_TEST_CRASH_DIR";

/// Not a test of its own: what the child of the test below does until it is killed.
#[test]
fn write_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let store = open(dir.as_ref());
    store.insert_account(&account("a")).unwrap();
    for n in 1.. {
        let step = UpdateStep {
            pts: n,
            channels: vec![(1, Some(n))],
            ..UpdateStep::default()
        };
        store
            .commit_updates(&name("a"), &step, &[event(Some("a"), &n.to_string())])
            .unwrap();
        eprintln!("committed {n}");
    }
}

#[test]
fn after_kill_9_every_committed_event_is_there_and_the_state_is_theirs() {
    for rounds in [1, 7, 40] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::crash::write_until_killed", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok())
            .find(|n| *n >= rounds)
            .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(dir.path());
        let (newest, oldest) = store.bounds().unwrap();
        assert!(newest.0 >= said, "{newest:?} after {said}");
        assert_eq!(oldest.0, 1);
        let state = store.update_state(&name("a")).unwrap().unwrap();
        assert_eq!(u64::try_from(state.pts).unwrap(), newest.0);
        assert_eq!(state.channels, [(1, state.pts)]);
    }
}

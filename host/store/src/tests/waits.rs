use sluice_domain::{
    Cursor, EventFilter, EventLog as _, SessionStore as _, WaitRecord, WaitStore as _,
};

use super::{START, account, event, name, open};

fn wait(id: &str, method: Option<&str>, chat: Option<&str>, seconds: u64) -> WaitRecord {
    WaitRecord {
        id: id.into(),
        account: name("one"),
        method: method.map(str::to_owned),
        chat: chat.map(str::to_owned),
        code: 420,
        name: format!("FLOOD_WAIT_{seconds}"),
        until: START.plus(seconds * 1_000),
    }
}

/// Breaks when a wait is lost over a reopening, doubled for one place, or kept when it is over.
#[test]
fn waits_are_kept_replaced_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.insert_account(&account("one")).unwrap();
    let send = Some("messages.sendMessage");
    let kept = [
        wait("a", send, None, 30),
        wait("b", send, Some("channel:1"), 40),
        wait("c", None, None, 50),
    ];
    for wait in &kept {
        let told = [event(Some("one"), "wait")];
        store.save_wait(wait, START, &told).unwrap();
    }
    let longer = wait("d", send, None, 60);
    store.save_wait(&longer, START, &[]).unwrap();
    drop(store);

    let store = open(dir.path());
    let mut found = store.waits(START).unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found, [kept[1].clone(), kept[2].clone(), longer.clone()]);
    let (events, _) = store
        .read(Cursor::default(), &EventFilter::default(), 10)
        .unwrap();
    assert_eq!(events.len(), 3);
    let later = START.plus(45_000);
    assert_eq!(store.waits(later).unwrap().len(), 2);
    store.save_wait(&longer, later, &[]).unwrap();
    assert_eq!(store.waits(START).unwrap().len(), 2, "what is over is gone");
    store.remove_wait("c").unwrap();
    store.remove_wait("c").unwrap();
    assert_eq!(store.waits(START).unwrap(), [longer]);
    store.delete_account(&name("one"), false, START).unwrap();
    assert!(store.waits(START).unwrap().is_empty());
}

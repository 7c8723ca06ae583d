use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sluice_domain::{AccountKind, AccountName, Clock, Failure, UnixMillis};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{FloodLedger, Full, Standing};

const SEND: &str = "messages.sendMessage";
const START: u64 = 1_000_000_000;

/// A clock that goes with tokio's paused time.
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> UnixMillis {
        UnixMillis(START).plus(u64::try_from(self.0.elapsed().as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

fn failure(name: &str, method: &str) -> Failure {
    Failure::telegram(420, name, method, AccountKind::User)
}

/// A ledger, its clock, and what left a line when.
#[derive(Clone)]
struct World {
    ledger: Arc<FloodLedger>,
    clock: Arc<Paused>,
    left: Arc<Mutex<Vec<(u64, u64)>>>,
    ids: Arc<Mutex<u64>>,
}

impl World {
    fn new() -> Self {
        Self {
            ledger: Arc::default(),
            clock: Arc::new(Paused(Instant::now())),
            left: Arc::default(),
            ids: Arc::default(),
        }
    }

    fn note(&self, who: &str, chat: Option<&str>, failure: &Failure) -> bool {
        let id = || {
            *self.ids.lock() += 1;
            self.ids.lock().to_string()
        };
        self.ledger
            .note(&account(who), chat, failure, self.clock.now(), id)
            .is_some()
    }

    fn standing(&self, who: &str, method: &str, chat: Option<&str>) -> Option<Standing> {
        self.ledger
            .standing(&account(who), method, chat, self.clock.now(), None)
    }

    /// A call that waits in line, is answered by Telegram after 30 ms as `refused` says, and waits
    /// again when it is refused.
    fn wait(
        &self,
        number: u64,
        refused: impl Fn() -> bool + Send + 'static,
    ) -> JoinHandle<Result<(), Full>> {
        let world = self.clone();
        let standing = self.standing("one", SEND, None).unwrap();
        let first = self
            .ledger
            .join(&standing.key, (420, "FLOOD_WAIT_1"), None, 100);
        TaskTracker::new().spawn(async move {
            let mut place = first?;
            loop {
                let ticket = place.ticket();
                let pass = place.turn(world.clock.as_ref()).await;
                let at = world.clock.now().since(UnixMillis(START));
                world.left.lock().push((number, at));
                tokio::time::sleep(Duration::from_millis(30)).await;
                if !refused() {
                    pass.through();
                    return Ok(());
                }
                world.note("one", None, &failure("FLOOD_WAIT_5", SEND));
                drop(pass);
                let key = &standing.key;
                place = world
                    .ledger
                    .join(key, (420, "FLOOD_WAIT_5"), Some(ticket), 100)?;
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_holds_back_its_method_and_account_until_it_is_over() {
    let world = World::new();
    assert!(world.note("one", Some("channel:1"), &failure("FLOOD_WAIT_7", SEND)));
    assert!(
        !world.note("one", None, &failure("FLOOD_WAIT_7", SEND)),
        "known"
    );
    assert!(
        !world.note("one", None, &failure("FLOOD_WAIT_3", SEND)),
        "shorter"
    );
    tokio::time::advance(Duration::from_millis(500)).await;
    let stands = world.standing("one", SEND, Some("channel:2")).unwrap();
    assert_eq!(stands.left_ms, 6_500);
    assert_eq!(stands.name, "FLOOD_WAIT_7");
    assert_eq!(stands.problem.status, 429);
    assert_eq!(stands.problem.code, "FLOOD_WAIT");
    assert_eq!(stands.problem.retry_after, Some(7));
    assert!(world.standing("two", SEND, None).is_none());
    assert!(world.standing("one", "messages.getHistory", None).is_none());
    tokio::time::advance(Duration::from_millis(6_500)).await;
    assert!(world.standing("one", SEND, None).is_none());
}

#[tokio::test(start_paused = true)]
async fn slow_mode_holds_back_one_chat_and_media_both_ways() {
    let world = World::new();
    world.note("one", Some("channel:1"), &failure("SLOWMODE_WAIT_30", SEND));
    assert!(world.standing("one", SEND, Some("channel:1")).is_some());
    assert!(world.standing("one", SEND, Some("channel:2")).is_none());
    assert!(world.standing("one", SEND, None).is_none());
    // Without a chat to hold on to it holds back nothing.
    assert!(!world.note("two", None, &failure("SLOWMODE_WAIT_30", SEND)));

    world.note(
        "one",
        None,
        &failure("FLOOD_PREMIUM_WAIT_9", "upload.getFile"),
    );
    for method in [
        "upload.getFile",
        "upload.saveFilePart",
        "upload.saveBigFilePart",
    ] {
        assert!(world.standing("one", method, None).is_some(), "{method}");
    }
    assert!(world.standing("one", "messages.sendMedia", None).is_none());
    assert!(world.standing("two", "upload.getFile", None).is_none());

    world.note(
        "three",
        None,
        &failure("FLOOD_TEST_PHONE_WAIT_9", "help.getConfig"),
    );
    assert!(
        world.standing("three", SEND, None).is_some(),
        "the whole account"
    );
}

#[tokio::test(start_paused = true)]
async fn limits_are_listed_removed_and_loaded() {
    let world = World::new();
    world.note("one", None, &failure("FLOOD_WAIT_7", SEND));
    let limits = world.ledger.list(Some(&account("one")), world.clock.now());
    assert_eq!(limits.len(), 1);
    assert_eq!(limits[0].retry_after, 7);
    assert!(
        world
            .ledger
            .list(Some(&account("two")), world.clock.now())
            .is_empty()
    );
    assert!(world.ledger.remove(&limits[0].id));
    assert!(!world.ledger.remove(&limits[0].id));
    assert!(world.standing("one", SEND, None).is_none());

    let kept = |id: &str, name: &str, seconds: u64| sluice_domain::WaitRecord {
        id: id.into(),
        account: account("one"),
        method: Some(SEND.into()),
        chat: None,
        code: 420,
        name: name.into(),
        until: world.clock.now().plus(seconds * 1_000),
    };
    world.ledger.load(vec![kept("a", "FLOOD_WAIT_60", 20)]);
    let stands = world.standing("one", SEND, None).unwrap();
    assert_eq!((stands.left_ms, stands.may_sleep), (20_000, true));
    world
        .ledger
        .load(vec![kept("b", "TAKEOUT_INIT_DELAY_60", 20)]);
    assert!(!world.standing("one", SEND, None).unwrap().may_sleep);
}

/// Breaks when waiting calls come back in a burst, or in another order than they came.
#[tokio::test(start_paused = true)]
async fn a_line_is_left_in_order_one_first_and_then_at_a_pace() {
    let world = World::new();
    world.note("one", None, &failure("FLOOD_WAIT_2", SEND));
    let calls: Vec<_> = (0..20).map(|number| world.wait(number, || false)).collect();
    // Nobody overtakes those who wait, not even when the wait itself is over.
    tokio::time::sleep(Duration::from_millis(2_020)).await;
    let stands = world.standing("one", SEND, None).unwrap();
    assert_eq!(stands.name, "FLOOD_WAIT_2");
    assert_eq!(stands.left_ms, 1_900, "19 are still ahead");
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let left = world.left.lock().clone();
    let order: Vec<u64> = left.iter().map(|(number, _)| *number).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>());
    assert!(left[0].1 >= 2_000, "{left:?}");
    assert!(
        left[1].1 >= left[0].1 + 30,
        "the first goes alone: {left:?}"
    );
    for pair in left.windows(2) {
        assert!(pair[1].1 - pair[0].1 >= 100, "a burst: {left:?}");
    }
    assert!(
        world.standing("one", SEND, None).is_none(),
        "the line is gone"
    );
}

/// Breaks when another wait during the release is not obeyed by those who are still in line.
#[tokio::test(start_paused = true)]
async fn another_wait_sends_the_rest_back() {
    let world = World::new();
    world.note("one", None, &failure("FLOOD_WAIT_1", SEND));
    let refusals = Arc::new(Mutex::new(0));
    let calls: Vec<_> = (0..6)
        .map(|number| {
            let refusals = Arc::clone(&refusals);
            // The third is refused, once.
            world.wait(number, move || {
                number == 2 && std::mem::replace(&mut *refusals.lock(), 1) == 0
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let left = world.left.lock().clone();
    let order: Vec<u64> = left.iter().map(|(number, _)| *number).collect();
    assert_eq!(
        order,
        [0, 1, 2, 2, 3, 4, 5],
        "the refused one is first again"
    );
    assert!(left[3].1 >= left[2].1 + 5_000, "{left:?}");
    assert!(left[4].1 >= left[3].1 + 100, "{left:?}");
}

/// Breaks when a caller that went away, or a scout of which nothing is heard, holds up the others.
#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_holds_up_nobody() {
    let world = World::new();
    world.note("one", None, &failure("FLOOD_WAIT_1", SEND));
    let first = world.wait(0, || false);
    let second = world.wait(1, || false);
    let third = world.wait(2, || false);
    first.abort();
    tokio::time::sleep(Duration::from_millis(1_010)).await;
    // The second is under way, alone; it ends without an answer.
    assert_eq!(world.left.lock().len(), 1);
    second.abort();
    third.await.unwrap().unwrap();
    let order: Vec<u64> = world
        .left
        .lock()
        .iter()
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(order, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_line_is_bounded_and_let_go_when_the_wait_is_removed() {
    let world = World::new();
    world.note("one", None, &failure("FLOOD_WAIT_3600", SEND));
    let standing = world.standing("one", SEND, None).unwrap();
    let join = || {
        world
            .ledger
            .join(&standing.key, (420, "FLOOD_WAIT_3600"), None, 2)
    };
    let one = join().unwrap();
    let _two = join().unwrap();
    assert!(join().is_err());
    let id = world.ledger.list(None, world.clock.now())[0].id.clone();
    let clock = Arc::clone(&world.clock);
    let waiting = TaskTracker::new().spawn(async move { one.turn(clock.as_ref()).await });
    tokio::task::yield_now().await;
    assert!(world.ledger.remove(&id));
    let pass = waiting.await.unwrap();
    assert!(world.clock.now().since(UnixMillis(START)) < 1_000);
    pass.through();
}

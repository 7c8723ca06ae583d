//! What the number in an error's name means: a table by name, never by code, because one name comes
//! under several codes and one code under several meanings.

use sluice_domain::{Failure, UnixMillis};

/// What the number in a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    /// So many seconds from now.
    Seconds,
    /// So many minutes from now.
    Minutes,
    /// A moment, in seconds since 1970.
    Moment,
    /// A data center, a place in what was sent, a price, an id: no wait.
    Other,
}

/// What a wait holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// The method, whatever its parameters.
    Method,
    /// The method in this chat.
    Chat,
    /// Files in both directions; of another method that method.
    Media,
    /// The whole account.
    Account,
    /// Only what this call names; nothing is kept.
    Call,
}

use Holds::{Account, Call, Chat, Media, Method};
use Number::{Minutes, Moment, Other, Seconds};

/// Every name with a number that is known, and whether the gateway may sleep it for a caller, however
/// patient. A name that is not here carries no wait. Source: the errors of the methods' pages under
/// <https://core.telegram.org/methods>, and `plugins/data/errors.tsv`, to which a test holds this.
const TABLE: [(&str, Number, Holds, bool); 29] = [
    ("2FA_CONFIRM_WAIT_%d", Seconds, Method, false),
    ("ALLOW_PAYMENT_REQUIRED_%d", Other, Call, false),
    ("AUTH_RESTART_%d", Other, Call, false),
    ("EMAIL_UNCONFIRMED_%d", Other, Call, false),
    ("FILE_MIGRATE_%d", Other, Call, false),
    ("FILE_PART_%d_MISSING", Other, Call, false),
    ("FILE_REFERENCE_%d_EMPTY", Other, Call, false),
    ("FILE_REFERENCE_%d_EXPIRED", Other, Call, false),
    ("FILE_REFERENCE_%d_INVALID", Other, Call, false),
    ("FLOOD_PREMIUM_WAIT_%d", Seconds, Media, true),
    ("FLOOD_TEST_PHONE_WAIT_%d", Seconds, Account, true),
    ("FLOOD_WAIT_%d", Seconds, Method, true),
    ("INTERDC_%d_CALL_ERROR", Other, Call, false),
    ("INTERDC_%d_CALL_RICH_ERROR", Other, Call, false),
    ("NETWORK_MIGRATE_%d", Other, Call, false),
    ("PASSWORD_TOO_FRESH_%d", Seconds, Method, false),
    ("PHONE_MIGRATE_%d", Other, Call, false),
    ("PREMIUM_SUB_ACTIVE_UNTIL_%d", Moment, Call, false),
    (
        "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_%dMIN",
        Minutes,
        Chat,
        false,
    ),
    ("SESSION_TOO_FRESH_%d", Seconds, Method, false),
    ("SLOWMODE_WAIT_%d", Seconds, Chat, true),
    ("STARGIFT_RESELL_TOO_EARLY_%d", Seconds, Call, false),
    ("STARGIFT_TRANSFER_TOO_EARLY_%d", Seconds, Call, false),
    ("STATS_MIGRATE_%d", Other, Call, false),
    ("STORY_LIVE_ALREADY_%d", Other, Call, false),
    ("STORY_SEND_FLOOD_MONTHLY_%d", Seconds, Method, false),
    ("STORY_SEND_FLOOD_WEEKLY_%d", Seconds, Method, false),
    ("TAKEOUT_INIT_DELAY_%d", Seconds, Method, false),
    ("USER_MIGRATE_%d", Other, Call, false),
];

/// The wait a failure carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it ends.
    pub(crate) until: UnixMillis,
    /// Whether it may be slept.
    pub(crate) may_sleep: bool,
    pub(super) holds: Holds,
}

/// The wait a failure carries, by its name; None for names without one.
pub(crate) fn wait_of(failure: &Failure, now: UnixMillis) -> Option<Wait> {
    let number = u64::try_from(failure.number?).ok()?;
    let (_, unit, holds, may_sleep) = TABLE
        .into_iter()
        .find(|(pattern, ..)| *pattern == failure.pattern)?;
    let until = match unit {
        // FLOOD_WAIT_0 means: soon, not now.
        Seconds => now.plus(number.max(1).saturating_mul(1_000)),
        Minutes => now.plus(number.max(1).saturating_mul(60_000)),
        Moment => UnixMillis::from_seconds(number),
        Other => return None,
    };
    Some(Wait {
        until,
        may_sleep,
        holds,
    })
}

/// What may be kept of a stored wait: whether it may be slept, by its name.
pub(super) fn may_sleep(pattern: &str) -> bool {
    TABLE
        .iter()
        .any(|(known, _, _, may_sleep)| *known == pattern && *may_sleep)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sluice_domain::AccountKind;

    use super::*;

    const CATALOGUE: &str = include_str!("../../../../plugins/data/errors.tsv");
    const NOW: UnixMillis = UnixMillis(1_000_000_000);

    fn failure(code: i32, name: &str) -> Failure {
        Failure::telegram(code, name, "messages.sendMessage", AccountKind::User)
    }

    /// Breaks when a known name is not classified here, or otherwise than in the catalogue.
    #[test]
    fn every_known_name_with_a_number_is_classified_once() {
        let known: BTreeMap<&str, &str> = CATALOGUE
            .lines()
            .filter(|line| line.contains("%d"))
            .map(|line| {
                let columns: Vec<_> = line.split('\t').collect();
                (columns[0], columns[5])
            })
            .collect();
        assert!(known.len() >= 29, "the catalogue was read");
        let mut classified = BTreeMap::new();
        for (pattern, number, ..) in TABLE {
            assert!(classified.insert(pattern, number).is_none(), "{pattern}");
        }
        for (pattern, number) in &known {
            let expected = match *number {
                "seconds" => Seconds,
                "minutes" => Minutes,
                "unix" => Moment,
                _ => Other,
            };
            assert_eq!(classified.get(pattern), Some(&expected), "{pattern}");
        }
        for pattern in classified.keys().filter(|name| name.contains("%d")) {
            assert!(known.contains_key(pattern), "{pattern} is in no catalogue");
        }
    }

    #[test]
    fn the_number_is_read_by_name() {
        let left = |code, name| {
            wait_of(&failure(code, name), NOW).map(|wait| (wait.until.since(NOW), wait.may_sleep))
        };
        // By name: the code does not matter.
        for code in [420, 400, 406, 500] {
            assert_eq!(left(code, "FLOOD_WAIT_37"), Some((37_000, true)));
        }
        assert_eq!(left(420, "FLOOD_WAIT_0"), Some((1_000, true)));
        assert_eq!(
            left(406, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN"),
            Some((300_000, false))
        );
        assert_eq!(
            left(420, "PREMIUM_SUB_ACTIVE_UNTIL_1000100"),
            Some((100_000, false))
        );
        assert_eq!(left(400, "SESSION_TOO_FRESH_60"), Some((60_000, false)));
        assert_eq!(left(400, "PASSWORD_TOO_FRESH_60"), Some((60_000, false)));
        assert_eq!(left(420, "2FA_CONFIRM_WAIT_60"), Some((60_000, false)));
        assert_eq!(left(420, "TAKEOUT_INIT_DELAY_60"), Some((60_000, false)));
        for name in [
            "PHONE_MIGRATE_2",
            "FILE_REFERENCE_3_EXPIRED",
            "FILE_PART_3_MISSING",
            "MD5_CHECKSUM_INVALID",
            "SHA256_HASH_INVALID",
            "EMAIL_UNCONFIRMED_6",
            "FROZEN_METHOD_INVALID",
            "ADDRESS_INVALID",
            "SOMETHING_NEW_WAIT_5",
            "FLOOD_WAIT",
            "FLOOD_WAIT_X",
        ] {
            assert_eq!(left(420, name), None, "{name}");
        }
        assert_eq!(
            left(420, "FLOOD_WAIT_99999999999999999999"),
            None,
            "no number of 64 bits"
        );
    }
}

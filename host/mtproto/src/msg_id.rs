use std::time::Duration;

/// Gives out message ids: the time in units of 2^-32 s, always growing, with fixed lower bits.
///
/// Source: <https://core.telegram.org/mtproto/description#message-identifier-msg-id>.
#[derive(Debug, Default)]
pub(crate) struct MsgIds {
    last: i64,
}

impl MsgIds {
    /// A new id. `low` is 0 for a client, 1 for a server's answers, 3 for its other messages.
    pub(crate) fn next(&mut self, time: Duration, low: i64) -> i64 {
        let id = at(time).max((self.last & !3).saturating_add(4));
        // Servers refuse ids without a fractional part, which a moment on the second has not.
        let id = if id.trailing_zeros() < 32 { id } else { id + 4 } | low;
        self.last = id;
        id
    }
}

/// The id of a moment, with lower bits 0.
pub(crate) fn at(time: Duration) -> i64 {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX) & 0x7fff_ffff;
    let fraction = (i64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
    (seconds << 32) | (fraction & !3)
}

/// The seconds that an id names.
pub(crate) const fn seconds(id: i64) -> i64 {
    id >> 32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MsgIds, at, seconds};

    /// Breaks when ids repeat, shrink, or lose the time or the lower bits.
    #[test]
    fn ids_grow() {
        let mut ids = MsgIds::default();
        let now = Duration::new(1_800_000_000, 999_999_999);
        let first = ids.next(now, 1);
        assert_eq!(first & 3, 1);
        assert_eq!(seconds(first), 1_800_000_000);
        let second = ids.next(now, 0);
        assert_eq!(second & 3, 0);
        assert!(second > first);
        assert!(ids.next(Duration::from_secs(1), 3) > second);
        assert!(at(Duration::MAX) > 0);
    }

    /// Breaks when an id's lower half is empty, which a server refuses as a replay's.
    #[test]
    fn ids_have_a_fraction() {
        for low in [0, 1] {
            let id = MsgIds::default().next(Duration::from_hours(500_000), low);
            assert_ne!(id & 0xffff_fffc, 0);
        }
    }
}

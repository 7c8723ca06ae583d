use core::time::Duration;

/// Tries of one parcel, the first included.
pub(crate) const TRIES: u32 = 6;
/// Age at which a parcel is given up: newer ones say more.
pub(crate) const OLD: Duration = Duration::from_mins(5);
/// The pause before the second try; it doubles, up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// How a try ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It arrived.
    Sent,
    /// Another try may help, but not before this time, if one is named.
    Later(Option<Duration>, String),
    /// No other try will help.
    Refused(String),
}

/// The pause after a try that failed: the receiver's own, else one that grows; never less than half
/// of that, the rest is chance.
pub(crate) fn pause(tries: u32, named: Option<Duration>, entropy: u64) -> Duration {
    let grown = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16));
    let whole = u64::try_from(grown.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
    let jittered = Duration::from_millis(whole / 2 + entropy % (whole / 2 + 1));
    jittered.max(named.unwrap_or_default().min(OLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_receivers_own_is_kept() {
        let millis = |tries, entropy| pause(tries, None, entropy).as_millis();
        assert_eq!((millis(1, 0), millis(1, 500)), (500, 1_000));
        assert_eq!((millis(3, 0), millis(3, 2_000)), (2_000, 4_000));
        assert_eq!(millis(60, 30_000), 60_000);
        let named = Duration::from_secs(7);
        assert_eq!(pause(1, Some(named), 0), named);
        assert_eq!(pause(1, Some(Duration::MAX), 0), OLD);
    }
}

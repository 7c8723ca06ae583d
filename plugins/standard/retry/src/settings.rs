use sluice_standard_settings::{unknown, whole};

/// What an operator can change about the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Attempts at a call that fails on the way or inside Telegram, the first included; 1 repeats
    /// nothing. Waits that are sat out count as attempts, but are not ended by this.
    pub attempts: u32,
    /// The shortest pause before such a repeat.
    pub first_pause_ms: u64,
    /// The longest.
    pub longest_pause_ms: u64,
    /// Repeats of an account within a minute, as a share of its calls in that minute: more are not
    /// made. Waits that are sat out are not held to it.
    pub share_percent: u32,
    /// Repeats of an account within a minute that are fine whatever the share says.
    pub floor: u32,
    /// Added at most to a wait of Telegram's, so that many callers do not come back in one moment.
    pub wait_spread_ms: u64,
    /// The longest single wait of Telegram's that is sat out, however patient the caller.
    pub longest_wait_ms: u64,
    /// Time that a call without `X-Wait` spends on waits of Telegram's. With the header the larger
    /// of the two counts.
    pub patience_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause_ms: 200,
            longest_pause_ms: 5_000,
            share_percent: 20,
            floor: 20,
            wait_spread_ms: 250,
            longest_wait_ms: DAY_MS,
            patience_ms: 0,
        }
    }
}

/// The gateway lets nobody wait longer than this (`calls.max_wait`).
const DAY_MS: u64 = 86_400_000;
/// Longest pause that makes sense beside deadlines of at most an hour (`calls.max_timeout`).
const HOUR_MS: u64 = 3_600_000;
/// Spread beyond which a wait would not be honoured to the second but to the minute.
const MINUTE_MS: u64 = 60_000;

const NAMES: [&str; 8] = [
    "attempts",
    "first_pause_ms",
    "longest_pause_ms",
    "share_percent",
    "floor",
    "wait_spread_ms",
    "longest_wait_ms",
    "patience_ms",
];

impl Settings {
    /// Reads settings; what is left out keeps its default. The error names the setting and what
    /// would be right.
    ///
    /// ```
    /// let settings = sluice_standard_retry::Settings::read([("attempts", "2")]).unwrap();
    /// assert_eq!((settings.attempts, settings.floor), (2, 20));
    /// ```
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut settings = Self::default();
        for (name, value) in pairs {
            match name {
                "attempts" => settings.attempts = whole(name, value, 1..=100)?,
                "first_pause_ms" => settings.first_pause_ms = whole(name, value, 1..=HOUR_MS)?,
                "longest_pause_ms" => settings.longest_pause_ms = whole(name, value, 1..=HOUR_MS)?,
                "share_percent" => settings.share_percent = whole(name, value, 0..=100)?,
                "floor" => settings.floor = whole(name, value, 0..=1_000_000)?,
                "wait_spread_ms" => settings.wait_spread_ms = whole(name, value, 0..=MINUTE_MS)?,
                "longest_wait_ms" => settings.longest_wait_ms = whole(name, value, 0..=DAY_MS)?,
                "patience_ms" => settings.patience_ms = whole(name, value, 0..=DAY_MS)?,
                _ => return Err(unknown(name, &NAMES)),
            }
        }
        let (first, longest) = (settings.first_pause_ms, settings.longest_pause_ms);
        if longest < first {
            return Err(format!(
                "longest_pause_ms ({longest}) is shorter than first_pause_ms ({first})"
            ));
        }
        Ok(settings)
    }
}

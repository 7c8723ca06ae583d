use std::time::Duration;

use super::Dice;

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the gateway to Telegram.
    ToTelegram,
    /// From Telegram to the gateway.
    ToGateway,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order (FIN).
    Close,
    /// By a reset (RST), as from a machine that has forgotten the connection.
    Reset,
}

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The direction whose bytes are counted.
    pub way: Way,
    /// So many are let through, from the moment on when the plan is made.
    pub after: u64,
    /// How both sides see it.
    pub ending: Ending,
}

/// What is done to one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plan {
    /// Reset as soon as it is accepted. (For a port that refuses, see [`Mode::Refused`].)
    pub turned_away: bool,
    /// Cut at this byte.
    pub cut: Option<Cut>,
    /// Nothing reaches Telegram. The connection stands, and what is held back arrives if a later
    /// mode lets it.
    pub deaf: bool,
    /// Nothing reaches the gateway, in the same manner.
    pub mute: bool,
    /// Every piece of either direction waits so long.
    pub delay: Duration,
    /// Pieces are at most so many bytes, each in a write of its own.
    pub slice: Option<usize>,
}

impl Plan {
    /// A connection that stands and carries nothing.
    pub const fn black_hole() -> Self {
        Self {
            deaf: true,
            mute: true,
            ..Self::clear()
        }
    }

    /// Everything passes.
    pub const fn clear() -> Self {
        Self {
            turned_away: false,
            cut: None,
            deaf: false,
            mute: false,
            delay: Duration::ZERO,
            slice: None,
        }
    }
}

/// What may be drawn for a connection: chances are so many in 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weather {
    /// Cut in either direction, half of them by a reset.
    pub cut: u8,
    /// Within so many bytes.
    pub cut_within: u64,
    /// Turned away.
    pub turned_away: u8,
    /// Deaf, mute, or both.
    pub silent: u8,
    /// Every piece waits, at most [`delay_up_to`](Self::delay_up_to).
    pub delay: u8,
    /// The longest wait.
    pub delay_up_to: Duration,
    /// Sent in pieces of 1 to 64 bytes.
    pub slice: u8,
}

impl Weather {
    pub(super) fn draw(&self, dice: &mut Dice) -> Plan {
        // Always the same number of rolls, so that one chance does not move the others' outcome.
        let cut = Cut {
            way: if dice.percent(50) {
                Way::ToTelegram
            } else {
                Way::ToGateway
            },
            after: dice.below(self.cut_within),
            ending: if dice.percent(50) {
                Ending::Close
            } else {
                Ending::Reset
            },
        };
        let silence = dice.below(3);
        let delay = dice.below(u64::try_from(self.delay_up_to.as_micros()).unwrap_or(u64::MAX));
        let slice = usize::try_from(1 + dice.below(64)).unwrap_or(1);
        let cut = dice.percent(self.cut).then_some(cut);
        let silent = dice.percent(self.silent);
        Plan {
            cut,
            deaf: silent && silence != 1,
            mute: silent && silence != 2,
            turned_away: dice.percent(self.turned_away),
            delay: if dice.percent(self.delay) {
                Duration::from_micros(delay)
            } else {
                Duration::ZERO
            },
            slice: dice.percent(self.slice).then_some(slice),
        }
    }
}

/// What a data center's proxies do. A new mode holds for the connections of now, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The same for every connection.
    Planned(Plan),
    /// For each connection it is drawn from the seed.
    Drawn(Weather),
    /// The same, for the connections of now; those that come later pass. To cut each of them once.
    Once(Weather),
    /// The ports are closed and all connections reset.
    Refused,
}

impl Mode {
    /// Everything passes.
    pub const CLEAR: Self = Self::Planned(Plan::clear());

    /// The plan of one connection, which may have come after the mode was set; none where there
    /// are no connections.
    pub(super) fn plan(&self, later: bool, dice: &mut Dice) -> Option<Plan> {
        match self {
            Self::Planned(plan) => Some(*plan),
            Self::Once(_) if later => Some(Plan::clear()),
            Self::Drawn(weather) | Self::Once(weather) => Some(weather.draw(dice)),
            Self::Refused => None,
        }
    }
}

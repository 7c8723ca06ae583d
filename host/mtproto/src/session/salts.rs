use std::collections::VecDeque;

use sluice_domain::Random;

use crate::Now;

/// How long a salt is the current one, in seconds.
const CURRENT: u64 = 1800;
/// How long after its beginning a salt is accepted, in seconds.
const ACCEPTED: u64 = 3600;
/// The most salts that may be asked for at once.
const MAX_FUTURE: usize = 64;

/// A salt and when it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureSalt {
    /// Unix time of its beginning, on the server's clock.
    pub valid_since: i32,
    /// Unix time of its end.
    pub valid_until: i32,
    /// The salt.
    pub salt: i64,
}

/// Server role: the salts of one auth key, shared by its sessions. A salt is current for 30 minutes
/// and accepted for 30 more.
#[derive(Debug, Clone)]
pub struct ServerSalts {
    /// When each begins, in Unix seconds; the future ones too, once they were asked for.
    salts: VecDeque<(u64, i64)>,
}

impl ServerSalts {
    /// The salts of a new key, beginning with the one that the exchange yielded.
    pub fn new(first: i64, now: Now) -> Self {
        Self {
            salts: VecDeque::from([(now.unix.as_secs(), first)]),
        }
    }

    /// The salt that is current.
    pub fn current(&mut self, now: Now, rng: &dyn Random) -> i64 {
        let time = now.unix.as_secs();
        self.salts.retain(|(since, _)| since + ACCEPTED > time);
        match self.salts.iter().rev().find(|(since, _)| *since <= time) {
            Some((since, salt)) if since + CURRENT > time => *salt,
            _ => {
                let salt = rng.u64().cast_signed();
                let place = self.salts.partition_point(|(since, _)| *since <= time);
                self.salts.insert(place, (time, salt));
                salt
            }
        }
    }

    /// Ends all salts at once and makes a new one, as when Telegram loses them.
    pub fn replace(&mut self, now: Now, rng: &dyn Random) {
        self.salts.clear();
        self.current(now, rng);
    }

    /// Whether a message may carry this salt.
    pub(super) fn accepts(&mut self, salt: i64, now: Now, rng: &dyn Random) -> bool {
        let time = now.unix.as_secs();
        self.current(now, rng);
        self.salts
            .iter()
            .any(|(since, known)| *known == salt && *since <= time)
    }

    /// The current salt and those to come.
    pub(super) fn future(&mut self, count: i32, now: Now, rng: &dyn Random) -> Vec<FutureSalt> {
        let count = usize::try_from(count).unwrap_or(0).clamp(1, MAX_FUTURE);
        let current = self.current(now, rng);
        let first = self
            .salts
            .iter()
            .position(|(_, salt)| *salt == current)
            .unwrap_or(0);
        while let Some((last, _)) = self.salts.back()
            && self.salts.len() < first + count
        {
            self.salts
                .push_back((last + CURRENT, rng.u64().cast_signed()));
        }
        let seconds = |time: u64| i32::try_from(time).unwrap_or(i32::MAX);
        self.salts
            .iter()
            .skip(first)
            .take(count)
            .map(|(since, salt)| FutureSalt {
                valid_since: seconds(*since),
                valid_until: seconds(since + ACCEPTED),
                salt: *salt,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::ServerSalts;
    use crate::testing::{Dice, at};

    /// Breaks when a salt is current or accepted for too long or too short.
    #[test]
    fn a_salt_has_two_half_hours() {
        let dice = Dice::new(1);
        let mut salts = ServerSalts::new(7, at(0.0));
        assert_eq!(salts.current(at(1799.0), &dice), 7);
        let second = salts.current(at(1800.0), &dice);
        assert_ne!(second, 7);
        assert!(salts.accepts(7, at(3599.0), &dice));
        assert!(salts.accepts(second, at(3599.0), &dice));
        assert!(!salts.accepts(7, at(3600.0), &dice));
        assert!(!salts.accepts(8, at(3600.0), &dice));
        assert!(!salts.accepts(second, at(1e6), &dice));
        salts.replace(at(1e6), &dice);
        assert!(!salts.accepts(second, at(1e6), &dice));
    }

    /// Breaks when a promised salt is not the one that becomes current.
    #[test]
    fn promised_salts_come() {
        let dice = Dice::new(1);
        let mut salts = ServerSalts::new(7, at(0.0));
        let promised = salts.future(64, at(10.0), &dice);
        assert_eq!(promised.len(), 64);
        assert_eq!(promised[0].salt, 7);
        assert!(!salts.accepts(promised[1].salt, at(10.0), &dice));
        for (number, salt) in promised.iter().enumerate() {
            let now = at(f64::from(u32::try_from(number).unwrap()) * 1800.0 + 1.0);
            assert_eq!(salts.current(now, &dice), salt.salt);
        }
        assert_eq!(salts.future(-1, at(0.0), &dice).len(), 1);
    }
}

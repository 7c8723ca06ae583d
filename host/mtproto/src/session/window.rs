use std::collections::VecDeque;

/// How many received ids are remembered. An idle session stays far below; a busy one repeats a
/// message only while it is young.
const REMEMBERED: usize = 1000;

/// Whether a message was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    New,
    Again,
    /// Older than everything that is remembered: cannot be told.
    Forgotten,
}

/// The last received message ids with their sequence numbers, sorted by id.
#[derive(Debug, Default)]
pub(super) struct Window {
    messages: VecDeque<(i64, i32)>,
    evicted: bool,
}

impl Window {
    fn place(&self, msg_id: i64) -> Result<usize, usize> {
        // Ids almost always grow.
        if self.messages.back().is_none_or(|(last, _)| *last < msg_id) {
            return Err(self.messages.len());
        }
        self.messages.binary_search_by_key(&msg_id, |(id, _)| *id)
    }

    pub(super) fn look(&self, msg_id: i64) -> Seen {
        match self.place(msg_id) {
            Ok(_) => Seen::Again,
            Err(0) if self.evicted => Seen::Forgotten,
            Err(_) => Seen::New,
        }
    }

    /// What `msgs_state_info` says of a message: 1 nothing is known, 2 did not come, 3 did not come and
    /// is newer than all that did, 4 came.
    pub(super) fn state(&self, msg_id: i64) -> u8 {
        match self.place(msg_id) {
            Ok(_) => 4,
            Err(0) => 1,
            Err(place) if place == self.messages.len() => 3,
            Err(_) => 2,
        }
    }

    /// The numbers of the messages before and after a new one.
    pub(super) fn neighbours(&self, msg_id: i64) -> (Option<i32>, Option<i32>) {
        let place = self.place(msg_id).unwrap_or_else(|place| place);
        let number = |at: Option<usize>| at.and_then(|at| self.messages.get(at)).map(|(_, n)| *n);
        (number(place.checked_sub(1)), number(Some(place)))
    }

    /// Remembers a message, and returns the id that had to be forgotten for it.
    pub(super) fn remember(&mut self, msg_id: i64, seq_no: i32) -> Option<i64> {
        if let Err(place) = self.place(msg_id) {
            self.messages.insert(place, (msg_id, seq_no));
        }
        if self.messages.len() <= REMEMBERED {
            return None;
        }
        self.evicted = true;
        self.messages.pop_front().map(|(id, _)| id)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, Seen, Window};

    /// Breaks when a repeated message passes for new, or one that cannot be known for either.
    #[test]
    fn remembers_the_newest() {
        let mut window = Window::default();
        let last = i64::try_from(REMEMBERED).unwrap() * 2;
        for id in (2..=last).step_by(2) {
            assert_eq!(window.look(id), Seen::New);
            assert_eq!(window.remember(id, 0), None);
            assert_eq!(window.look(id), Seen::Again);
        }
        assert_eq!(window.look(1), Seen::New, "nothing was forgotten yet");
        assert_eq!(window.remember(5, 0), Some(2));
        assert_eq!(window.look(2), Seen::Forgotten);
        assert_eq!(window.look(1), Seen::Forgotten);
        assert_eq!(window.look(4), Seen::Again);
        assert_eq!(window.look(7), Seen::New);
    }

    /// Breaks when a message that did not come is told for one that did, or for one that may have.
    #[test]
    fn states() {
        let mut window = Window::default();
        assert_eq!(window.state(8), 1, "nothing is remembered");
        window.remember(8, 0);
        window.remember(16, 0);
        let states = [4, 8, 12, 16, 20].map(|id| window.state(id));
        assert_eq!(states, [1, 4, 2, 4, 3]);
    }
}

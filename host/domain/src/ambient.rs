use core::time::Duration;

use super::UnixMillis;

/// Time, passed in so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> UnixMillis;
    /// A clock that never goes back, from an arbitrary start.
    fn monotonic(&self) -> Duration;
}

/// Randomness, passed in so that tests can repeat it. Fit for keys in production.
pub trait Random: Send + Sync + 'static {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);

    /// 64 random bits.
    fn u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

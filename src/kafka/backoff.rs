//! How long is waited before the next attempt?

use std::time::Duration;

use crate::limits;

/// Waits that double from attempt to attempt.
#[derive(Debug)]
pub struct Backoff {
    next_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next_ms: limits::RETRY_FIRST_MS }
    }
}

impl Backoff {
    /// How long to wait now.
    pub fn wait(&mut self) -> Duration {
        let now = self.next_ms;
        self.next_ms = (now * 2).min(limits::RETRY_LAST_MS);
        Duration::from_millis(now)
    }

    /// It worked: the next wait is the first again.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..10).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
        backoff.reset();
        assert_eq!(backoff.wait().as_millis(), 100);
    }
}

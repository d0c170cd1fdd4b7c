//! How is a line that repeats itself kept from filling the log?

use std::collections::BTreeMap;

use crate::limits;

/// Remembers when each kind of line was last written.
#[derive(Debug, Default)]
pub struct Throttle {
    lines: BTreeMap<String, Line>,
}

#[derive(Debug)]
struct Line {
    written_ms: i64,
    suppressed: u64,
}

impl Throttle {
    /// Kinds that are told apart; beyond, the ones written longest ago are forgotten.
    const KINDS: usize = 256;

    /// Whether a line of this kind may be written now; if so, how many were left out before it.
    pub fn admit(&mut self, kind: &str, now_ms: i64) -> Option<u64> {
        if let Some(line) = self.lines.get_mut(kind) {
            if now_ms - line.written_ms < limits::LOG_REPEAT_MS {
                line.suppressed += 1;
                return None;
            }
            line.written_ms = now_ms;
            return Some(std::mem::take(&mut line.suppressed));
        }
        if self.lines.len() >= Self::KINDS {
            self.lines.retain(|_, line| now_ms - line.written_ms < limits::LOG_REPEAT_MS);
        }
        if self.lines.len() < Self::KINDS {
            self.lines.insert(kind.to_owned(), Line { written_ms: now_ms, suppressed: 0 });
        }
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_until_their_time_has_passed() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.admit("down", 0), Some(0));
        assert_eq!(throttle.admit("down", 1), None);
        assert_eq!(throttle.admit("down", limits::LOG_REPEAT_MS - 1), None);
        assert_eq!(throttle.admit("other", 2), Some(0));
        assert_eq!(throttle.admit("down", limits::LOG_REPEAT_MS), Some(2));
        assert_eq!(throttle.admit("down", 2 * limits::LOG_REPEAT_MS), Some(0));
    }

    #[test]
    fn the_number_of_kinds_is_bounded() {
        let mut throttle = Throttle::default();
        for kind in 0..10_000 {
            assert_eq!(throttle.admit(&kind.to_string(), 0), Some(0));
        }
        assert_eq!(throttle.lines.len(), Throttle::KINDS);
    }
}

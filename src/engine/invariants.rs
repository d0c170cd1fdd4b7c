//! What must always hold, and what happens when it does not?
//!
//! These are evaluated in every build. A mistake of the program stops a test or a debug build at
//! once; in a release it is counted (`Tally::invariants`), and the run goes on.

use crate::correlate::Firing;
use crate::model::Tally;

/// Notes whether something that must hold does.
pub(super) fn check(holds: bool, what: &str, tally: &mut Tally) {
    if !holds {
        tally.invariants += 1;
    }
    debug_assert!(holds, "{what}");
}

/// Time in a shard never goes back.
pub(super) fn watermark(before_ms: Option<i64>, after_ms: Option<i64>, tally: &mut Tally) {
    check(before_ms <= after_ms, "the watermark went back", tally);
}

/// A window that came true holds what it counts, in order.
pub(super) fn firing(firing: &Firing, tally: &mut Tally) {
    let window = firing.window;
    check(firing.count > 0, "a window came true without an event", tally);
    check(window.start_ms <= window.end_ms, "a window ends before it starts", tally);
    let first_ms = firing.first_seen_ms;
    check(first_ms <= firing.last_ms, "the first event comes after the last", tally);
    let times = || firing.shown.evidence.iter().map(|evidence| evidence.published_ms);
    check(times().is_sorted(), "evidence is out of order", tally);
    check(times().all(|time_ms| time_ms <= firing.last_ms), "evidence is later than its window", tally);
}

//! What time is it?
//!
//! The only place of the Kafka side that asks. What the engine needs to know of time is handed to
//! it as a tick.

use std::sync::OnceLock;
use std::time::Instant;

/// The wall clock, ms since the epoch.
#[expect(clippy::disallowed_methods, reason = "the rim reads the clock and hands it to the core as a tick")]
pub fn wall_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A clock that never goes back.
#[expect(clippy::disallowed_methods, reason = "the rim measures how long its own work takes")]
pub fn instant() -> Instant {
    Instant::now()
}

/// The same clock in ms since the process first asked.
pub fn steady_ms() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(instant);
    i64::try_from(instant().duration_since(start).as_millis()).unwrap_or(i64::MAX)
}

//! Does the program keep its promises against a real Kafka?
//!
//! Slow, and in need of Java and rsyslog, so only when asked for:
//! `cargo test --test broker -- --ignored`, or `tests/run --only broker`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test is all rim: it reads clocks, starts processes, and ends at the first thing that fails"
)]

mod absence;
mod crash;
mod dead_letters;
mod forwarders;
mod http;
mod mixed;
mod outage;
mod reload;
mod secure;
mod state;
#[path = "../support/mod.rs"]
mod support;

/// An hour ago: old enough that nothing is from the future.
fn an_hour_ago() -> i64 {
    jiff::Timestamp::now().as_millisecond() - 3_600_000
}

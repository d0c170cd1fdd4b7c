//! What do tests need that run the real program against a real broker?
//!
//! `events` makes what Okta logs, `envelope` wraps it as forwarders do, `broker` and `topic` are
//! Kafka, `service` is the program as a process, `alert` reads what it found, `forwarder` runs
//! rsyslog and Kafka Connect.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod alert;
pub mod broker;
pub mod envelope;
pub mod events;
pub mod forwarder;
pub mod process;
pub mod random;
pub mod service;
pub mod story;
pub mod topic;

use std::time::{Duration, Instant};

/// Asks again until there is an answer; what was waited for is named when there is none in time.
pub fn wait_for<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

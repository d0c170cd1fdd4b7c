//! `event_count`: at which events does a window hold so many?

use super::condition::{Threshold, rising};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct EventCount {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
}

impl EventCount {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        rising(&self.thresholds, events, self.timespan_ms, |window| window.len() as f64)
    }
}

//! `event_count`: how many events does a window hold?

use super::condition::{Gauge, Threshold};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct EventCount {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
}

impl Gauge for EventCount {
    fn timespan_ms(&self) -> i64 {
        self.timespan_ms
    }

    fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    fn rises(&self) -> bool {
        true
    }

    fn takes(&self, _: &Occurrence<'_>) -> bool {
        true
    }

    fn figure(&self, window: &[&Occurrence<'_>]) -> f64 {
        window.len() as f64
    }
}

//! `value_sum`: what do the numbers of a window add up to?

use super::condition::{Gauge, Threshold};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValueSum {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    pub field: String,
}

impl Gauge for ValueSum {
    fn timespan_ms(&self) -> i64 {
        self.timespan_ms
    }

    fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    fn rises(&self) -> bool {
        true
    }

    fn takes(&self, occurrence: &Occurrence<'_>) -> bool {
        !occurrence.event.numbers(&self.field).is_empty()
    }

    fn figure(&self, window: &[&Occurrence<'_>]) -> f64 {
        window.iter().flat_map(|occurrence| occurrence.event.numbers(&self.field)).sum()
    }
}

//! `value_count`: how many distinct values does a window hold?

use std::collections::BTreeSet;

use super::condition::{Gauge, Threshold};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValueCount {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    /// Of several fields, the distinct combinations count.
    pub fields: Vec<String>,
}

impl Gauge for ValueCount {
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
        !occurrence.event.tuples(&self.fields).is_empty()
    }

    fn figure(&self, window: &[&Occurrence<'_>]) -> f64 {
        let values = window.iter().flat_map(|occurrence| occurrence.event.tuples(&self.fields));
        values.collect::<BTreeSet<_>>().len() as f64
    }
}

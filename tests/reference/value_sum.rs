//! `value_sum`: at which events do the numbers of a window add up to so much?

use super::condition::{Threshold, among, rising};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValueSum {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    pub field: String,
}

impl ValueSum {
    /// An event without a number is none of the rule's.
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let has_number = |occurrence: &Occurrence<'_>| !occurrence.event.numbers(&self.field).is_empty();
        among(events, has_number, |events| {
            rising(&self.thresholds, events, self.timespan_ms, |window| {
                window.iter().flat_map(|occurrence| occurrence.event.numbers(&self.field)).sum()
            })
        })
    }
}

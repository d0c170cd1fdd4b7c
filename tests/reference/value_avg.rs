//! `value_avg`: at which events is the mean of a window's numbers so high?

use super::condition::{Threshold, among, falling};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValueAvg {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    pub field: String,
}

impl ValueAvg {
    /// An event without a number is none of the rule's.
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let has_number = |occurrence: &Occurrence<'_>| !occurrence.event.numbers(&self.field).is_empty();
        among(events, has_number, |events| {
            falling(&self.thresholds, events, self.timespan_ms, |window| {
                let numbers: Vec<f64> =
                    window.iter().flat_map(|occurrence| occurrence.event.numbers(&self.field)).collect();
                mean(&numbers)
            })
        })
    }
}

pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

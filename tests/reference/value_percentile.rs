//! `value_percentile`, `value_median`: at which events are so many of a window's numbers below?

use super::condition::{Threshold, among, falling};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValuePercentile {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    pub field: String,
    /// 0–100; the median is 50.
    pub percentile: f64,
}

impl ValuePercentile {
    /// An event without a number is none of the rule's.
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let has_number = |occurrence: &Occurrence<'_>| !occurrence.event.numbers(&self.field).is_empty();
        among(events, has_number, |events| {
            falling(&self.thresholds, events, self.timespan_ms, |window| {
                let numbers =
                    window.iter().flat_map(|occurrence| occurrence.event.numbers(&self.field)).collect();
                percentile(numbers, self.percentile)
            })
        })
    }
}

/// SQL's `PERCENTILE_CONT`: linear between the two numbers around the place.
pub fn percentile(mut numbers: Vec<f64>, percentile: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let place = percentile / 100.0 * (numbers.len() - 1) as f64;
    let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

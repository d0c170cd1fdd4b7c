//! `value_percentile`, `value_median`: below which number are so many of a window's?

use super::condition::{Gauge, Threshold};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValuePercentile {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    pub field: String,
    /// 0–100; the median is 50.
    pub percentile: f64,
}

impl Gauge for ValuePercentile {
    fn timespan_ms(&self) -> i64 {
        self.timespan_ms
    }

    fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    fn rises(&self) -> bool {
        false
    }

    fn takes(&self, occurrence: &Occurrence<'_>) -> bool {
        !occurrence.event.numbers(&self.field).is_empty()
    }

    fn figure(&self, window: &[&Occurrence<'_>]) -> f64 {
        let numbers = window.iter().flat_map(|occurrence| occurrence.event.numbers(&self.field)).collect();
        percentile(numbers, self.percentile)
    }
}

/// SQL's `PERCENTILE_CONT`: linear between the two numbers around the place.
pub fn percentile(mut numbers: Vec<f64>, percentile: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let place = percentile / 100.0 * (numbers.len() - 1) as f64;
    let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

//! `value_avg`: what is the mean of a window's numbers?

use super::condition::{Gauge, Threshold};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValueAvg {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    pub field: String,
}

impl Gauge for ValueAvg {
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
        let numbers: Vec<f64> =
            window.iter().flat_map(|occurrence| occurrence.event.numbers(&self.field)).collect();
        mean(&numbers)
    }
}

pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

//! Is there a match of a rule within a timespan of an event, before or after it?

use std::collections::{BTreeMap, VecDeque};

use super::distinct::Values;
use super::measure::Timespan;
use super::series::{Occurrence, Series};
use crate::durable;

/// The times of the matches of rules that must not be near, each in order.
#[derive(Debug, Default)]
pub(super) struct Nearby {
    times: BTreeMap<usize, VecDeque<i64>>,
}

durable!(Nearby { times });

impl Nearby {
    /// An event was put to a place.
    pub(super) fn inserted(&mut self, series: &Series<Values>, place: usize, unwanted: &[usize]) {
        if let Some(occurrence) = series.get(place).filter(|_| !unwanted.is_empty()) {
            self.merged(occurrence.stamp.time_ms, &occurrence.mark, unwanted);
        }
    }

    /// An event turned out to be a match of more rules.
    pub(super) fn merged(&mut self, time_ms: i64, branches: &[u64], unwanted: &[usize]) {
        for branch in unwanted.iter().filter(|branch| branches.contains(&(**branch as u64))) {
            let times = self.times.entry(*branch).or_default();
            let place = times.partition_point(|other| *other <= time_ms);
            times.insert(place, time_ms);
        }
    }

    /// The oldest event was taken out of the series.
    pub(super) fn removed(&mut self, gone: &Occurrence<Values>) {
        for times in self.times.values_mut() {
            while times.front().is_some_and(|time_ms| *time_ms <= gone.stamp.time_ms) {
                times.pop_front();
            }
        }
    }

    /// Whether a window of this length can hold both the event at a time and a match of the rule.
    pub(super) fn holds(&self, branch: usize, timespan: Timespan, time_ms: i64) -> bool {
        let Some(times) = self.times.get(&branch) else { return false };
        let first = times.partition_point(|other| *other <= timespan.start(time_ms));
        times.get(first).is_some_and(|other| *other < timespan.end(time_ms))
    }
}

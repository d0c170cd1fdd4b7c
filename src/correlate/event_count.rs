//! `event_count`: how many events does a window hold?

use super::measure::{Measure, Timespan, reaches};
use super::series::{Occurrence, Series};
use crate::model::Match;

/// Counts the events of a window. An event that several of the rule's branches match is one.
#[derive(Debug)]
pub(super) struct EventCount {
    /// Length of the window.
    pub(super) timespan: Timespan,
}

impl Measure for EventCount {
    type Mark = ();
    type Tally = ();

    fn mark(&self, _branch: usize, _matched: &Match) -> Option<()> {
        Some(())
    }

    fn inserted(&self, _series: &Series<()>, _place: usize, _tally: &mut ()) {}

    fn merged(&self, _series: &mut Series<()>, _place: usize, _more: (), _tally: &mut ()) -> bool {
        false
    }

    fn removed(&self, _gone: &Occurrence<()>, _tally: &mut ()) {}

    fn judge(&self, series: &Series<()>, place: usize, _tally: &mut (), judged: &mut dyn FnMut(usize, f64)) {
        let Some(time_ms) = series.time(place) else { return };
        let mut start = series.first_after(self.timespan.start(time_ms));
        let mut last = place;
        while reaches(series, self.timespan, place, last) {
            while !reaches(series, self.timespan, start, last) {
                start += 1;
            }
            judged(last, (last + 1 - start) as f64);
            last += 1;
        }
    }

    fn name(&self) -> String {
        "events".to_owned()
    }
}

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

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    fn ten() -> Fed<EventCount> {
        Fed::new(EventCount { timespan: Timespan(10) })
    }

    #[test]
    fn a_window_holds_what_is_less_than_its_length_before_the_last() {
        let mut fed = ten();
        assert_eq!(fed.take(100, 1, ()), [(100, 1.0)]);
        assert_eq!(fed.take(109, 2, ()), [(109, 2.0)]);
        assert_eq!(fed.take(110, 3, ()), [(110, 2.0)]);
    }

    #[test]
    fn an_event_out_of_order_joins_every_window_that_holds_it() {
        let mut fed = ten();
        for (time, uuid) in [(100, 1), (108, 2), (115, 3), (116, 4)] {
            fed.take(time, uuid, ());
        }
        assert_eq!(fed.take(106, 5, ()), [(106, 2.0), (108, 3.0), (115, 3.0)]);
    }

    #[test]
    fn of_events_at_one_time_the_last_by_uuid_sees_all() {
        let mut fed = ten();
        fed.take(100, 2, ());
        assert_eq!(fed.take(100, 1, ()), [(100, 1.0), (100, 2.0)]);
    }

    #[test]
    fn an_event_counts_once() {
        let mut fed = ten();
        fed.take(100, 1, ());
        assert_eq!(fed.take(100, 1, ()), []);
    }
}

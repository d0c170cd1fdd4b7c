//! `event_count`: how many events does a window hold?

use super::gauge::Gauge;
use super::measure::{Timespan, reaches};
use super::series::{Occurrence, Series};
use crate::model::Match;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// Counts the events of a window. An event that several of the rule's branches match is one.
#[derive(Debug)]
pub(super) struct EventCount;

/// The place of the first event of the window measured last.
#[derive(Debug, Default)]
pub(super) struct First {
    place: usize,
}

impl Gauge for EventCount {
    type Mark = ();
    type Frame = First;

    fn mark(&self, _branch: usize, _matched: &Match) -> Option<()> {
        Some(())
    }

    fn inserted(&self, _series: &Series<()>, place: usize, first: &mut First) {
        first.place += usize::from(place < first.place);
    }

    fn merged(&self, _series: &mut Series<()>, _place: usize, _more: (), _first: &mut First) -> bool {
        false
    }

    fn removed(&self, _gone: &Occurrence<()>, first: &mut First) {
        first.place = first.place.saturating_sub(1);
    }

    fn figure(&self, series: &Series<()>, timespan: Timespan, place: usize, first: &mut First) -> f64 {
        first.place = first.place.min(place);
        while first.place > 0 && reaches(series, timespan, first.place - 1, place) {
            first.place -= 1;
        }
        while first.place < place && !reaches(series, timespan, first.place, place) {
            first.place += 1;
        }
        (place + 1 - first.place) as f64
    }

    fn write(&self, first: &First, out: &mut Writer<'_>) {
        let First { place } = first;
        place.write(out);
    }

    fn read(&self, _series: &Series<()>, from: &mut Reader<'_>) -> Result<First, Corrupt> {
        Ok(First { place: usize::read(from)? })
    }

    fn name(&self) -> String {
        "events".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::Own;
    use super::super::samples::{Fed, rising};
    use super::*;

    fn ten() -> Fed<Own<EventCount>> {
        Fed::new(rising(EventCount, 10))
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

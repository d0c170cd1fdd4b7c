//! `value_count`: how many distinct values of a field does a window hold?

use super::counted;
use super::distinct::{Distinct, Values, merge};
use super::gauge::{Frame, Gauge};
use super::measure::Timespan;
use super::series::{Occurrence, Series};
use crate::model::Match;
use crate::rule::Counted;
use crate::state::{Corrupt, Reader, Writer};

/// Counts the distinct values of a field, or of several together. Every element of an array counts.
#[derive(Debug)]
pub(super) struct ValueCount {
    pub(super) counted: Counted,
}

impl Gauge for ValueCount {
    type Mark = Values;
    type Frame = Frame<Distinct>;

    fn mark(&self, branch: usize, matched: &Match) -> Option<Values> {
        counted::values(&self.counted, branch, matched)
    }

    fn inserted(&self, series: &Series<Values>, place: usize, frame: &mut Self::Frame) {
        frame.inserted(series, place);
    }

    fn merged(
        &self,
        series: &mut Series<Values>,
        place: usize,
        more: Values,
        frame: &mut Self::Frame,
    ) -> bool {
        merge(series, place, more, frame)
    }

    fn removed(&self, gone: &Occurrence<Values>, frame: &mut Self::Frame) {
        frame.removed(&gone.mark);
    }

    fn figure(
        &self,
        series: &Series<Values>,
        timespan: Timespan,
        place: usize,
        frame: &mut Self::Frame,
    ) -> f64 {
        frame.over(series, timespan, place).len() as f64
    }

    fn write(&self, frame: &Self::Frame, out: &mut Writer<'_>) {
        frame.write(out);
    }

    fn read(&self, series: &Series<Values>, from: &mut Reader<'_>) -> Result<Self::Frame, Corrupt> {
        Frame::read(series, Distinct::default(), from)
    }

    fn name(&self) -> String {
        format!("distinct {}", self.counted.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::distinct::value;
    use super::super::own::Own;
    use super::super::samples::{Fed, rising};
    use super::*;

    fn ten() -> Fed<Own<ValueCount>> {
        Fed::new(rising(ValueCount { counted: Counted::default() }, 10))
    }

    fn values(values: &[&str]) -> Values {
        values.iter().map(|text| value(text)).collect()
    }

    #[test]
    fn a_value_counts_once_and_leaves_with_the_last_event_that_has_it() {
        let mut fed = ten();
        assert_eq!(fed.take(100, 1, values(&["a"])), [(100, 1.0)]);
        assert_eq!(fed.take(104, 2, values(&["A"])), [(104, 1.0)]);
        assert_eq!(fed.take(106, 3, values(&["b"])), [(106, 2.0)]);
        assert_eq!(fed.take(110, 4, values(&["c"])), [(110, 3.0)]);
        assert_eq!(fed.take(114, 5, values(&["c"])), [(114, 2.0)]);
    }

    #[test]
    fn every_element_of_an_array_counts() {
        let mut fed = ten();
        assert_eq!(fed.take(100, 1, values(&["a", "b"])), [(100, 2.0)]);
        assert_eq!(fed.take(101, 2, values(&["b", "c"])), [(101, 3.0)]);
    }

    #[test]
    fn an_event_out_of_order_joins_every_window_that_holds_it() {
        let mut fed = ten();
        for (time, uuid, name) in [(100, 1, "a"), (108, 2, "b"), (115, 3, "c"), (119, 4, "d")] {
            fed.take(time, uuid, values(&[name]));
        }
        assert_eq!(fed.take(106, 5, values(&["e"])), [(106, 2.0), (108, 3.0), (115, 3.0)]);
        assert_eq!(fed.take(120, 6, values(&["e"])), [(120, 3.0)]);
    }

    #[test]
    fn another_branch_adds_its_value_to_the_same_event() {
        let mut fed = ten();
        fed.take(100, 1, values(&["a"]));
        fed.take(101, 2, values(&["b"]));
        assert_eq!(fed.take(100, 1, values(&["c"])), [(100, 2.0), (101, 3.0)]);
        assert_eq!(fed.take(100, 1, values(&["c"])), []);
    }

    #[test]
    fn what_is_taken_out_no_longer_counts() {
        let mut fed = ten();
        fed.take(100, 1, values(&["a"]));
        fed.take(101, 2, values(&["b"]));
        fed.remove_oldest();
        assert_eq!(fed.take(102, 3, values(&["c"])), [(102, 2.0)]);
        fed.take(130, 4, values(&["d"]));
        fed.remove_oldest();
        assert_eq!(fed.take(131, 5, values(&["e"])), [(131, 2.0)]);
    }
}

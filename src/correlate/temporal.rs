//! `temporal`: which of the rules does a window hold a match of?

use super::distinct::{Frame, Values, merge};
use super::measure::{Measure, Timespan};
use super::series::{Occurrence, Series};
use crate::model::Match;

/// Counts the distinct rules that matched within a window, in any order.
///
/// One event may stand for several of the rules: Sigma asks that each of them occurs, not that
/// each has an event of its own.
#[derive(Debug)]
pub(super) struct Temporal {
    /// Length of the window.
    pub(super) timespan: Timespan,
}

impl Measure for Temporal {
    type Mark = Values;
    type Tally = Frame;

    fn mark(&self, branch: usize, _matched: &Match) -> Option<Values> {
        Some(Values::from_slice(&[branch as u64]))
    }

    fn inserted(&self, series: &Series<Values>, place: usize, frame: &mut Frame) {
        frame.inserted(series, place);
    }

    fn merged(&self, series: &mut Series<Values>, place: usize, more: Values, frame: &mut Frame) -> bool {
        let new = merge(series, place, more);
        frame.grown(place, &new);
        !new.is_empty()
    }

    fn removed(&self, gone: &Occurrence<Values>, frame: &mut Frame) {
        frame.removed(&gone.mark);
    }

    fn judge(
        &self,
        series: &Series<Values>,
        place: usize,
        frame: &mut Frame,
        judged: &mut dyn FnMut(usize, f64),
    ) {
        frame.judge(series, self.timespan, place, judged);
    }

    fn name(&self) -> String {
        "rules seen".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    fn rule(branch: u64) -> Values {
        Values::from_slice(&[branch])
    }

    #[test]
    fn the_rules_may_match_in_any_order_within_the_window() {
        let mut fed = Fed::new(Temporal { timespan: Timespan(10) });
        fed.take(100, 1, rule(1));
        assert_eq!(fed.take(109, 2, rule(0)), [(109, 2.0)]);
        assert_eq!(fed.take(110, 3, rule(0)), [(110, 1.0)]);
        assert_eq!(fed.take(101, 4, rule(1)), [(101, 1.0), (109, 2.0), (110, 2.0)]);
    }

    #[test]
    fn one_event_may_stand_for_two_rules() {
        let mut fed = Fed::new(Temporal { timespan: Timespan(10) });
        fed.take(100, 1, rule(0));
        assert_eq!(fed.take(100, 1, rule(1)), [(100, 2.0)]);
    }
}

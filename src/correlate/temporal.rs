//! `temporal`: which of the rules does a window hold a match of?

use super::distinct::{Distinct, Values, merge};
use super::gauge::{Frame, Gauge};
use super::measure::Timespan;
use super::series::{Occurrence, Series};
use crate::model::Match;
use crate::state::{Corrupt, Reader, Writer};

/// Counts the distinct rules that matched within a window, in any order.
///
/// One event may stand for several of the rules: Sigma asks that each of them occurs, not that
/// each has an event of its own.
#[derive(Debug)]
pub(super) struct RulesSeen;

impl Gauge for RulesSeen {
    type Mark = Values;
    type Frame = Frame<Distinct>;

    fn mark(&self, branch: usize, _matched: &Match) -> Option<Values> {
        Some(Values::from_slice(&[branch as u64]))
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
        "rules seen".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Fed, rising};
    use super::*;

    fn rule(branch: u64) -> Values {
        Values::from_slice(&[branch])
    }

    #[test]
    fn the_rules_may_match_in_any_order_within_the_window() {
        let mut fed = Fed::new(rising(RulesSeen, 10));
        fed.take(100, 1, rule(1));
        assert_eq!(fed.take(109, 2, rule(0)), [(109, 2.0)]);
        assert_eq!(fed.take(110, 3, rule(0)), [(110, 1.0)]);
        assert_eq!(fed.take(101, 4, rule(1)), [(101, 1.0), (109, 2.0), (110, 2.0)]);
    }

    #[test]
    fn one_event_may_stand_for_two_rules() {
        let mut fed = Fed::new(rising(RulesSeen, 10));
        fed.take(100, 1, rule(0));
        assert_eq!(fed.take(100, 1, rule(1)), [(100, 2.0)]);
    }
}

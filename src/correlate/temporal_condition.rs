//! `temporal` with a condition over the rules: which of them does a window hold, and which not?

use super::distinct::{Distinct, Values, merge};
use super::gauge::Frame;
use super::measure::{Measure, Reading, Timespan, reaches};
use super::nearby::Nearby;
use super::series::{Occurrence, Series};
use crate::model::{Match, Measured};
use crate::rule::RuleExpression;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// What must be seen is looked for in the event's own window; what must not be, in every window that
/// shares the event, so that it may come neither before nor after.
#[derive(Debug)]
pub(super) struct TemporalCondition {
    timespan: Timespan,
    expression: RuleExpression,
    wanted: Vec<usize>,
    unwanted: Vec<usize>,
}

/// What is kept of a key.
#[derive(Debug, Default)]
pub(super) struct Held {
    frame: Frame<Distinct>,
    nearby: Nearby,
}

impl TemporalCondition {
    pub(super) fn new(timespan: Timespan, expression: &RuleExpression) -> Self {
        let (wanted, unwanted) = (expression.wanted(), expression.unwanted());
        Self { timespan, expression: expression.clone(), wanted, unwanted }
    }
}

impl Measure for TemporalCondition {
    type Mark = Values;
    type Tally = Held;

    fn waits_ms(&self) -> Option<i64> {
        (!self.unwanted.is_empty()).then_some(self.timespan.0.saturating_sub(1))
    }

    fn mark(&self, branch: usize, _matched: &Match) -> Option<Values> {
        Some(Values::from_slice(&[branch as u64]))
    }

    fn inserted(&self, series: &Series<Values>, place: usize, held: &mut Held) {
        held.frame.inserted(series, place);
        held.nearby.inserted(series, place, &self.unwanted);
    }

    fn merged(&self, series: &mut Series<Values>, place: usize, more: Values, held: &mut Held) -> bool {
        let (time_ms, branches) = (series.time(place).unwrap_or_default(), more.clone());
        let new = merge(series, place, more, &mut held.frame);
        if new {
            held.nearby.merged(time_ms, &branches, &self.unwanted);
        }
        new
    }

    fn removed(&self, gone: &Occurrence<Values>, held: &mut Held) {
        held.frame.removed(&gone.mark);
        held.nearby.removed(gone);
    }

    fn judge(
        &self,
        series: &Series<Values>,
        place: usize,
        held: &mut Held,
        judged: &mut dyn FnMut(usize, Reading),
    ) {
        let mut last = place;
        while reaches(series, self.timespan, place, last) {
            judged(last, self.decide(series, last, held));
            last += 1;
        }
    }

    /// An event that only shows what must not be seen satisfies nothing.
    fn decide(&self, series: &Series<Values>, place: usize, held: &mut Held) -> Reading {
        let Some(occurrence) = series.get(place) else { return Reading::default() };
        let time_ms = occurrence.stamp.time_ms;
        let counts = self.wanted.iter().any(|branch| occurrence.mark.contains(&(*branch as u64)));
        let inside = held.frame.over(series, self.timespan, place);
        let seen = self.wanted.iter().filter(|branch| inside.holds(**branch as u64)).count();
        let nearby = &held.nearby;
        let is_near = |branch: usize| nearby.holds(branch, self.timespan, time_ms);
        let holds = counts && self.expression.holds(&|branch| inside.holds(branch as u64), &is_near);
        Reading::new(seen as f64, holds)
    }

    fn write(&self, held: &Held, out: &mut Writer<'_>) {
        let Held { frame, nearby } = held;
        frame.write(out);
        nearby.write(out);
    }

    fn read(&self, series: &Series<Values>, from: &mut Reader<'_>) -> Result<Held, Corrupt> {
        let frame = Frame::read(series, Distinct::default(), from)?;
        Ok(Held { frame, nearby: Nearby::read(from)? })
    }

    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        let required = match self.unwanted.len() {
            0 => format!("of {}", self.wanted.len()),
            unwanted => format!("of {} and none of {unwanted} others near", self.wanted.len()),
        };
        vec![Measured { what: "rules seen".to_owned(), observed: reading.headline(), required }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    fn fed(expression: RuleExpression) -> Fed<TemporalCondition> {
        Fed::new(TemporalCondition::new(Timespan(10), &expression))
    }

    fn rule(branch: u64) -> Values {
        Values::from_slice(&[branch])
    }

    fn first_without_second() -> RuleExpression {
        RuleExpression::All(vec![RuleExpression::Seen(0), RuleExpression::Unseen(1)])
    }

    #[test]
    fn what_must_not_be_seen_may_come_neither_before_nor_after() {
        for (other, satisfied) in [(90, true), (91, false), (100, false), (109, false), (110, true)] {
            let mut fed = fed(first_without_second());
            fed.put(100, 5, rule(0));
            fed.put(other, 6, rule(1));
            let decided: Vec<bool> =
                fed.decide_all().into_iter().filter(|(at, _)| *at == 100).map(|(_, holds)| holds).collect();
            assert_eq!(decided.contains(&true), satisfied, "the other at {other}");
        }
    }

    #[test]
    fn an_event_of_an_unwanted_rule_satisfies_nothing_itself() {
        let either = RuleExpression::Any(vec![RuleExpression::Seen(0), RuleExpression::Unseen(1)]);
        let mut fed = fed(either);
        fed.put(100, 1, rule(0));
        fed.put(105, 2, rule(1));
        assert_eq!(fed.decide_all(), [(100, true), (105, false)]);
    }

    #[test]
    fn without_a_not_it_is_judged_at_once() {
        let or = RuleExpression::Any(vec![RuleExpression::Seen(1), RuleExpression::Seen(2)]);
        let expression = RuleExpression::All(vec![RuleExpression::Seen(0), or]);
        let measure = TemporalCondition::new(Timespan(10), &expression);
        assert_eq!(measure.waits_ms(), None);
        let mut fed = Fed::new(measure);
        assert_eq!(fed.take(100, 1, rule(0)), [(100, 1.0)]);
        assert_eq!(fed.take(105, 2, rule(2)), [(105, 2.0)]);
        assert_eq!(fed.decide_all(), [(100, false), (105, true)]);
    }
}

//! Which table keeps the state of a correlation?

use super::absence::Absence;
use super::aggregate::Aggregate;
use super::baseline::Baselines;
use super::event_count::EventCount;
use super::gauge::Gauge;
use super::measure::{Measure, Timespan};
use super::new_value::NewValues;
use super::numbers;
use super::own::Own;
use super::risk_score::RiskScores;
use super::sequence::Sequence;
use super::settled::Settled;
use super::table::{Correlate, Spec, Table};
use super::temporal::RulesSeen;
use super::temporal_condition::TemporalCondition;
use super::temporal_ordered::TemporalOrdered;
use super::value_count::ValueCount;
use crate::rule::{Correlation, FigureKind, FigureTest, RuleCondition, TemporalTest, Test, Threshold};

type Boxed = Box<dyn Correlate + Send>;

/// An empty table for a correlation.
pub(super) fn table(correlation: &Correlation, spec: Spec) -> Boxed {
    let timespan = Timespan(correlation.timespan_ms);
    match &correlation.test {
        Test::Figure(test) => figure(test, timespan, spec),
        Test::Temporal(test) => temporal(test, timespan, correlation.rules.len(), spec),
        Test::Sequence(test) => boxed(Sequence::new(test, timespan), spec),
        Test::Absence(test) => boxed(Absence::new(test, timespan), spec),
        Test::Aggregate(test) => boxed(Aggregate::new(timespan, test), spec),
        Test::Baseline(test) => Box::new(Baselines::new(test, spec)),
        Test::RiskScore(test) => Box::new(RiskScores::new(test, timespan, spec)),
        Test::NewValue(test) => Box::new(NewValues::new(test, spec)),
    }
}

fn figure(test: &FigureTest, timespan: Timespan, spec: Spec) -> Boxed {
    let (counted, conditions) = (&test.counted, test.conditions.clone());
    match test.figure {
        FigureKind::Count => rising(EventCount, timespan, conditions, spec),
        FigureKind::Distinct => rising(ValueCount { counted: counted.clone() }, timespan, conditions, spec),
        FigureKind::Sum => rising(numbers::sum(counted), timespan, conditions, spec),
        FigureKind::Average => {
            boxed(Own { gauge: numbers::average(counted), timespan, conditions, rises: false }, spec)
        }
        FigureKind::Percentile(percent) => {
            let gauge = numbers::percentile(counted, percent);
            boxed(Own { gauge, timespan, conditions, rises: false }, spec)
        }
    }
}

fn temporal(test: &TemporalTest, timespan: Timespan, rules: usize, spec: Spec) -> Boxed {
    match &test.condition {
        RuleCondition::Number(conditions) if !test.ordered => {
            rising(RulesSeen, timespan, conditions.clone(), spec)
        }
        RuleCondition::Boolean(expression) if !test.ordered => {
            boxed(TemporalCondition::new(timespan, expression), spec)
        }
        RuleCondition::Boolean(expression) => {
            let (order, unwanted) = (expression.wanted(), expression.unwanted());
            boxed(TemporalOrdered { timespan, order, unwanted }, spec)
        }
        // Every rule: an ordered correlation is refused any other number.
        RuleCondition::Number(_) => {
            let order = (0..rules).collect();
            boxed(TemporalOrdered { timespan, order, unwanted: Vec::new() }, spec)
        }
    }
}

/// A figure that only rises waits only if something bounds it from above.
fn rising<G>(gauge: G, timespan: Timespan, conditions: Vec<Threshold>, spec: Spec) -> Boxed
where
    G: Gauge + Send + 'static,
    G::Mark: Send,
    G::Frame: Send,
{
    if conditions.iter().all(|threshold| threshold.is_lower_bound()) {
        boxed(Own { gauge, timespan, conditions, rises: true }, spec)
    } else {
        boxed(Settled { gauge, timespan, conditions }, spec)
    }
}

fn boxed<M>(measure: M, spec: Spec) -> Boxed
where
    M: Measure + Send + 'static,
    M::Mark: Send,
    M::Tally: Send,
{
    Box::new(Table::new(measure, spec))
}

//! `value_count`: how many distinct values of a field does a window hold?

use super::distinct::{Frame, Values, merge, value};
use super::measure::{Measure, Timespan};
use super::series::{Occurrence, Series};
use crate::model::{FieldId, Match, Value};

/// Counts the distinct values of a field. Every element of an array counts.
#[derive(Debug)]
pub(super) struct ValueCount {
    /// Length of the window.
    pub(super) timespan: Timespan,
    /// The field, for each of the rule's branches.
    pub(super) counted: Vec<FieldId>,
    /// The field as the document writes it.
    pub(super) counted_name: String,
}

impl Measure for ValueCount {
    type Mark = Values;
    type Tally = Frame;

    fn mark(&self, branch: usize, matched: &Match) -> Option<Values> {
        let field = *self.counted.get(branch)?;
        let mut values: Values = matched.event.event().fields.values(field).filter_map(hash).collect();
        values.sort_unstable();
        values.dedup();
        (!values.is_empty()).then_some(values)
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
        format!("distinct {}", self.counted_name)
    }
}

/// A number equals the text that spells it.
fn hash(counted: Value<'_>) -> Option<u64> {
    match counted {
        Value::Text(text) => Some(value(text)),
        Value::Container => None,
        other => Some(value(&other.to_string())),
    }
}

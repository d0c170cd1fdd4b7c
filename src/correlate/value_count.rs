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

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    fn ten() -> Fed<ValueCount> {
        let counted_name = "client.ipAddress".to_owned();
        Fed::new(ValueCount { timespan: Timespan(10), counted: Vec::new(), counted_name })
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

//! Can a condition ever hold, and which selections can help it to?
//!
//! A condition is taken apart into its cases: each a set of tests that must hold and of tests that
//! must not. A case is impossible if two of them contradict each other on a field that has one
//! value. What cannot be decided counts as possible, so that nothing is told that is not so.

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::super::detection::{Detection, Expression};
use super::super::fields;
use super::super::index::needed;
use super::super::pattern::{Pattern, Subject};
use super::super::wildcard::Shape;
use crate::model::{FieldId, FieldTable, Value};

/// Cases of one condition that are looked at; of one that has more, nothing is told.
const CASES: usize = 1_024;

/// Tests of one case that are looked at.
const TESTS: usize = 128;

/// Values of one field that are tried with its patterns.
const TRIES: usize = 100_000;

/// One way in which a condition can hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Case<'d> {
    /// Tests, and whether each must hold.
    pub tests: Vec<(&'d Expression, bool)>,
    /// Selections that hold in it, by place.
    pub selections: BTreeSet<usize>,
}

/// A detection with the table that its fields stand in.
#[derive(Clone, Copy)]
pub(super) struct Logic<'d> {
    pub detection: &'d Detection,
    pub table: &'d FieldTable,
}

impl<'d> Logic<'d> {
    /// The possible cases in which the condition holds, or in which it does not. `None`: too many.
    pub(super) fn cases(&self, holds: bool) -> Option<Vec<Case<'d>>> {
        self.split(&self.detection.condition, holds, None)
    }

    /// The possible cases in which a selection holds.
    pub(super) fn of_selection(&self, place: usize) -> Option<Vec<Case<'d>>> {
        self.split(self.detection.selections.get(place)?, true, None)
    }

    /// The possible cases that the condition would let through, were it not for a selection that it
    /// excludes, and that the selection excludes.
    pub(super) fn excluded_by(&self, place: usize) -> Option<Vec<Case<'d>>> {
        let without = self.split(&self.detection.condition, true, Some(place))?;
        self.both(without, self.of_selection(place)?)
    }

    /// Which selections the condition asks to hold, and which it asks not to hold.
    pub(super) fn asked(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut positive, mut negative) = (BTreeSet::new(), BTreeSet::new());
        ask(&self.detection.condition, true, &mut |place, holds| {
            if holds { &mut positive } else { &mut negative }.insert(place);
        });
        (positive, negative)
    }

    /// `free`: a selection that may hold or not where the condition asks it not to.
    fn split(&self, expression: &'d Expression, holds: bool, free: Option<usize>) -> Option<Vec<Case<'d>>> {
        match (expression, holds) {
            (Expression::All(parts), true) | (Expression::Any(parts), false) => {
                let each = parts.iter().map(|part| self.split(part, holds, free));
                each.reduce(|left, right| self.both(left?, right?)).unwrap_or(Some(vec![Case::default()]))
            }
            (Expression::All(parts), false) | (Expression::Any(parts), true) => {
                let each = parts.iter().map(|part| self.split(part, holds, free));
                let cases: Vec<Case<'d>> = each.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
                (cases.len() <= CASES).then_some(cases)
            }
            (Expression::Not(part), holds) => self.split(part, !holds, free),
            (Expression::Shared(_, test), holds) => self.split(test, holds, free),
            (Expression::Selection(place), false) if free == Some(*place) => Some(vec![Case::default()]),
            (Expression::Selection(place), holds) => {
                let mut cases = self.split(self.detection.selections.get(*place)?, holds, free)?;
                for case in cases.iter_mut().filter(|_| holds) {
                    case.selections.insert(*place);
                }
                Some(cases)
            }
            (test, holds) => {
                let case = Case { tests: vec![(test, holds)], ..Case::default() };
                Some(if self.is_possible(&case) { vec![case] } else { Vec::new() })
            }
        }
    }

    fn both(&self, left: Vec<Case<'d>>, right: Vec<Case<'d>>) -> Option<Vec<Case<'d>>> {
        let tests = |cases: &[Case<'_>]| cases.iter().map(|case| case.tests.len()).max().unwrap_or_default();
        if left.len().saturating_mul(right.len()) > CASES || tests(&left) + tests(&right) > TESTS {
            return None;
        }
        let pairs = left.iter().flat_map(|left| right.iter().map(move |right| left.with(right)));
        Some(pairs.filter(|case| self.is_possible(case)).collect())
    }

    fn is_possible(&self, case: &Case<'_>) -> bool {
        let twice = |test: &Expression| {
            let same = |(other, holds): &(&Expression, bool)| !*holds && std::ptr::eq(*other, test);
            case.tests.iter().any(same)
        };
        if case.tests.iter().any(|(test, holds)| *holds && twice(test)) {
            return false;
        }
        let fields: BTreeSet<FieldId> = case.tests.iter().filter_map(|(test, _)| field_of(test)).collect();
        fields.into_iter().all(|field| self.has_value(case, field))
    }

    /// Whether a value of the field, or its absence, can be what the case asks.
    fn has_value(&self, case: &Case<'_>, field: FieldId) -> bool {
        let of_field = || case.tests.iter().filter(|(test, _)| field_of(test) == Some(field));
        let present = of_field().any(|(_, holds)| *holds);
        let absent = of_field().any(|(test, holds)| !*holds && matches!(test, Expression::Exists(_)));
        if present && absent {
            return false;
        }
        if !self.has_one_value(field) {
            return true;
        }
        let tests: Vec<(&[Pattern], bool)> =
            of_field().filter_map(|(test, holds)| patterns(test, *holds)).collect();
        let only = tests.iter().find(|(patterns, holds)| *holds && patterns.iter().all(is_literal));
        let Some((candidates, _)) = only else { return true };
        let tries = candidates.len().saturating_mul(tests.iter().map(|(patterns, _)| patterns.len()).sum());
        if tries > TRIES {
            return true;
        }
        candidates
            .iter()
            .any(|candidate| tests.iter().all(|(patterns, holds)| may(candidate, patterns, *holds)))
    }

    fn has_one_value(&self, field: FieldId) -> bool {
        let path = self.table.path(field);
        fields::catalogue().any(|def| def.path == path && !def.many)
    }
}

impl<'d> Case<'d> {
    fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.tests.extend_from_slice(&other.tests);
        both.selections.extend(&other.selections);
        both
    }

    /// Whether a test of the field must hold.
    pub(super) fn asks_for(&self, field: FieldId) -> bool {
        self.tests.iter().any(|(test, holds)| *holds && field_of(test) == Some(field))
    }

    /// The event types, folded, one of which the event has; `None` if it may have any.
    pub(super) fn event_types(&self) -> Option<BTreeSet<String>> {
        let holds = self.tests.iter().filter(|(_, holds)| *holds);
        holds.filter_map(|(test, _)| needed(test, &[])).min_by_key(BTreeSet::len)
    }
}

fn ask(expression: &Expression, holds: bool, found: &mut impl FnMut(usize, bool)) {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().for_each(|part| ask(part, holds, found))
        }
        Expression::Not(part) => ask(part, !holds, found),
        Expression::Selection(place) => found(*place, holds),
        _ => {}
    }
}

fn field_of(test: &Expression) -> Option<FieldId> {
    match test {
        Expression::Exists(field) | Expression::Test(field, _) => Some(*field),
        _ => None,
    }
}

fn patterns(test: &Expression, holds: bool) -> Option<(&[Pattern], bool)> {
    match test {
        Expression::Test(_, patterns) => Some((patterns, holds)),
        _ => None,
    }
}

/// A pattern that one text alone matches, case aside.
fn is_literal(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Text { shape: Shape::Exact(_), .. } | Pattern::Integer(_))
}

/// Whether a field with this literal's value may match some of the patterns, or none of them.
fn may(literal: &Pattern, patterns: &[Pattern], holds: bool) -> bool {
    let mut room = CompactString::default();
    let (value, exact) = match literal {
        Pattern::Text { shape: Shape::Exact(text), cased } => (Value::Text(text), *cased),
        Pattern::Integer(number) => (Value::Integer(*number), true),
        _ => return true,
    };
    let subject = Subject::new(value, &mut room);
    // A value whose case is not known may match what asks for one case, and may not.
    let known = |pattern: &&Pattern| exact || !asks_for_case(pattern);
    if patterns.iter().any(|pattern| !known(&pattern)) {
        return true;
    }
    patterns.iter().any(|pattern| pattern.matches(&subject)) == holds
}

fn asks_for_case(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Text { cased, .. } => *cased,
        Pattern::Regex { flags, .. } => !flags.contains('i'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::testing::{detection, matches, one};
    use super::*;

    /// Whether the condition can hold, and whether it can fail to.
    fn can(lines: &str) -> (bool, bool) {
        let set = one(lines);
        let logic = Logic { detection: detection(&set), table: &set.table };
        let possible = |holds| !logic.cases(holds).unwrap().is_empty();
        (possible(true), possible(false))
    }

    #[test]
    fn two_values_of_one_field_contradict_each_other() {
        let two =
            |left: &str, right: &str| can(&format!("a: {{{left}}}\nb: {{{right}}}\ncondition: a and b")).0;
        assert!(!two("eventType: x", "eventType: y"));
        assert!(two("eventType: [x, y]", "eventType: [Y, z]"), "case does not count");
        assert!(!two("eventType: xy", "eventType|startswith: y"));
        assert!(!two("eventType: xy", "eventType|re|i: '^y'"));
        assert!(two("eventType: xy", "eventType|re: '^X'"), "its case is not known");
        assert!(!two("eventType|cased: xy", "eventType|re: '^X'"));
        assert!(!two("outcome.reason: x", "outcome.reason: null"));
        assert!(!two("securityContext.asNumber: 5", "securityContext.asNumber|gt: 7"));
        assert!(two("target.type: User", "target.type: AppInstance"), "a list has several values");
        assert!(two("debugContext.debugData.anyKey: x", "debugContext.debugData.anyKey: y"));
        assert!(!two("target.type: User", "target.type: null"));
    }

    #[test]
    fn a_test_and_its_opposite_leave_nothing() {
        let selections = "a: {eventType: x}\nb: {severity|fieldref: actor.id}\n";
        assert_eq!(can(&format!("{selections}condition: a and not a")), (false, true));
        assert_eq!(can(&format!("{selections}condition: a or not a")), (true, false));
        assert_eq!(can(&format!("{selections}condition: b and not (a or b)")), (false, true));
        assert_eq!(can(&format!("{selections}condition: a or b")), (true, true));
        assert_eq!(can("a: {eventType: [x, y]}\nb: {eventType: x}\ncondition: a and not b"), (true, true));
        assert_eq!(can("a: {eventType: x}\nb: {eventType: [x, y]}\ncondition: a and not b"), (false, true));
        assert_eq!(can("a: {eventType|neq: x}\ncondition: a and not a"), (false, true));
    }

    #[test]
    fn of_what_has_too_many_cases_nothing_is_told() {
        let selections: String =
            (0..11).map(|n| format!("s{n}: [{{severity: a{n}}}, {{actor.id: b{n}}}]\n")).collect();
        let set = one(&format!("{selections}condition: all of s*"));
        let logic = Logic { detection: detection(&set), table: &set.table };
        // Contradictions keep the cases few here: one severity and one actor at most.
        assert!(logic.cases(true).unwrap().is_empty());
        let free: String =
            (0..11).map(|n| format!("s{n}: [{{target.id: a{n}}}, {{target.type: b{n}}}]\n")).collect();
        let set = one(&format!("{free}condition: all of s*"));
        assert!(Logic { detection: detection(&set), table: &set.table }.cases(true).is_none());
    }

    fn condition() -> impl Strategy<Value = String> {
        let leaf = "[a-e]".prop_map(String::from);
        leaf.prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} and {right})")),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} or {right})")),
                inner.prop_map(|part| format!("not {part}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_matches_an_event_is_never_called_impossible(
            condition in condition(), kind in "[xyz]", severity in prop::option::of("[XYxy]")
        ) {
            let selections = "a: {eventType: [x, Y]}\nb: {eventType: z, severity: x}\n\
                              c: {severity|cased: Y}\nd: {severity: null}\ne: {severity|re: '[XY]'}";
            let set = one(&format!("{selections}\ncondition: {condition}"));
            let mut values = vec![("eventType", Value::Text(&kind))];
            values.extend(severity.as_deref().map(|severity| ("severity", Value::Text(severity))));
            let logic = Logic { detection: detection(&set), table: &set.table };
            let holds = matches(&set, &values);
            prop_assert!(!logic.cases(holds).unwrap().is_empty());
        }
    }
}

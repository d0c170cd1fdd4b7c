//! Which detections could match an event of a type?

use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::detection::{Detection, Expression};
use super::pattern::Pattern;
use super::wildcard::{Shape, fold};
use crate::model::{RuleIndex, core};

/// A list of more event types than Okta has is no list of event types.
const LISTED_TYPES: usize = 2_000;

/// Places of rules in the lists of all types together; a rule that would need more is asked for events
/// of any type.
const PLACES: usize = 2_000_000;

/// Detections by the event types they need.
#[derive(Debug, Default)]
pub(super) struct EventTypeIndex {
    by_type: HashMap<Box<str>, Vec<RuleIndex>, FixedState>,
    /// Those that no type rules out. They are in no list of a type: with many types, that would
    /// multiply them.
    any: Vec<RuleIndex>,
}

/// Rules in the order of their indices, from two lists that are in order.
#[derive(Clone, Debug)]
pub struct Candidates<'s> {
    typed: &'s [RuleIndex],
    any: &'s [RuleIndex],
}

impl Iterator for Candidates<'_> {
    type Item = RuleIndex;

    fn next(&mut self) -> Option<RuleIndex> {
        let (first, rest) = match (self.typed.split_first(), self.any.split_first()) {
            (Some((typed, _)), Some((any, rest))) if any < typed => (any, (self.typed, rest)),
            (Some((typed, rest)), _) => (typed, (rest, self.any)),
            (None, Some((any, rest))) => (any, (self.typed, rest)),
            (None, None) => return None,
        };
        (self.typed, self.any) = rest;
        Some(*first)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.typed.len() + self.any.len();
        (len, Some(len))
    }
}

impl ExactSizeIterator for Candidates<'_> {}

impl EventTypeIndex {
    /// From the types that each detection needs; `None` if an event of any type may match. The
    /// detections are in the order of their indices.
    pub(super) fn new(needs: impl Iterator<Item = (RuleIndex, Option<BTreeSet<String>>)>) -> Self {
        let mut index = Self::default();
        let mut room = PLACES;
        for (rule, types) in needs {
            match types.filter(|types| types.len() <= room) {
                Some(types) => {
                    room -= types.len();
                    for wanted in types {
                        index.by_type.entry(wanted.into_boxed_str()).or_default().push(rule);
                    }
                }
                None => index.any.push(rule),
            }
        }
        index
    }

    /// In the order of their indices.
    pub(super) fn candidates(&self, event_type: &str) -> Candidates<'_> {
        let as_written = self.by_type.get(event_type);
        let is_lower = event_type.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let found = if as_written.is_some() || is_lower {
            as_written
        } else {
            self.by_type.get(fold(event_type).as_str())
        };
        Candidates { typed: found.map(Vec::as_slice).unwrap_or_default(), any: &self.any }
    }
}

/// The event types, folded, one of which every match has; `None` if no such set is known.
pub(super) fn needed_types(detection: &Detection) -> Option<BTreeSet<String>> {
    needed(&detection.condition, &detection.selections)
}

/// As [`needed_types`], of one expression over these selections.
pub(super) fn needed(expression: &Expression, selections: &[Expression]) -> Option<BTreeSet<String>> {
    match expression {
        Expression::All(parts) => {
            let known = parts.iter().filter_map(|part| needed(part, selections));
            known.min_by_key(BTreeSet::len)
        }
        Expression::Any(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(|part| needed(part, selections)).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
        Expression::Selection(place) => needed(selections.get(*place)?, &[]),
        Expression::Shared(_, test) => needed(test, &[]),
        Expression::Test(core::EVENT_TYPE, patterns) => literals(patterns),
        Expression::Listed(core::EVENT_TYPE, listed) => {
            let [only] = listed.groups.as_slice() else { return None };
            literals(only).filter(|types| types.len() <= LISTED_TYPES)
        }
        _ => None,
    }
}

fn literals(patterns: &[Pattern]) -> Option<BTreeSet<String>> {
    let mut types = BTreeSet::new();
    for pattern in patterns {
        match pattern {
            Pattern::Text { shape: Shape::Exact(text), .. } => types.extend([fold(text)]),
            Pattern::Texts(texts) => types.extend(texts.folded()?.map(str::to_owned)),
            _ => return None,
        }
    }
    Some(types)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::RuleSet;
    use super::super::testing::{compile, correlation, document, matches, one};
    use super::*;
    use crate::model::Value;

    fn candidates(set: &RuleSet, event_type: &str) -> Vec<String> {
        let rules = set.candidates(event_type).filter_map(|rule| set.get(rule));
        rules.map(|rule| rule.info.name.to_string()).collect()
    }

    #[test]
    fn a_rule_is_a_candidate_of_the_types_it_needs() {
        let set = compile(&[
            document("a", "sel: {eventType: User.Lock, severity: x}\ncondition: sel", ""),
            document("b", "sel: {eventType: [user.lock, zone.update]}\ncondition: sel", ""),
            document("c", "sel: {eventType|startswith: user.}\ncondition: sel", ""),
            document("d", "x: {eventType: zone.update}\ny: {severity: z}\ncondition: x or y", ""),
            document(
                "e",
                "x: {eventType: zone.update}\ny: {eventType: user.lock}\ncondition: x and not y",
                "",
            ),
            document("f", "x: {eventType|neq: zone.update}\ncondition: x", ""),
        ])
        .unwrap();
        assert_eq!(candidates(&set, "user.lock"), ["a", "b", "c", "d", "f"]);
        assert_eq!(candidates(&set, "USER.LOCK"), ["a", "b", "c", "d", "f"]);
        assert_eq!(candidates(&set, "zone.update"), ["b", "c", "d", "e", "f"]);
        assert_eq!(candidates(&set, "other.type"), ["c", "d", "f"]);
    }

    #[test]
    fn a_rule_that_leads_to_no_alert_is_no_candidate() {
        let count = "type: event_count\nrules: NAME\ntimespan: 1m\ncondition: {gte: 2}";
        let off = correlation("count-b", &count.replace("NAME", "b")) + "oktawatch: {mode: off}\n";
        let sel = "sel: {eventType: x}\ncondition: sel";
        let set = compile(&[
            document("a", sel, ""),
            document("b", sel, ""),
            document("c", sel, "oktawatch: {mode: off}"),
            correlation("count-a", &count.replace("NAME", "a")),
            off,
        ])
        .unwrap();
        assert_eq!(candidates(&set, "x"), ["a"]);
        let by_name = |name: &str| set.rules.iter().find(|rule| &*rule.info.name == name).unwrap();
        assert_eq!(by_name("a").feeds.len(), 1);
        assert!(by_name("b").feeds.is_empty());
    }

    #[test]
    fn rules_of_any_type_are_kept_once_however_many_types_there_are() {
        let types = |rule: u32| Some(BTreeSet::from([format!("type{rule}")]));
        let needs = (0..40_000).map(|rule| (RuleIndex(rule), if rule % 2 == 0 { types(rule) } else { None }));
        let index = EventTypeIndex::new(needs);
        let places: usize = index.by_type.values().map(Vec::capacity).sum::<usize>() + index.any.capacity();
        assert!(places < 200_000, "{places}");
        let found: Vec<u32> = index.candidates("type20000").map(|rule| rule.0).collect();
        assert_eq!(found.len(), 20_001);
        assert!(found.is_sorted() && found.contains(&20_000));
        assert_eq!(index.candidates("other").len(), 20_000);
    }

    #[test]
    fn rules_that_need_too_many_types_in_all_are_asked_for_any_type() {
        let types: BTreeSet<String> = (0..LISTED_TYPES).map(|number| format!("type{number}")).collect();
        let rules = (PLACES / LISTED_TYPES) as u32 + 5;
        let needs = (0..rules).map(|rule| (RuleIndex(rule), Some(types.clone())));
        let index = EventTypeIndex::new(needs);
        assert!(index.candidates("type7").map(|rule| rule.0).eq(0..rules));
        assert_eq!(index.candidates("other").len(), 5);
    }

    fn condition() -> impl Strategy<Value = String> {
        let leaf = prop_oneof!["[a-d]", Just("1 of *".to_owned()), Just("all of them".to_owned())];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} and {right})")),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} or {right})")),
                inner.prop_map(|part| format!("not {part}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_matches_is_always_a_candidate(
            condition in condition(), kind in "[xyz]", severity in "[xyz]"
        ) {
            let selections = "a: {eventType: [x, Y]}\nb: {eventType: z, severity: x}\n\
                              c: {severity|contains: y}\nd: {eventType|neq: x}";
            let set = one(&format!("{selections}\ncondition: {condition}"));
            let text = |text| Value::Text(text);
            let values = [("eventType", text(&kind)), ("severity", text(&severity))];
            if matches(&set, &values) {
                prop_assert_eq!(set.candidates(&kind).len(), 1);
            }
        }
    }
}

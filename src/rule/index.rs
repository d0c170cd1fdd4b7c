//! Which detections could match an event of a type?

use std::collections::{BTreeMap, BTreeSet};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::detection::{Detection, Expression};
use super::pattern::Pattern;
use super::wildcard::{Shape, fold};
use crate::model::{RuleIndex, core};

/// A list of more event types than Okta has is no list of event types.
const LISTED_TYPES: usize = 2_000;

/// Detections by the event types they need.
#[derive(Debug, Default)]
pub(super) struct EventTypeIndex {
    by_type: HashMap<Box<str>, Box<[RuleIndex]>, FixedState>,
    /// Those that no type rules out.
    any: Box<[RuleIndex]>,
}

impl EventTypeIndex {
    /// From the types that each detection needs; `None` if an event of any type may match.
    pub(super) fn new(needs: &[(RuleIndex, Option<BTreeSet<String>>)]) -> Self {
        let types: BTreeSet<&str> =
            needs.iter().filter_map(|(_, types)| types.as_ref()).flatten().map(String::as_str).collect();
        let of_type = |wanted: &str| {
            let fits =
                |types: &Option<BTreeSet<String>>| types.as_ref().is_none_or(|types| types.contains(wanted));
            needs.iter().filter(|(_, types)| fits(types)).map(|(rule, _)| *rule).collect()
        };
        let any = needs.iter().filter(|(_, types)| types.is_none()).map(|(rule, _)| *rule).collect();
        let by_type: BTreeMap<&str, Box<[RuleIndex]>> =
            types.into_iter().map(|wanted| (wanted, of_type(wanted))).collect();
        let by_type = by_type.into_iter().map(|(wanted, rules)| (Box::from(wanted), rules)).collect();
        Self { by_type, any }
    }

    /// In the order of their indices.
    pub(super) fn candidates(&self, event_type: &str) -> &[RuleIndex] {
        let as_written = self.by_type.get(event_type);
        let is_lower = event_type.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let found = if as_written.is_some() || is_lower {
            as_written
        } else {
            self.by_type.get(fold(event_type).as_str())
        };
        found.unwrap_or(&self.any)
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
    use crate::model::Value;

    fn candidates(set: &RuleSet, event_type: &str) -> Vec<String> {
        let rules = set.candidates(event_type).iter().filter_map(|rule| set.get(*rule));
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

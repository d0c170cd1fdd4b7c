//! Which detections could match an event of a type?

use std::collections::{BTreeMap, BTreeSet};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::detection::{Detection, Expression};
use super::pattern::Pattern;
use super::wildcard::{Shape, fold};
use crate::model::{RuleIndex, core};

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

fn needed(expression: &Expression, selections: &[Expression]) -> Option<BTreeSet<String>> {
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
        Expression::Test(core::EVENT_TYPE, patterns) => patterns.iter().map(literal).collect(),
        _ => None,
    }
}

fn literal(pattern: &Pattern) -> Option<String> {
    match pattern {
        Pattern::Text { shape: Shape::Exact(text), .. } => Some(fold(text)),
        _ => None,
    }
}

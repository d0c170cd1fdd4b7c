//! Do the events that a rule takes have the keys that it asks for?
//!
//! Okta documents which keys of `debugContext.debugData` come with which event types. Nothing is
//! told of types and keys that it does not document.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Body;
use super::super::compile::Inspection;
use super::super::correlation::{Correlation, Counted, GroupBy, GroupSource, Test};
use super::super::diagnostic::{Finding, Findings};
use super::super::index::needed_types;
use super::super::sources::Span;
use super::super::yaml::{Entry, Kind, Node};
use super::logic::Logic;
use crate::model::FieldId;

const DOCUMENTED: &str = include_str!("debug_keys.tsv");
const MAP: &str = "debugContext.debugData.";

/// What Okta documents of the keys of `debugContext.debugData`.
pub(super) struct DebugKeys {
    by_type: BTreeMap<&'static str, BTreeSet<&'static str>>,
    keys: BTreeSet<&'static str>,
}

impl DebugKeys {
    pub(super) fn new() -> Self {
        let mut found = Self { by_type: BTreeMap::new(), keys: BTreeSet::new() };
        for line in DOCUMENTED.lines().filter(|line| !line.starts_with('#')) {
            let Some((keys, types)) = line.split_once('\t') else { continue };
            found.keys.extend(keys.split(' '));
            for of in types.split(' ') {
                found.by_type.entry(of).or_default().extend(keys.split(' '));
            }
        }
        found
    }

    /// Whether the key is documented, but for none of the types, all of which are.
    fn lack(&self, types: &BTreeSet<String>, path: &str) -> bool {
        let Some(key) = path.strip_prefix(MAP).filter(|key| self.keys.contains(key)) else { return false };
        let of_type = |of: &String| self.by_type.get(of.as_str());
        !types.is_empty() && types.iter().all(|of| of_type(of).is_some_and(|keys| !keys.contains(key)))
    }

    /// Keys that a detection asks for in vain.
    pub(super) fn of_detection(&self, logic: Logic<'_>, entries: &[&Entry], findings: &mut Findings) {
        let asked = entries.iter().filter(|entry| entry.key.starts_with(MAP)).collect::<Vec<_>>();
        if asked.is_empty() {
            return;
        }
        let Some(cases) = logic.cases(true) else { return };
        for entry in asked {
            let path = entry.key.split('|').next().unwrap_or_default();
            let Some(field) = logic.table.id(path) else { continue };
            let mut asking = cases.iter().filter(|case| case.asks_for(field)).peekable();
            let in_vain = |case: &super::logic::Case<'_>| {
                case.event_types().is_some_and(|types| self.lack(&types, path))
            };
            if asking.peek().is_some() && asking.all(in_vain) {
                tell(path, entry.key_span, findings);
            }
        }
    }

    /// Keys that a correlation groups by or counts in vain.
    pub(super) fn of_correlation(
        &self,
        document: &Node,
        correlation: &Correlation,
        inspection: &Inspection<'_, '_>,
        findings: &mut Findings,
    ) {
        for (branch, field) in asked(correlation) {
            let path = inspection.table.path(field);
            let rule = correlation.rules.get(branch).map(|rule| rule.0 as usize);
            let body = rule.and_then(|rule| inspection.bodies.get(rule).copied().flatten());
            let types = match body.filter(|_| path.starts_with(MAP)) {
                Some(Body::Detection(detection)) => needed_types(detection),
                _ => continue,
            };
            if let Some(node) =
                written(document, path).filter(|_| types.is_some_and(|types| self.lack(&types, path)))
            {
                let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
                let start = text.find(path).unwrap_or_default();
                tell(path, node.span, findings).inside(text, start..start + path.len());
            }
        }
    }
}

/// Each field that a correlation reads of a branch's matches.
fn asked(correlation: &Correlation) -> Vec<(usize, FieldId)> {
    let mut groups: Vec<&GroupBy> = correlation.group_by.iter().collect();
    let counted: Vec<&Counted> = match &correlation.test {
        Test::Figure(test) => vec![&test.counted],
        Test::Sequence(test) => {
            test.unequal.iter().chain(test.steps.iter().filter_map(|step| step.distinct.as_ref())).collect()
        }
        Test::Aggregate(test) => {
            test.values.iter().filter_map(|value| value.figure.counted()).chain(&test.per).collect()
        }
        Test::Baseline(test) => test.distinct.iter().collect(),
        Test::NewValue(test) => {
            groups.extend(&test.fields);
            Vec::new()
        }
        Test::Temporal(_) | Test::Absence(_) | Test::RiskScore(_) => Vec::new(),
    };
    let sources = groups.into_iter().flat_map(|group| group.source.iter().enumerate());
    let groups = sources.filter_map(|(branch, source)| match source {
        GroupSource::Field(field) => Some((branch, *field)),
        GroupSource::Group(_) => None,
    });
    let fields = counted.into_iter().flat_map(|counted| &counted.fields);
    groups.chain(fields.flat_map(|fields| fields.iter().copied().enumerate())).collect()
}

/// Where a correlation writes a path: as a value, or inside one as in `distinct(path)`.
fn written<'n>(document: &'n Node, path: &str) -> Option<&'n Node> {
    let Kind::Map(entries) = &document.kind else { return None };
    let correlation = entries.iter().find(|entry| entry.key == "correlation")?;
    scalar(&correlation.value, &|text| text == path).or_else(|| {
        scalar(&correlation.value, &|text| text.split(['(', ')', ',', ' ']).any(|word| word == path))
    })
}

fn scalar<'n>(node: &'n Node, fits: &impl Fn(&str) -> bool) -> Option<&'n Node> {
    match &node.kind {
        Kind::Scalar(scalar) => fits(&scalar.text).then_some(node),
        Kind::List(items) => items.iter().find_map(|item| scalar(item, fits)),
        Kind::Map(entries) => entries.iter().find_map(|entry| scalar(&entry.value, fits)),
    }
}

fn tell<'f>(path: &str, span: Span, findings: &'f mut Findings) -> &'f mut Finding {
    let key = path.strip_prefix(MAP).unwrap_or(path);
    let message = format!("Okta documents `{key}` for other event types than the rule takes");
    let finding = findings.warning(span, "absent-key", message);
    finding.help("The events will most likely not have it: look at one of them, or name another field.");
    finding
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{correlation, document};
    use super::super::testing::{lint, lint_all};
    use super::*;

    fn told(detection: &str) -> Vec<&'static str> {
        lint(detection).into_iter().map(|found| found.code).collect()
    }

    #[test]
    fn the_table_is_read_and_small() {
        let keys = DebugKeys::new();
        assert!(keys.by_type.len() > 500 && keys.keys.len() > 500);
        assert!(
            keys.by_type
                .keys()
                .all(|of| of.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char)))
        );
        assert!(DOCUMENTED.len() < 60_000);
    }

    #[test]
    fn a_key_of_other_event_types_is_told() {
        let factor = |kind: &str| {
            format!("sel:\n  eventType: {kind}\n  debugContext.debugData.factor: X\ncondition: sel")
        };
        let start = lint(&factor("user.session.start"));
        assert_eq!((start[0].code, start[0].at.line, start[0].at.column), ("absent-key", 9, 5));
        for kind in ["user.authentication.auth_via_mfa", "user.mfa.okta_verify.deny_push", "'user.*'"] {
            let codes: Vec<_> = lint(&factor(kind)).into_iter().map(|found| found.code).collect();
            assert!(!codes.contains(&"absent-key"), "{kind}");
        }
        let free =
            "sel:\n  eventType: user.session.start\n  debugContext.debugData.ownKey: X\ncondition: sel";
        assert_eq!(told(free), [""; 0]);
        let either = "a: {eventType: user.session.start}\nb: {eventType: zone.update}\n\
                      c: {debugContext.debugData.loginResult: X}\ncondition: (a or b) and c";
        assert_eq!(told(either), [""; 0]);
    }

    #[test]
    fn a_correlation_s_key_is_told_where_it_stands() {
        let start = document("start", "sel: {eventType: user.session.start}\ncondition: sel", "");
        let with = |lines: &str| {
            let lines = format!("rules: start\ntimespan: 1h\n{lines}");
            lint_all(&[correlation("many", &lines), start.clone()])
        };
        let grouped = with("type: event_count\ngroup-by: debugContext.debugData.factor\ncondition: {gte: 2}");
        assert_eq!((grouped[0].code, grouped[0].at.line), ("absent-key", 8));
        let counted = with("type: value_count\ncondition: {gte: 2, field: debugContext.debugData.factor}");
        assert_eq!((counted[0].code, counted[0].at.column), ("absent-key", 30));
        assert_eq!(
            with("type: event_count\ngroup-by: debugContext.debugData.dtHash\ncondition: {gte: 2}"),
            []
        );
    }
}

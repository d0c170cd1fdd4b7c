//! How do the tests of this folder write rules and events?

use super::{Body, Detection, Diagnostic, RuleSet, Sources};
use crate::model::{Fields, Value};

/// A detection's document around the lines under `detection:`, and further top-level lines.
pub(super) fn document(name: &str, detection: &str, more: &str) -> String {
    let lines: String = detection.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "title: T\nid: {}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n{more}\n\
         detection:\n{lines}",
        id(name)
    )
}

/// A correlation's document around the lines under `correlation:`.
pub(super) fn correlation(name: &str, lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    format!("title: T\nid: {}\nname: {name}\ncorrelation:\n{lines}", id(name))
}

fn id(name: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

pub(super) fn compile(documents: &[String]) -> Result<RuleSet, Vec<Diagnostic>> {
    let text = documents.join("---\n");
    super::compile(&Sources::of([("rules.yml", text.as_str())]))
}

/// A rule set of one detection with lists.
pub(super) fn listed(detection: &str, lists: &[(&str, &str)]) -> Result<RuleSet, Vec<Diagnostic>> {
    let text = document("one", detection, "");
    super::compile(&Sources::of([("rules.yml", text.as_str())]).with_lists(lists.iter().copied()))
}

/// Code and message of every mistake in one detection with lists.
pub(super) fn told_listed(detection: &str, lists: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    told(listed(detection, lists))
}

/// A rule set of one detection.
pub(super) fn one(detection: &str) -> RuleSet {
    match compile(&[document("one", detection, "")]) {
        Ok(set) => set,
        Err(diagnostics) => panic!("{diagnostics:#?}"),
    }
}

/// Code and message of every mistake in one detection.
pub(super) fn mistakes(detection: &str) -> Vec<(&'static str, String)> {
    told(compile(&[document("one", detection, "")]))
}

/// Code and message of every error and warning.
pub(super) fn told(result: Result<RuleSet, Vec<Diagnostic>>) -> Vec<(&'static str, String)> {
    let diagnostics = result.map_or_else(|diagnostics| diagnostics, |set| set.warnings);
    diagnostics.into_iter().map(|found| (found.code, found.message)).collect()
}

pub(super) fn detection(set: &RuleSet) -> &Detection {
    match &set.rules[0].body {
        Body::Detection(detection) => detection,
        Body::Correlation(_) => panic!("not a detection"),
    }
}

/// Whether the first rule, a detection, matches an event with these values.
pub(super) fn matches(set: &RuleSet, values: &[(&str, Value<'_>)]) -> bool {
    detection(set).matches(&event(set, values))
}

/// Whether a detection of one field matches an event where the field has these values.
pub(super) fn holds(item: &str, values: &[Value<'_>]) -> bool {
    let path = item.split(['|', ':']).next().unwrap_or_default();
    let values: Vec<_> = values.iter().map(|value| (path, *value)).collect();
    matches(&one(&format!("sel:\n  {item}\ncondition: sel")), &values)
}

/// The first mistake in a detection of one field.
pub(super) fn mistake(item: &str) -> (&'static str, String) {
    mistakes(&format!("sel:\n  {item}\ncondition: sel")).remove(0)
}

/// An event; a path that stands several times has several values.
pub(super) fn event(set: &RuleSet, values: &[(&str, Value<'_>)]) -> Fields {
    let mut fields = Fields::new(set.table.len());
    for (path, _) in values {
        let Some(id) = set.table.id(path) else { continue };
        let same = values.iter().filter(|(other, _)| other == path).map(|(_, value)| Some(*value));
        fields.set_list(id, same);
    }
    fields
}

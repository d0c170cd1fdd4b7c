//! Do two versions of a rule mean the same?
//!
//! The digest is taken from what a rule matches, in a form where order that means nothing is
//! gone; so texts, titles, comments, tests and the names of selections do not change it. The
//! rule's id is part of it, so that two rules that say the same keep windows of their own.

use xxhash_rust::xxh3::xxh3_128;

use super::correlation::{Correlation, GroupSource};
use super::detection::{Detection, Expression};
use super::pattern::Pattern;
use crate::model::FieldTable;

/// Digest of a detection, 32 hexadecimal digits. To be taken before its patterns are put together.
pub(super) fn of_detection(id: &str, detection: &Detection, table: &FieldTable) -> String {
    let selections: Vec<String> =
        detection.selections.iter().map(|selection| meaning(selection, &[], table)).collect();
    let condition = meaning(&detection.condition, &selections, table);
    hexadecimal(&["detection", id, &condition])
}

/// Digest of a correlation; `children` are the digests of the rules it takes.
pub(super) fn of_correlation(
    id: &str,
    correlation: &Correlation,
    children: &[&str],
    table: &FieldTable,
) -> String {
    let ordered = correlation.kind == crate::model::RuleKind::TemporalOrdered;
    let mut rules: Vec<String> = (0..children.len())
        .map(|place| {
            let counted = correlation.counted.get(place).map_or("", |field| table.path(*field));
            let groups = correlation.group_by.iter().map(|group| match group.source.get(place) {
                Some(GroupSource::Field(field)) => format!("field {}", table.path(*field)),
                Some(GroupSource::Group(name)) => format!("group {name}"),
                None => String::new(),
            });
            let groups: Vec<String> = groups.collect();
            let child = children.get(place).copied().unwrap_or_default();
            hexadecimal(&["rule", child, counted, &hexadecimal(&groups)])
        })
        .collect();
    if !ordered {
        rules.sort_unstable();
    }
    let names: Vec<&str> = correlation.group_by.iter().map(|group| group.name.as_str()).collect();
    let mut conditions: Vec<String> = correlation
        .conditions
        .iter()
        .map(|condition| format!("{} {}", condition.operator.as_str(), condition.value))
        .collect();
    conditions.sort_unstable();
    hexadecimal(&[
        "correlation",
        id,
        correlation.kind.as_str(),
        &correlation.timespan_ms.to_string(),
        &hexadecimal(&names),
        &hexadecimal(&conditions),
        &hexadecimal(&rules),
    ])
}

/// Digest of a whole rule set, from the digests of its rules.
pub(super) fn of_set<'d>(digests: impl Iterator<Item = &'d str>) -> String {
    let mut digests: Vec<&str> = digests.collect();
    digests.sort_unstable();
    hexadecimal(&digests)
}

fn meaning(expression: &Expression, selections: &[String], table: &FieldTable) -> String {
    let list = |word: &str, parts: &[Expression]| {
        let mut parts: Vec<String> = parts.iter().map(|part| meaning(part, selections, table)).collect();
        parts.sort_unstable();
        parts.dedup();
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                hexadecimal(&[word, &hexadecimal(&parts)])
            }
        }
    };
    match expression {
        Expression::All(parts) => list("all", parts),
        Expression::Any(parts) => list("any", parts),
        Expression::Not(part) => hexadecimal(&["not", &meaning(part, selections, table)]),
        Expression::Selection(place) => selections.get(*place).cloned().unwrap_or_default(),
        Expression::Exists(field) => hexadecimal(&["exists", table.path(*field)]),
        Expression::Test(field, patterns) => {
            let mut patterns: Vec<String> = patterns.iter().map(spell).collect();
            patterns.sort_unstable();
            patterns.dedup();
            hexadecimal(&["test", table.path(*field), &hexadecimal(&patterns)])
        }
        Expression::Compare(comparison) => {
            let how = format!("{:?} {}", comparison.operation, comparison.cased);
            hexadecimal(&["compare", table.path(comparison.left), table.path(comparison.right), &how])
        }
    }
}

fn spell(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Text { shape, cased } => format!("text {cased} {shape:?}"),
        Pattern::Integer(number) => format!("integer {number}"),
        Pattern::Float(number) => format!("float {number}"),
        Pattern::Order(operation, bound) => format!("order {operation:?} {bound}"),
        Pattern::Cidr(network) => format!("cidr {network}"),
        Pattern::Regex { regex, flags } => format!("regex {flags} {}", regex.as_str()),
        Pattern::Set(_) | Pattern::Search { .. } => String::new(),
    }
}

/// Each part with its length, so that no two lists of parts spell alike.
fn hexadecimal<T: AsRef<str>>(parts: &[T]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        let part = part.as_ref().as_bytes();
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part);
    }
    format!("{:032x}", xxh3_128(&bytes))
}

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
    hexadecimal(&["detection", id, &meaning_of(detection, table)])
}

/// Digest of what a detection matches, whoever says it. To be taken before its patterns are put
/// together.
pub(super) fn meaning_of(detection: &Detection, table: &FieldTable) -> String {
    let selections: Vec<String> =
        detection.selections.iter().map(|selection| meaning(selection, &[], table)).collect();
    meaning(&detection.condition, &selections, table)
}

/// Digest of a correlation; `children` are the digests of the rules it takes.
pub(super) fn of_correlation(
    id: &str,
    correlation: &Correlation,
    children: &[&str],
    table: &FieldTable,
) -> String {
    let mut rules: Vec<String> = (0..children.len())
        .map(|branch| {
            let role = correlation.test.role(branch, table);
            let groups = correlation.group_by.iter().map(|group| match group.source.get(branch) {
                Some(GroupSource::Field(field)) => format!("field {}", table.path(*field)),
                Some(GroupSource::Group(name)) => format!("group {name}"),
                None => String::new(),
            });
            let groups: Vec<String> = groups.collect();
            let child = children.get(branch).copied().unwrap_or_default();
            hexadecimal(&["rule", child, &role, &hexadecimal(&groups)])
        })
        .collect();
    rules.sort_unstable();
    let names: Vec<&str> = correlation.group_by.iter().map(|group| group.name.as_str()).collect();
    hexadecimal(&[
        "correlation",
        id,
        correlation.kind.as_str(),
        &correlation.timespan_ms.to_string(),
        &hexadecimal(&names),
        &hexadecimal(&correlation.test.meaning(children, table)),
        &hexadecimal(&rules),
    ])
}

/// Digest of a whole rule set, from the digests of its rules.
pub(super) fn of_set<'d>(digests: impl Iterator<Item = &'d str>) -> String {
    let mut digests: Vec<&str> = digests.collect();
    digests.sort_unstable();
    hexadecimal(&digests)
}

/// Digest of what an expression says. To be taken before its patterns are put together.
pub(super) fn meaning(expression: &Expression, selections: &[String], table: &FieldTable) -> String {
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
        Expression::Listed(field, listed) => hexadecimal(&["listed", table.path(*field), &listed.meaning]),
        Expression::Compare(comparison) => {
            let how = format!("{:?} {}", comparison.operation, comparison.cased);
            hexadecimal(&["compare", table.path(comparison.left), table.path(comparison.right), &how])
        }
        Expression::Filter(filter) => filter.meaning.clone(),
        Expression::Shared(_, test) => meaning(test, selections, table),
    }
}

fn spell(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Text { shape, cased } => format!("text {cased} {shape:?}"),
        Pattern::Integer(number) => format!("integer {number}"),
        Pattern::Float(number) => format!("float {number}"),
        Pattern::Order(operation, bound) => format!("order {operation:?} {bound:?}"),
        Pattern::Part(part, operation, number) => format!("part {part:?} {operation:?} {number}"),
        Pattern::Cidr(network) => format!("cidr {network}"),
        Pattern::Regex { regex, flags } => format!("regex {flags} {}", regex.as_str()),
        Pattern::Integers(_)
        | Pattern::Texts(_)
        | Pattern::Affixes(_)
        | Pattern::Networks(_)
        | Pattern::Search { .. } => String::new(),
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

#[cfg(test)]
mod tests {
    use super::super::RuleSet;
    use super::super::testing::{compile, correlation, document};

    fn digest(detection: &str) -> String {
        let set = compile(&[document("one", detection, "")]).unwrap();
        set.rules[0].info.digest.clone()
    }

    const RULE: &str = "sel:\n  eventType: [a, b]\n  severity|contains: x\n\
        filter:\n  outcome.reason: null\ncondition: sel and not filter";

    #[test]
    fn what_means_the_same_has_the_same_digest() {
        let same = [
            "# a comment\nsel:\n    severity|contains: 'X'\n    eventType: [B, 'a', a]\n\
             filter: {outcome.reason: ''}\ncondition: not filter and (sel)",
            "other: {outcome.reason: null}\nsel: {eventType: [b, a], severity|contains: x}\n\
             condition: sel and not 1 of oth*",
        ];
        for detection in same {
            assert_eq!(digest(detection), digest(RULE), "{detection}");
        }
    }

    #[test]
    fn what_means_something_else_has_another() {
        let others = [
            RULE.replace("[a, b]", "[a, c]"),
            RULE.replace("contains: x", "contains|cased: x"),
            RULE.replace("contains", "startswith"),
            RULE.replace("eventType:", "eventType|neq:"),
            RULE.replace("and not", "or not"),
            RULE.replace("outcome.reason", "outcome.result"),
            RULE.replace("contains: x", "re: x"),
            RULE.replace("contains: x", "re|i: x"),
        ];
        let digests: std::collections::BTreeSet<_> = others.iter().map(|rule| digest(rule)).collect();
        assert_eq!(digests.len(), others.len());
        assert!(!digests.contains(&digest(RULE)));
    }

    fn item(item: &str) -> String {
        digest(&format!("sel:\n  {item}\ncondition: sel"))
    }

    #[test]
    fn every_modifier_has_its_part_in_the_digest() {
        let items = [
            "severity: abc",
            "severity|base64: abc",
            "severity|base64offset|contains: abc",
            "severity|base64|contains: abc",
            "severity|wide|base64: abc",
            "severity|utf16be|base64: abc",
            "severity|utf16|base64: abc",
            "severity|re: abc",
            "severity|re|startswith: abc",
            "severity|re|endswith: abc",
            "severity|re|s: abc",
            "severity|windash: -abc",
            "severity: -abc",
            "severity|hour: 5",
            "severity|minute: 5",
            "severity|day: 5",
            "severity|week: 5",
            "severity|month: 5",
            "severity|year: 5",
            "severity|hour|gte: 5",
            "severity|gte: 5",
            "severity|gte: 6",
            "severity|gte: '1970-01-01T00:00:05Z'",
            "severity|cidr: 10.0.0.0/8",
            "severity|fieldref: actor.id",
            "severity|fieldref|contains: actor.id",
            "'|contains': abc",
            "'|re': abc",
            "'|cased': abc",
        ];
        let digests: std::collections::BTreeSet<_> = items.iter().map(|text| item(text)).collect();
        assert_eq!(digests.len(), items.len());
    }

    #[test]
    fn two_ways_to_say_it_have_one_digest() {
        for (left, right) in [
            ("severity|utf16le|base64: abc", "severity|wide|base64: ABC".to_lowercase().as_str()),
            ("severity|re|contains: abc", "severity|re: abc"),
            ("severity|re|i|m: abc", "severity|re|multiline|ignorecase: abc"),
            ("severity|contains|windash: ' -a'", "severity|windash|contains: ' -A'"),
            ("severity|base64: foobar", "severity: Zm9vYmFy"),
            ("published|gte: '2026-08-13T16:00:00Z'", "published|gte: '2026-08-13T18:00:00+02:00'"),
            ("client.ipAddress|cidr: 10.0.0.0/8", "client.ipAddress|cidr: '::ffff:10.0.0.0/104'"),
            ("'|contains': [abc, d]", "'|contains': ['*D*', abc]"),
            ("published|hour|neq: [5, 6]", "published|neq|hour: ['6', 5]"),
        ] {
            assert_eq!(item(left), item(right), "{left} and {right}");
        }
        let keywords = [
            "words: abc\ncondition: words",
            "words: ['ABC']\ncondition: words",
            "words:\n  '|contains': abc\ncondition: words",
        ];
        assert!(keywords.iter().all(|detection| digest(detection) == digest(keywords[0])));
        let mixed =
            ["words: [abc, {severity: x}]\ncondition: words", "a: {severity: x}\nb: abc\ncondition: 1 of *"];
        assert_eq!(digest(mixed[0]), digest(mixed[1]));
    }

    fn chain(count: &str, more: &str) -> RuleSet {
        let lines = |kind: &str, rules: &str| {
            format!("type: {kind}\nrules: {rules}\ngroup-by: [actor.id]\ntimespan: {count}")
        };
        compile(&[
            document("a", "sel: {eventType: a}\ncondition: sel", more),
            document("b", "sel: {eventType: b}\ncondition: sel", ""),
            correlation("any", &lines("temporal", "[a, b]")),
            correlation("any-again", &lines("temporal", "[b, a]")),
            correlation("ordered", &lines("temporal_ordered", "[a, b]")),
        ])
        .unwrap()
    }

    #[test]
    fn texts_tests_and_options_change_nothing_and_a_window_does() {
        let plain = chain("10m", "");
        let told = chain("10m", "description: other\nlevel: high\noktawatch: {suppress: 1h}\ntests: []");
        assert_eq!(plain.digest, told.digest);
        let longer = chain("11m", "");
        assert_ne!(plain.digest, longer.digest);
        assert_eq!(plain.rules[0].info.digest, longer.rules[0].info.digest, "the detections are as before");
        let digests: std::collections::BTreeSet<_> =
            plain.rules.iter().map(|rule| &rule.info.digest).collect();
        assert_eq!(digests.len(), plain.rules.len(), "rules that say the same keep windows of their own");
    }
}

//! Which tests does a rule file carry?

use std::path::PathBuf;

use serde_json::Value;

use super::diagnostic::Findings;
use super::fields::{self, PathKind};
use super::reader::{self, Map, Spanned};
use super::sources::Span;
use super::timespan;
use super::yaml::{Entry, Kind, Literal, Node};

/// A test with the file that carries it.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// The rule file.
    pub file: PathBuf,
    /// The test.
    pub test: InlineTest,
    /// The rules of the file, by name.
    pub rules: Vec<String>,
}

/// One test: events, and the alerts they must raise.
#[derive(Clone, Debug)]
pub struct InlineTest {
    /// What it shows.
    pub name: String,
    /// The events, each a few changes of a full template event.
    pub events: Vec<TestEvent>,
    /// Every alert of the file's rules that must be raised; none of them means none at all.
    pub expect: Vec<Expectation>,
    /// Byte range in the file.
    pub span: std::ops::Range<usize>,
}

/// One event of a test, or several that differ in time only.
#[derive(Clone, Debug)]
pub struct TestEvent {
    /// When, ms since the test's start.
    pub at_ms: i64,
    /// How many of them; at least one.
    pub repeat: u32,
    /// Time from one to the next, ms.
    pub every_ms: i64,
    /// What differs from the template: Okta's JSON path, and the value to stand there.
    pub overrides: Vec<(String, Value)>,
    /// Byte range in the file.
    pub span: std::ops::Range<usize>,
}

/// One alert that must be raised. What is `None` is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Name or id of the rule.
    pub rule: Option<String>,
    /// When it fires, ms since the test's start.
    pub at_ms: Option<i64>,
    /// Value of its group, or of its entity.
    pub key: Option<String>,
    /// How many events contribute.
    pub count: Option<u64>,
}

/// Most repetitions of one event of a test.
const REPEAT_MAX: i64 = 100_000;

/// A test as it was read, with where its expectations name rules.
#[derive(Debug)]
pub(super) struct ReadTest {
    pub test: InlineTest,
    pub rules: Vec<Spanned>,
    pub span: Span,
}

/// Reads the list of tests; those that are wrong are told and left out.
pub(super) fn read(node: &Node, findings: &mut Findings) -> Vec<ReadTest> {
    items(node, "tests", findings).iter().filter_map(|item| test(item, findings)).collect()
}

fn items<'n>(node: &'n Node, key: &str, findings: &mut Findings) -> &'n [Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ if node.is_null() => &[],
        _ => {
            findings.error(node.span, "wrong-type", format!("`{key}` is a list, not {}", node.what()));
            &[]
        }
    }
}

fn test(node: &Node, findings: &mut Findings) -> Option<ReadTest> {
    let before = findings.errors();
    let map = Map::of(node, "a test", findings)?;
    map.only(&["name", "events", "expect"], findings);
    map.require("name", findings);
    let name = map.text("name", findings)?;
    let events = items(map.require("events", findings)?, "events", findings);
    let expect = items(map.require("expect", findings)?, "expect", findings);
    let events: Vec<_> = events.iter().filter_map(|item| event(item, findings)).collect();
    let mut rules = Vec::new();
    let expect = expect.iter().filter_map(|item| expectation(item, &mut rules, findings)).collect();
    if events.is_empty() && findings.errors() == before {
        findings.error(name.span, "empty", "a test needs an event");
    }
    let test = InlineTest { name: name.text, events, expect, span: node.span.range() };
    (findings.errors() == before).then_some(ReadTest { test, rules, span: name.span })
}

fn event(node: &Node, findings: &mut Findings) -> Option<TestEvent> {
    let map = Map::of(node, "an event of a test", findings)?;
    map.require("at", findings)?;
    let at_ms = duration(&map, "at", findings)?;
    let repeat = map.integer("repeat", REPEAT_MAX, findings).unwrap_or(1).max(1);
    let every_ms = duration(&map, "every", findings).unwrap_or_default();
    let own = ["at", "repeat", "every"];
    let entries = map.entries.iter().filter(|entry| !own.contains(&entry.key.as_str()));
    let overrides = entries.filter_map(|entry| change(entry, findings)).collect();
    let repeat = u32::try_from(repeat).unwrap_or(1);
    Some(TestEvent { at_ms, repeat, every_ms, overrides, span: node.span.range() })
}

fn duration(map: &Map<'_>, key: &str, findings: &mut Findings) -> Option<i64> {
    timespan::moment(&map.text(key, findings)?, findings)
}

fn change(entry: &Entry, findings: &mut Findings) -> Option<(String, Value)> {
    let path = entry.key.as_str();
    if path == "enriched" || path.starts_with("enriched.") {
        let message = format!("`{path}` is computed and cannot be set in a test");
        let finding = findings.error(entry.key_span, "computed-field", message);
        finding.help("Set what it is computed from, such as `client.ipAddress`.");
        return None;
    }
    if fields::kind_of(path) == PathKind::Unknown {
        let near = findings.guess(|| fields::suggestion(path));
        findings
            .error(entry.key_span, "unknown-field", format!("no field `{path}`"))
            .suggest(near.as_deref(), || {
                "a test sets fields of Okta's event by their path, and `at`, `repeat` and `every`".to_owned()
            });
        return None;
    }
    Some((entry.key.clone(), json(&entry.value)))
}

fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => match scalar.literal() {
            Literal::Null => Value::Null,
            Literal::Boolean(flag) => Value::from(flag),
            Literal::Integer(number) => Value::from(number),
            Literal::Float(number) => Value::from(number),
            Literal::Text(text) => Value::from(text),
        },
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => {
            let entries = entries.iter().map(|entry| (entry.key.clone(), json(&entry.value)));
            Value::Object(entries.collect())
        }
    }
}

fn expectation(node: &Node, rules: &mut Vec<Spanned>, findings: &mut Findings) -> Option<Expectation> {
    let map = Map::of(node, "an expectation", findings)?;
    map.only(&["rule", "at", "key", "count"], findings);
    let rule = map.text("rule", findings);
    rules.extend(rule.clone());
    let at_ms = duration(&map, "at", findings);
    let key = map.get("key").and_then(|node| reader::text(node, "key", findings));
    let count = map.integer("count", i64::MAX, findings).and_then(|count| u64::try_from(count).ok());
    Some(Expectation { rule: rule.map(|rule| rule.text), at_ms, key: key.map(|key| key.text), count })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, document, told};
    use super::*;

    fn tests(lines: &str) -> Result<Vec<TestCase>, Vec<(&'static str, String)>> {
        let text = document("one", "sel: {eventType: a}\ncondition: sel", &format!("tests:\n{lines}"));
        compile(&[text]).map(|set| set.tests).map_err(|found| told(Err(found)))
    }

    #[test]
    fn a_test_is_events_and_what_they_raise() {
        let lines = "- name: five\n  events:\n  - {at: 0s, repeat: 5, every: 40s, eventType: a, \
                     securityContext.isProxy: true}\n\
                     \x20 - {at: 4m, target: [{type: User, id: null}], outcome.reason: '1'}\n\
                     \x20 expect:\n  - {rule: one, at: 4m, key: ana, count: 5}\n  - {}";
        let cases = tests(lines).unwrap();
        assert_eq!(
            (cases[0].file.to_str().unwrap(), cases[0].rules.as_slice()),
            ("rules.yml", &["one".to_owned()][..])
        );
        let test = &cases[0].test;
        let first = &test.events[0];
        assert_eq!((first.at_ms, first.repeat, first.every_ms), (0, 5, 40_000));
        assert_eq!(first.overrides[1], ("securityContext.isProxy".to_owned(), Value::Bool(true)));
        let targets = serde_json::json!([{"type": "User", "id": null}]);
        assert_eq!(test.events[1].overrides[0], ("target".to_owned(), targets));
        assert_eq!(test.events[1].overrides[1].1, Value::from("1"));
        let all = Expectation {
            rule: Some("one".into()),
            at_ms: Some(240_000),
            key: Some("ana".into()),
            count: Some(5),
        };
        let any = Expectation { rule: None, at_ms: None, key: None, count: None };
        assert_eq!(test.expect, [all, any]);
    }

    #[test]
    fn what_a_test_cannot_say_is_an_error() {
        let event =
            |event: &str| tests(&format!("- {{name: x, events: [{event}], expect: []}}")).unwrap_err();
        assert_eq!(event("{at: 0s, evenType: a}")[0].1, "no field `evenType`");
        assert_eq!(event("{at: 0s, enriched.geo.country: PT}")[0].0, "computed-field");
        assert_eq!(event("{at: 0, eventType: a}")[0].1, "`0` is no moment of a test");
        assert_eq!(event("{eventType: a}")[0].1, "an event of a test needs `at`");
        assert_eq!(event("{at: 0s, repeat: -1}")[0].0, "wrong-type");
        assert_eq!(event("")[0].1, "a test needs an event");
        let expect = |expect: &str| {
            tests(&format!("- {{name: x, events: [{{at: 0s}}], expect: {expect}}}")).unwrap_err().remove(0).1
        };
        assert_eq!(expect("[{rule: two}]"), "no rule `two`");
        assert_eq!(expect("[{rul: one}]"), "an expectation has no key `rul`");
        assert_eq!(expect("5"), "`expect` is a list, not a number");
    }
}

//! Which tests does a rule file carry?

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::diagnostic::Findings;
use super::fields::{self, PathKind};
use super::reader::{self, Map, Spanned};
use super::sources::Span;
use super::timespan;
use super::yaml::{Entry, Kind, Literal, Node};
use crate::config;
use crate::model::Mode;

/// A test with the file that carries it.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// The rule file.
    pub file: PathBuf,
    /// The test.
    pub test: InlineTest,
    /// The rules of the file, by name; all tests of a file share them.
    pub rules: Arc<[String]>,
}

/// One test: events, and the alerts they must raise.
#[derive(Clone, Debug)]
pub struct InlineTest {
    /// What it shows.
    pub name: String,
    /// The events, each a few changes of a full template event.
    pub events: Vec<TestEvent>,
    /// Up to when time goes on after the last event, ms since the test's start; `None`: no further.
    pub until_ms: Option<i64>,
    /// Every alert of the file's rules that must be raised; none of them means none at all.
    pub expect: Vec<Expectation>,
    /// Byte range in the file.
    pub span: Range<usize>,
    /// Byte range of the list of expectations.
    pub expect_span: Range<usize>,
    /// Byte range of each expectation.
    pub expectation_spans: Vec<Range<usize>>,
}

/// One event of a test, or several that differ in time, and in the number that `{n}` stands for.
#[derive(Clone, Debug)]
pub struct TestEvent {
    /// When, ms since the test's start.
    pub at_ms: i64,
    /// When it comes to the engine, ms since the test's start: the events come in this order.
    pub arrive_ms: i64,
    /// How many of them; at least one.
    pub repeat: u32,
    /// Time from one to the next, ms.
    pub every_ms: i64,
    /// What differs from the template: Okta's JSON path, and the value to stand there; `{n}` in it is
    /// the number of the repetition, from 0.
    pub overrides: Vec<(String, Value)>,
    /// Byte range in the file.
    pub span: Range<usize>,
}

impl TestEvent {
    /// When the last of them is, ms since the test's start.
    pub fn last_ms(&self) -> i64 {
        let repeats = i64::from(self.repeat.saturating_sub(1));
        self.at_ms.saturating_add(self.every_ms.saturating_mul(repeats))
    }
}

/// One alert that must be raised. What is `None` is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Name or id of the rule.
    pub rule: Option<String>,
    /// When it fires, ms since the test's start.
    pub at_ms: Option<i64>,
    /// Value of its group, or of its entity.
    pub key: Option<String>,
    /// How many events contribute.
    pub count: Option<u64>,
    /// Part of its sentence.
    pub message: Option<String>,
    /// Where it goes.
    pub mode: Option<Mode>,
}

/// Most repetitions of one event of a test.
pub(super) const REPEAT_MAX: i64 = 100_000;

/// The keys of a test, of its events besides the fields they change, and of what it expects.
pub(super) const TEST_KEYS: &[&str] = &["name", "events", "until", "expect"];
pub(super) const EVENT_KEYS: &[&str] = &["at", "arrive", "repeat", "every"];
pub(super) const EXPECT_KEYS: &[&str] = &["rule", "at", "key", "count", "message", "mode"];

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
    map.only(TEST_KEYS, findings);
    map.require("name", findings);
    let name = map.text("name", findings)?;
    let events = items(map.require("events", findings)?, "events", findings);
    let expected = map.require("expect", findings)?;
    let expectations = items(expected, "expect", findings);
    let events: Vec<_> = events.iter().filter_map(|item| event(item, findings)).collect();
    let mut rules = Vec::new();
    let expect = expectations.iter().filter_map(|item| expectation(item, &mut rules, findings)).collect();
    if events.is_empty() && findings.errors() == before {
        findings.error(name.span, "empty", "a test needs an event");
    }
    let test = InlineTest {
        until_ms: until(&map, &events, findings),
        name: name.text,
        events,
        expect,
        span: node.span.range(),
        expect_span: expected.span.range(),
        expectation_spans: expectations.iter().map(|item| item.span.range()).collect(),
    };
    (findings.errors() == before).then_some(ReadTest { test, rules, span: name.span })
}

fn until(map: &Map<'_>, events: &[TestEvent], findings: &mut Findings) -> Option<i64> {
    let until_ms = duration(map, "until", findings)?;
    let last_ms = events.iter().map(TestEvent::last_ms).max().unwrap_or_default();
    if until_ms < last_ms {
        let last = config::Duration::millis(last_ms);
        let message = format!("the test ends before its last event, which is at {last}");
        let span = map.get("until").map_or(map.first_key(), |node| node.span);
        findings.error(span, "until", message).help("Leave `until` out: a test goes on to its last event.");
    }
    Some(until_ms)
}

fn event(node: &Node, findings: &mut Findings) -> Option<TestEvent> {
    let map = Map::of(node, "an event of a test", findings)?;
    map.require("at", findings)?;
    let at_ms = duration(&map, "at", findings)?;
    let arrive_ms = duration(&map, "arrive", findings).unwrap_or(at_ms);
    let repeat = map.integer("repeat", REPEAT_MAX, findings).unwrap_or(1).max(1);
    let every_ms = duration(&map, "every", findings).unwrap_or_default();
    let entries = map.entries.iter().filter(|entry| !EVENT_KEYS.contains(&entry.key.as_str()));
    let overrides = entries.filter_map(|entry| change(entry, findings)).collect();
    let repeat = u32::try_from(repeat).unwrap_or(1);
    Some(TestEvent { at_ms, arrive_ms, repeat, every_ms, overrides, span: node.span.range() })
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
        findings.error(entry.key_span, "unknown-field", format!("no field `{path}`")).suggest(
            near.as_deref(),
            || {
                let own = EVENT_KEYS.join("`, `");
                format!("a test sets fields of Okta's event by their path, and `{own}`")
            },
        );
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

/// Modes in which a rule alerts.
const MODES: &[Mode] = &[Mode::Active, Mode::Shadow];

fn expectation(node: &Node, rules: &mut Vec<Spanned>, findings: &mut Findings) -> Option<Expectation> {
    let map = Map::of(node, "an expectation", findings)?;
    map.only(EXPECT_KEYS, findings);
    let rule = map.text("rule", findings);
    rules.extend(rule.clone());
    let modes: Vec<&str> = MODES.iter().map(|mode| mode.as_str()).collect();
    let text = |key: &str, findings: &mut Findings| {
        map.get(key).and_then(|node| reader::text(node, key, findings)).map(|text| text.text)
    };
    Some(Expectation {
        rule: rule.map(|rule| rule.text),
        at_ms: duration(&map, "at", findings),
        key: text("key", findings),
        count: map.integer("count", i64::MAX, findings).and_then(|count| u64::try_from(count).ok()),
        message: text("message", findings),
        mode: map.word("mode", &modes, findings).and_then(|place| MODES.get(place).copied()),
    })
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
                     \x20 - {at: 4m, arrive: 10m, target: [{type: User, id: null}], outcome.reason: '1'}\n\
                     \x20 until: 13h\n\
                     \x20 expect:\n\
                     \x20 - {rule: one, at: 4m, key: ana, count: 5, message: 5 by ana, mode: shadow}\n\
                     \x20 - {}";
        let cases = tests(lines).unwrap();
        assert_eq!(
            (cases[0].file.to_str().unwrap(), &*cases[0].rules),
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
            message: Some("5 by ana".into()),
            mode: Some(Mode::Shadow),
        };
        assert_eq!(test.expect, [all, Expectation::default()]);
        assert_eq!((first.arrive_ms, test.events[1].arrive_ms), (0, 600_000));
        assert_eq!((first.last_ms(), test.until_ms), (160_000, Some(46_800_000)));
    }

    #[test]
    fn where_expectations_stand_is_known() {
        let lines =
            "- name: x\n  events: [{at: 0s}]\n  expect:\n    - {rule: one}  # first\n    - {key: a}\n";
        let text = document("one", "sel: {eventType: a}\ncondition: sel", &format!("tests:\n{lines}"));
        let set = compile(std::slice::from_ref(&text)).unwrap();
        let test = &set.tests[0].test;
        let written = |range: &Range<usize>| text.get(range.clone()).unwrap().to_owned();
        assert_eq!(written(&test.expect_span), "- {rule: one}  # first\n    - {key: a}");
        let spans: Vec<_> = test.expectation_spans.iter().map(written).collect();
        assert_eq!(spans, ["{rule: one}", "{key: a}"]);
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
        assert_eq!(event("{at: 0s, arrive: later}")[0].1, "`later` is no moment of a test");
        let until = "- {name: x, events: [{at: 1m, repeat: 3, every: 30s}], until: 119s, expect: []}";
        let message = "the test ends before its last event, which is at 2m";
        assert_eq!(tests(until).unwrap_err()[0].1, message);
        let expect = |expect: &str| {
            tests(&format!("- {{name: x, events: [{{at: 0s}}], expect: {expect}}}")).unwrap_err().remove(0).1
        };
        assert_eq!(expect("[{rule: two}]"), "no rule `two`");
        assert_eq!(expect("[{rul: one}]"), "an expectation has no key `rul`");
        assert_eq!(expect("[{mode: off}]"), "`off` is no mode");
        assert_eq!(expect("5"), "`expect` is a list, not a number");
    }
}

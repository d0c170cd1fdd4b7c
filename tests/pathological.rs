//! Does a rule file that means harm, or went wrong in a tool, stay within bounds when it is loaded?

#![allow(clippy::panic, reason = "what is not there fails the test")]

use std::collections::BTreeSet;

use oktawatch::rule::{self, LintOptions, Sources};

/// The codes of the mistakes of a file; none: it loads.
fn codes(text: &str) -> BTreeSet<&'static str> {
    let options = LintOptions { tests: false, ..LintOptions::default() };
    let report = rule::check_texts(Sources::of([("a.yml", text)]), &options);
    let errors = report.diagnostics.iter().filter(|found| found.severity == rule::Severity::Error);
    let codes: BTreeSet<&'static str> = errors.map(|found| found.code).collect();
    assert_eq!(codes.is_empty(), report.rules.is_some(), "{codes:?}");
    assert!(report.diagnostics.len() <= 1_001, "{} mistakes are told", report.diagnostics.len());
    codes
}

fn head(number: usize) -> String {
    format!(
        "title: Rule {number}\nid: 11111111-1111-4111-8111-{number:012}\nname: r{number}\nstatus: test\n\
         level: low\n"
    )
}

fn numbered(number: usize, detection: &str) -> String {
    format!("{}logsource: {{product: okta, service: okta}}\ndetection:\n{detection}\n", head(number))
}

fn detection(lines: &str) -> String {
    numbered(0, lines)
}

/// A detection that alerts on one item.
fn item(item: &str) -> String {
    detection(&format!("  s:\n    {item}\n  condition: s"))
}

const FIRST: &str = "  s: {eventType: user.session.start}\n  condition: s";

/// A correlation above a plain rule.
fn correlation(lines: &str) -> String {
    let lines = lines.replace('\n', "\n  ");
    format!("{}---\n{}correlation:\n  {lines}\n", detection(FIRST), head(1))
}

fn list(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn refused(text: &str, code: &str) {
    let found = codes(text);
    assert!(found.contains(code), "{code} is not among {found:?}");
}

#[track_caller]
fn loads(text: &str) {
    assert_eq!(codes(text), BTreeSet::new());
}

#[test]
fn the_plain_rules_that_the_others_are_made_of_load() {
    loads(&item("eventType: user.session.start"));
    loads(&correlation(
        "type: event_count\nrules: [r0]\ngroup-by: [actor.id]\ntimespan: 1h\ncondition: {gte: 5}",
    ));
}

#[test]
fn huge_regular_expressions_are_refused() {
    refused(&item("eventType|re: '(((a{1000}){1000}){1000})'"), "regex");
    refused(&item(&format!("eventType|re: '{}'", "(a|b)?".repeat(100_000))), "too-large");
    for (depth, code) in [(10_000, "too-large"), (2_000, "regex"), (150, "regex")] {
        let nested = format!("eventType|re: '{}a{}'", "(".repeat(depth), ")".repeat(depth));
        refused(&item(&nested), code);
        refused(&item(&format!("eventType|re: '{}'", "(".repeat(depth))), code);
    }
}

#[test]
fn aliases_that_multiply_and_nesting_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let repeated = list(10, |_| format!("*a{}", level - 1));
        bomb.push_str(&format!("a{level}: &a{level} [{repeated}]\n"));
    }
    refused(&bomb, "too-large");
    refused("a: &a [*a]\n", "yaml");
    // The parser's own bound on brackets comes first where they are many.
    refused(&"[".repeat(100_000), "yaml");
    refused(&"[".repeat(100), "too-deep");
    refused(&"- ".repeat(100_000), "too-deep");
    refused(&"{a: ".repeat(10_000), "yaml");
    refused(&"{a: ".repeat(100), "too-deep");
}

#[test]
fn conditions_are_bounded_in_depth_and_length() {
    let with = |condition: &str| detection(&format!("  s: {{eventType: a}}\n  condition: {condition}"));
    for depth in [100, 10_000, 100_000] {
        refused(&with(&format!("{}s{}", "(".repeat(depth), ")".repeat(depth))), "too-deep");
        // Twice `not` is nothing, however often: it does not nest.
        loads(&with(&format!("{}s", "not ".repeat(depth))));
    }
    refused(&with(&"s and ".repeat(200_000)), "too-large");
    // Just small enough for a file.
    refused(&with(&format!("{}s and", "s or ".repeat(150_000))), "condition");
}

#[test]
fn thousands_of_values_selections_and_fields_are_bounded() {
    refused(&item(&format!("eventType: [{}]", list(50_001, |n| format!("v{n}")))), "too-large");
    refused(&item(&format!("eventType|re: [{}]", list(1_001, |n| format!("v{n}")))), "too-large");
    refused(&item(&format!("eventType|contains|all: [{}]", list(1_001, |n| format!("v{n}")))), "too-large");
    let dashed = list(5_000, |n| format!("' -v{n}'"));
    refused(&item(&format!("eventType|windash|base64offset|contains: [{dashed}]")), "too-large");
    let selections: String = (0..3_000).map(|n| format!("  s{n}: {{eventType: v{n}}}\n")).collect();
    loads(&detection(&format!("{selections}  condition: 1 of s*")));
    let fields: String = (0..5_000).map(|n| format!("    debugContext.debugData.f{n}: a\n")).collect();
    refused(&detection(&format!("  s:\n{fields}  condition: s")), "too-many-fields");
}

#[test]
fn documents_and_keys_are_bounded() {
    refused(&"---\na: b\n".repeat(10_000), "too-large");
    refused(&item(&format!("? {}\n    : a", "k".repeat(100_000))), "too-large");
    refused(&"a".repeat(1_100_000), "too-large");
}

#[test]
fn bytes_that_are_no_plain_text_are_refused_or_skipped() {
    loads(&format!("\u{feff}{}", item("eventType: user.session.start")));
    assert_eq!(codes(&"\0".repeat(1_000)), BTreeSet::from(["yaml"]));
    // What UTF-16 looks like to a reader that keeps the bytes.
    let wide: String = item("eventType: a").chars().flat_map(|char| [char, '\0']).collect();
    assert_eq!(codes(&wide), BTreeSet::from(["yaml"]));
    loads(&item("displayMessage: \"a\\0b\""));
}

#[test]
fn a_file_in_utf_16_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("\u{feff}{}", item("eventType: a"));
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("wide.yml"), bytes).unwrap();
    let report = rule::check(&[folder.path().to_owned()], &LintOptions::default());
    assert!(report.rules.is_none());
    let codes: Vec<_> = report.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["unreadable"]);
}

#[test]
fn tags_and_merge_keys_are_refused() {
    refused(&item("eventType: !!python/object:os.system a"), "yaml");
    refused(&item("eventType: !include a"), "yaml");
    assert!(!codes(&item("<<: {eventType: a}")).is_empty());
}

#[test]
fn lists_of_a_correlation_are_bounded() {
    let fields = list(40_000, |n| format!("debugContext.debugData.f{n}"));
    let names = list(20_000, |n| format!("r{n}"));
    let group = "rules: [r0]\ngroup-by: [actor.id]\ntimespan: 1h";
    let steps = "type: sequence\ngroup-by: [actor.id]\nwithin: 1h";
    for lines in [
        format!("type: event_count\nrules: [r0]\ngroup-by: [{fields}]\ntimespan: 1h\ncondition: {{gte: 1}}"),
        format!("type: event_count\nrules: [{names}]\ngroup-by: [a]\ntimespan: 1h\ncondition: {{gte: 1}}"),
        format!("type: value_count\n{group}\ncondition: {{gte: 1, field: [{fields}]}}"),
        format!("type: new_value\nrules: [r0]\ngroup-by: [actor.id]\nfield: [{fields}]"),
        format!(
            "type: baseline\nrules: [r0]\ngroup-by: [actor.id]\nbucket: 1h\nmetric: 'distinct({fields})'"
        ),
        format!("type: aggregate\n{group}\nvalues: {{n: 'distinct({fields})'}}\ncondition: n > 1"),
        format!("{steps}\nsteps: [{{rule: r0}}, {{rule: r0}}]\nunequal: [{fields}]"),
        format!("{steps}\nsteps: [{{rule: r0}}, {{rule: r0}}]\nequal: [{fields}]"),
        format!("{steps}\nsteps: [{{rule: r0}}, {{rule: r0}}]\nuntil: [{names}]"),
        format!("{steps}\nsteps: [{{rule: [{names}]}}]"),
    ] {
        refused(&correlation(&lines), "too-large");
    }
    let many = list(10_000, |_| "{rule: r0}".to_owned());
    refused(&correlation(&format!("{steps}\nsteps: [{many}]")), "steps");
}

#[test]
fn correlations_that_take_one_another_are_refused() {
    let above = |number: usize, below: usize| {
        let lines =
            format!("type: event_count\n  rules: [r{below}]\n  timespan: 1h\n  condition: {{gte: 1}}");
        format!("---\n{}correlation:\n  {lines}\n", head(number))
    };
    refused(&format!("{}{}{}", detection(FIRST), above(1, 2), above(2, 1)), "cycle");
    refused(&format!("{}{}", detection(FIRST), above(1, 1)), "cycle");
    let chain: String = (1..500).map(|number| above(number, number - 1)).collect();
    refused(&format!("{}{chain}", detection(FIRST)), "too-deep");
}

#[test]
fn aliases_of_many_rules_load() {
    let rules: Vec<String> = (0..300).map(|n| numbered(n, FIRST)).collect();
    let fields = list(300, |n| format!("r{n}: actor.id"));
    let aliases: String = (0..8).map(|n| format!("    a{n}: {{{fields}}}\n")).collect();
    let text = format!(
        "{}---\n{}correlation:\n  type: event_count\n  rules: [{}]\n  group-by: [{}]\n  timespan: 1h\n  \
         condition: {{gte: 1}}\n  aliases:\n{aliases}",
        rules.join("---\n"),
        head(900),
        list(300, |n| format!("r{n}")),
        list(8, |n| format!("a{n}")),
    );
    loads(&text);
}

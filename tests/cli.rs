//! Do the commands answer as scripts and people rely on?
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first thing that fails, and starts processes"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn oktawatch(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oktawatch")).args(arguments).current_dir(root()).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

const RULE: &str = "
title: Token made
id: 5f0c7f0e-5d0b-4c58-9f4e-0f3c3a3f6a11
name: token-made
logsource: {product: okta, service: okta}
detection:
  made:
    eventType: system.api_token.create
  condition: made
tags: [attack.persistence, attack.t1098.001]
oktawatch:
  runbook: Ask who made it.
tests:
  - name: a token is made
    events: [{at: 0s, eventType: system.api_token.create}]
    expect: [{rule: token-made, at: 0s}]
  - name: another event
    events: [{at: 0s, eventType: user.session.start}]
    expect: []
";

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in
        ["run", "demo", "replay", "check", "test", "fields", "new", "schema", "graph", "config show"]
    {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let output = oktawatch(&arguments);
        assert_eq!(code(&output), 0, "{command}");
        assert!(text(&output.stdout).contains("Example"), "{command}");
    }
}

#[test]
fn bad_usage_and_bad_configuration_end_with_two() {
    assert_eq!(code(&oktawatch(&["nonsense"])), 2);
    let output = oktawatch(&["config", "show", "--set", "engine.workerz=2"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("did you mean `workers`? (flag)"), "{}", text(&output.stderr));
    let output = oktawatch(&["run", "--set", "rules.paths=[\"/nowhere\"]"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("cannot find the rules in /nowhere"));
}

#[test]
fn a_mistake_in_a_rule_is_shown_with_its_place_and_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let rule = file(folder.path(), "token-made.yml", &RULE.replace("eventType: system", "evntType: system"));
    let output = oktawatch(&["check", &rule]);
    assert_eq!(code(&output), 1);
    let shown = text(&output.stdout);
    assert!(shown.contains("token-made.yml:8:5"), "{shown}");
    assert!(shown.contains("did you mean `eventType`?"), "{shown}");
    let output = oktawatch(&["check", "--format", "json", &rule]);
    let first: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!((&first["line"], &first["column"]), (&8.into(), &5.into()));
}

#[test]
fn check_rejects_event_types_that_the_catalogue_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let rule = file(folder.path(), "token-made.yml", RULE);
    let catalogue = file(folder.path(), "types.csv", "Event Type,Description\nuser.session.start,Sign-in\n");
    assert_eq!(code(&oktawatch(&["check", &rule])), 0);
    let output = oktawatch(&["check", "--event-types", &catalogue, &rule]);
    assert_eq!(code(&output), 1, "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("system.api_token.create"));
}

/// The rule with a first test that expects the wrong time.
fn wrong() -> String {
    RULE.replace("at: 0s}]\n  - name: another", "at: 5s}]\n  - name: another")
}

#[test]
fn a_failed_test_shows_what_was_expected_and_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "token-made.yml", RULE);
    let output = oktawatch(&["test", &good]);
    assert_eq!(code(&output), 0);
    assert!(text(&output.stderr).starts_with("2 passed, 0 failed (1 file, "), "{}", text(&output.stderr));
    let bad = file(folder.path(), "token-made.yml", &wrong());
    let output = oktawatch(&["test", &bad]);
    assert_eq!(code(&output), 1);
    let shown = text(&output.stdout);
    let expected = format!(
        "FAILED {bad}:14: a token is made\n  - token-made  at 5s\n  + token-made  at 0s  \
         key ana@example.com  count 1  "
    );
    assert!(shown.starts_with(&expected) && shown.ends_with("\n      ~ at: 5s → 0s\n"), "{shown}");
}

#[test]
fn the_first_failure_is_the_last_test_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(folder.path(), "token-made.yml", &wrong());
    let summary = |arguments: &[&str]| text(&oktawatch(arguments).stderr);
    assert!(summary(&["test", &bad]).starts_with("1 passed, 1 failed"));
    assert!(summary(&["test", "--fail-fast", &bad]).starts_with("0 passed, 1 failed"));
}

#[test]
fn results_are_told_to_programs_test_by_test() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(folder.path(), "token-made.yml", &wrong());
    let junit = folder.path().join("results.xml").display().to_string();
    let output = oktawatch(&["test", "--format", "json", "--junit", &junit, &bad]);
    assert_eq!(code(&output), 1);
    let tests: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let passed: Vec<_> = tests.iter().map(|test| test["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [false, true]);
    assert_eq!(tests[0]["changed"][0]["differences"]["at"]["seen"], "0s");
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), 2);
}

#[test]
fn what_was_seen_is_written_into_the_rule_file_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(folder.path(), "token-made.yml", &wrong());
    let output = oktawatch(&["test", "--update", &bad]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(
        shown
            .contains("-    expect: [{rule: token-made, at: 5s}]\n+    expect: [{rule: token-made, at: 0s}]")
    );
    assert_eq!(std::fs::read_to_string(&bad).unwrap(), RULE);
    let again = oktawatch(&["test", "--update", &bad]);
    assert!(text(&again.stderr).ends_with("0 tests updated\n"), "{}", text(&again.stderr));
}

#[test]
fn parts_of_a_rule_that_no_test_reaches_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "token-made.yml", RULE);
    let output = oktawatch(&["test", "--min-coverage", "100", &good]);
    assert_eq!((code(&output), text(&output.stdout).trim()), (0, "100.0 %  token-made  2 of 2"));
    let only_hit = RULE.split("  - name: another").next().unwrap();
    let gap = file(folder.path(), "token-made.yml", only_hit);
    let output = oktawatch(&["test", "--coverage", &gap]);
    assert_eq!(code(&output), 0);
    let expected = format!("{gap}:8: never false: `eventType: system.api_token.create`");
    assert!(text(&output.stdout).contains(&expected), "{}", text(&output.stdout));
    assert_eq!(code(&oktawatch(&["test", "--min-coverage", "60", &gap])), 1);
    assert_eq!(code(&oktawatch(&["test", "--min-coverage", "101", &gap])), 2);
    let json = oktawatch(&["test", "--coverage", "--format", "json", &gap]);
    let last: Value = serde_json::from_str(text(&json.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["rule"], &last["percent"], &last["gaps"][0]["line"]),
        (&"token-made".into(), &50.0.into(), &8.into())
    );
}

#[test]
fn changes_of_a_rule_that_no_test_notices_are_findings() {
    let folder = tempfile::tempdir().unwrap();
    let two = RULE.replace(
        "    eventType: system.api_token.create\n",
        "    eventType: [system.api_token.create, system.api_token.update]\n",
    );
    let loose = file(folder.path(), "token-made.yml", &two);
    let output = oktawatch(&["test", "--mutate", &loose]);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let expected = format!("{loose}:8: token-made: no test holds it: without `system.api_token.update`");
    assert_eq!(text(&output.stdout).trim(), expected);
    assert!(text(&output.stderr).starts_with("2 mutants, 1 survived (1 file, "), "{}", text(&output.stderr));
    let json = oktawatch(&["test", "--mutate", "--format", "json", &loose]);
    let survivor: Value = serde_json::from_str(&text(&json.stdout)).unwrap();
    assert_eq!((&survivor["operator"], &survivor["line"]), (&"value".into(), &8.into()));
    let held = two.replace(
        "tests:\n",
        "tests:\n  - name: a token is changed\n    events: [{at: 0s, eventType: system.api_token.update}]\n    expect: [{rule: token-made}]\n",
    );
    assert_eq!(code(&oktawatch(&["test", "--mutate", &file(folder.path(), "token-made.yml", &held)])), 0);
    let failing = file(folder.path(), "token-made.yml", &wrong());
    assert_eq!(code(&oktawatch(&["test", "--mutate", &failing])), 1);
    assert_eq!(code(&oktawatch(&["test", "--mutate", "--update", &failing])), 2);
}

fn event(uuid: &str, published: &str, kind: &str) -> String {
    serde_json::json!({"uuid": uuid, "published": published, "eventType": kind,
        "actor": {"id": "00u1", "type": "User", "alternateId": "ana@example.com"}, "outcome": {"result": "SUCCESS"}})
    .to_string()
}

#[test]
fn replay_judges_in_event_time_order_from_files_and_stdin_alike() {
    let folder = tempfile::tempdir().unwrap();
    let rule = file(folder.path(), "token-made.yml", RULE);
    let later = event("u2", "2026-08-13T16:00:00.000Z", "system.api_token.create");
    let earlier = event("u1", "2026-08-13T15:00:00.000Z", "system.api_token.create");
    let lines = format!("{later}\n{earlier}\nrubbish\n");
    let events = file(folder.path(), "events.ndjson", &lines);
    let enriched = folder.path().join("enriched.ndjson").display().to_string();
    let output = oktawatch(&["replay", "--rules", &rule, "--enriched", &enriched, "--profile", &events]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let alerts: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times: Vec<&Value> = alerts.iter().map(|alert| &alert["metadata"]["original_time"]).collect();
    assert_eq!(times, ["2026-08-13T15:00:00.000Z", "2026-08-13T16:00:00.000Z"]);
    let summary = text(&output.stderr);
    assert!(summary.contains("3 records, 2 events, 1 dead letters"), "{summary}");
    assert!(summary.contains("events.ndjson record 3: not_json"), "{summary}");
    assert!(summary.contains("token-made\t2\t2\t"), "{summary}");
    let enriched = std::fs::read_to_string(enriched).unwrap();
    assert_eq!(enriched.lines().count(), 2);
    assert!(
        enriched.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["enriched"].is_object())
    );

    let mut piped = Command::new(env!("CARGO_BIN_EXE_oktawatch"))
        .args(["replay", "--rules", &rule, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let ids = |bytes: &[u8]| -> Vec<Value> {
        let findings = text(bytes);
        let findings = findings.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        findings.map(|finding| finding["metadata"]["uid"].clone()).collect()
    };
    assert_eq!(ids(&piped.wait_with_output().unwrap().stdout), ids(&output.stdout));
}

#[test]
fn fields_lists_paths_that_rules_may_use() {
    let output = oktawatch(&["fields", "--format", "json", "enriched.session"]);
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|field| field["path"] == "enriched.session.asn_changed"));
    assert!(lines.iter().all(|field| field["about"].as_str().is_some_and(|about| !about.is_empty())));
}

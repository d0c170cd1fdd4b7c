//! Do the commands help whoever writes rules, and is what they print right as other tools read it?
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first thing that fails, and starts processes"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use oktawatch::rule;
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

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_new_rule_of_every_type_passes_its_check_and_its_tests_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("my rules");
    let dir = dir.to_str().unwrap();
    for kind in rule::scaffold_kinds() {
        for event_type in ["", "user.session.end", "system.api_token.create"] {
            let name = format!("new-{}-{}", kind.replace('_', "-"), event_type.replace(['.', '_'], "-"));
            let name = name.trim_end_matches('-');
            let mut arguments = vec!["new", name, "--type", kind, "--dir", dir, "--author", "Ana: \"A\" #1"];
            if !event_type.is_empty() {
                arguments.extend(["--event-type", event_type]);
            }
            let made = oktawatch(&arguments);
            assert_eq!(code(&made), 0, "{}", text(&made.stderr));
            let file = text(&made.stdout).trim().to_owned();
            let tested = oktawatch(&["test", &file]);
            let passed = text(&tested.stderr).contains(" passed, 0 failed");
            assert!(passed, "{kind}: {}{}", text(&tested.stderr), text(&tested.stdout));
        }
    }
    let checked = oktawatch(&["check", "--format", "json", dir]);
    assert_eq!(code(&checked), 0, "{}", text(&checked.stdout));
    let written = fs::read_dir(dir).unwrap().count();
    assert_eq!(written, 3 * rule::scaffold_kinds().count());
    println!("scaffolds of {:?}", rule::scaffold_kinds().collect::<Vec<_>>());
}

#[test]
fn a_new_rule_never_replaces_a_file_and_says_what_is_wrong_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    assert_eq!(code(&oktawatch(&["new", "mine", "--dir", dir])), 0);
    let file = folder.path().join("mine.yml");
    let before = fs::read_to_string(&file).unwrap();
    let again = oktawatch(&["new", "mine", "--dir", dir]);
    assert_eq!(code(&again), 2);
    assert!(text(&again.stderr).contains("cannot write") && text(&again.stderr).contains("--dir"));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    for wrong in [["new", "Mine", "--dir", dir], ["new", "../mine", "--dir", dir]] {
        let output = oktawatch(&wrong);
        assert_eq!(code(&output), 2);
        assert!(text(&output.stderr).contains("lower case"), "{}", text(&output.stderr));
    }
    let wrong = oktawatch(&["new", "x", "--event-type", "a: b", "--dir", dir]);
    assert!(text(&wrong.stderr).contains("user.session.start"), "{}", text(&wrong.stderr));
}

#[test]
fn a_diagram_of_the_shipped_rules_has_every_rule_and_arrow() {
    let mermaid = text(&oktawatch(&["graph", "detections"]).stdout);
    let lines = text(&oktawatch(&["graph", "--format", "json", "detections"]).stdout);
    let rules: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rules.len() > 80, "{}", rules.len());
    let arrows: usize = rules.iter().map(|rule| rule["takes"].as_array().map_or(0, Vec::len)).sum();
    let alerts = rules.iter().filter(|rule| rule["alerts"].is_string()).count();
    assert!(mermaid.starts_with("flowchart LR\n"));
    assert_eq!(mermaid.matches(" -->").count(), arrows);
    assert_eq!(mermaid.matches(" ==> ").count(), alerts);
    for rule in &rules {
        assert!(mermaid.contains(rule["name"].as_str().unwrap()), "{rule}");
    }
}

#[test]
fn a_diagram_of_one_rule_shows_what_leads_to_it() {
    let one = oktawatch(&["graph", "--format", "json", "--rule", "push-bombing-success", "detections"]);
    let names: Vec<String> = text(&one.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    // Its alerts lead on to the scores that take every rule's.
    let scores = ["kill-chain-score", "risk-by-techniques"];
    let own = |name: &String| name.starts_with("push-bombing-success") || scores.contains(&name.as_str());
    assert!(names.iter().all(own) && names.len() > 4, "{names:?}");
    let wrong = oktawatch(&["graph", "--rule", "push-bombing-sucess", "detections"]);
    assert_eq!(code(&wrong), 2);
    assert!(text(&wrong.stderr).contains("Did you mean `push-bombing-success`?"), "{}", text(&wrong.stderr));
}

#[test]
fn schemas_are_printed_as_json() {
    for (of, key) in [("rule", "filter"), ("config", "kafka"), ("alert", "alert_id")] {
        let schema = json(&oktawatch(&["schema", of]));
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert!(schema["properties"].get(key).is_some(), "{of}");
    }
    let rule = json(&oktawatch(&["schema", "rule"]));
    assert!(rule["else"]["properties"].get("correlation").is_some());
}

fn broken(folder: &Path) -> String {
    let file = folder.join("a rule.yml");
    fs::write(&file, "title: é\nid: x\nname: one\nlogsource: {product: okta}\ndetection:\n\tsel: {}\n")
        .unwrap();
    folder.display().to_string()
}

#[test]
fn sarif_names_rules_places_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let output = oktawatch(&["check", "--format", "sarif", &broken(folder.path())]);
    assert_eq!(code(&output), 1);
    let run = &json(&output)["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let result = &run["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"yaml".into(), &"error".into()));
    let place = &result["locations"][0]["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("/a%20rule.yml"));
    assert_eq!(place["region"]["startLine"], 6);
    let good = oktawatch(&["check", "--format", "sarif", "detections"]);
    assert_eq!((code(&good), json(&good)["runs"][0]["results"].as_array().unwrap().len()), (0, 0));
}

#[test]
fn a_code_is_explained_and_a_wrong_one_corrected() {
    let known = oktawatch(&["check", "--explain", "unknown-field"]);
    assert_eq!(code(&known), 0);
    assert!(text(&known.stdout).starts_with("unknown-field: A field that no event"));
    let wrong = oktawatch(&["check", "--explain", "unknown-feild"]);
    assert_eq!(code(&wrong), 2);
    assert!(text(&wrong.stderr).contains("Did you mean `unknown-field`?"));
}

#[test]
fn fields_are_listed_with_families_and_as_json() {
    let all = text(&oktawatch(&["fields", "--format", "json"]).stdout);
    let fields: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |path: &str| fields.iter().find(|field| field["path"] == path).unwrap();
    let login = find("enriched.target.<Type>.alternateId");
    assert_eq!((&login["several"], &login["example"]), (&true.into(), &"ben@example.com".into()));
    assert_eq!(find("debugContext.debugData.<key>")["type"], "text");
    for field in &fields {
        assert!(!field["about"].as_str().unwrap().is_empty() && field["type"].is_string(), "{field}");
        let family = field["path"].as_str().unwrap().ends_with("<key>");
        assert!(family || !field["example"].as_str().unwrap().is_empty(), "{field}");
    }
    let some = text(&oktawatch(&["fields", "<Type>"]).stdout);
    assert_eq!(some.lines().count(), 5, "{some}");
}

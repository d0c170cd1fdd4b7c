//! Does the source keep the house rules that no compiler checks?
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test ends at the first thing that fails, and is all rim"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A module may use only what stands on a lower floor.
const FLOORS: &[(&str, u8)] = &[
    ("error", 0),
    ("limits", 0),
    ("text", 0),
    ("model", 1),
    ("config", 2),
    ("state", 2),
    ("telemetry", 3),
    ("source", 3),
    ("enrich", 3),
    ("rule", 3),
    ("correlate", 4),
    ("alert", 5),
    ("engine", 6),
    ("suite", 7),
    ("replay", 7),
    ("demo", 7),
    ("kafka", 7),
    ("http", 7),
    ("run", 8),
    ("cli", 9),
];

const FILE_LINES: usize = 450;
const FUNCTION_LINES: usize = 70;
const LEFTOVERS: &[&str] = &[
    "todo!(",
    "unimplemented!(",
    "dbg!(",
    "FIXME",
    "XXX:",
    "TODO",
    "HACK",
    "not implemented",
    "placeholder value",
    "hard-coded",
    "hardcoded",
    "dummy",
];

struct Source {
    path: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(Source { text: fs::read_to_string(&path).unwrap(), path });
        }
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    files(&root().join("src"), "rs", &mut found);
    assert!(found.len() > 20, "the walk over src found only {} files", found.len());
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The part of a file before its tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

fn report(what: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{what}:\n  {}", problems.join("\n  "));
}

/// `src/enrich/geo.rs` → `enrich`
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

#[test]
fn every_module_opens_with_the_question_it_answers() {
    let problems: Vec<String> = sources()
        .iter()
        .filter(|source| {
            let opening: Vec<&str> =
                source.text.lines().take_while(|line| line.starts_with("//!") && line.len() > 3).collect();
            !opening.join(" ").contains('?')
        })
        .map(|source| relative(&source.path))
        .collect();
    report("no question in the first lines", &problems);
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut problems = Vec::new();
    for source in sources() {
        let from = module(&source.path);
        if matches!(from.as_str(), "lib" | "main") {
            continue;
        }
        let Some(own) = floor(&from) else {
            problems.push(format!("{}: the module has no floor", relative(&source.path)));
            continue;
        };
        for (number, line) in product(&source.text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let allowed = name == from || floor(&name).is_some_and(|floor| floor < own);
                if floor(&name).is_some() && !allowed {
                    problems.push(format!("{}:{}: {from} uses {name}", relative(&source.path), number + 1));
                }
            }
        }
    }
    report("a module reaches up or sideways", &problems);
}

#[test]
fn files_and_functions_stay_small() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            problems.push(format!("{}: {lines} lines", relative(&source.path)));
        }
        for (name, length) in functions(product(&source.text)) {
            if length > FUNCTION_LINES {
                problems.push(format!("{}: {name} has {length} lines", relative(&source.path)));
            }
        }
    }
    report("too large to be read at a glance", &problems);
}

/// Functions with their lengths, by the indentation that rustfmt gives them.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function =
            ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "async fn ", "pub async fn "]
                .iter()
                .any(|opening| code.starts_with(opening));
        if !is_function || line.ends_with(';') {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        if let Some(length) = lines[start..].iter().position(|line| *line == end) {
            found.push((code.split('(').next().unwrap_or(code).to_owned(), length + 1));
        }
    }
    found
}

#[test]
fn nothing_is_left_over() {
    let mut everything = sources();
    for (folder, extension) in
        [("detections", "yml"), ("deploy", "toml"), ("deploy", "yaml"), ("deploy", "sh"), ("helm", "yaml")]
    {
        files(&root().join(folder), extension, &mut everything);
    }
    let mut problems = Vec::new();
    for source in &everything {
        for (number, line) in source.text.lines().enumerate() {
            for word in LEFTOVERS {
                if line.contains(word) {
                    problems.push(format!("{}:{}: {word}", relative(&source.path), number + 1));
                }
            }
        }
    }
    report("leftovers", &problems);
}

#[test]
fn every_setting_stands_in_the_example_configuration() {
    let example = fs::read_to_string(root().join("deploy/oktawatch.example.toml")).unwrap();
    let settings = oktawatch::config::settings(&[], &[]).unwrap();
    let mut problems = Vec::new();
    for setting in settings {
        let (table, key) = setting.key.split_once('.').unwrap();
        let section = example.split(&format!("[{table}]")).nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let named = section.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        });
        if !named {
            problems.push(setting.key.clone());
        }
    }
    report("not in deploy/oktawatch.example.toml", &problems);
}

#[test]
fn every_metric_is_documented() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let problems: Vec<String> = oktawatch::telemetry::METRICS
        .iter()
        .map(|metric| metric.name)
        .filter(|name| !readme.contains(*name))
        .map(str::to_owned)
        .collect();
    report("not in README.md", &problems);
}

#[test]
fn every_command_is_documented() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let problems: Vec<String> =
        ["run", "demo", "replay", "check", "test", "fields", "new", "schema", "graph", "config show"]
            .iter()
            .map(|command| format!("oktawatch {command}"))
            .filter(|command| !readme.contains(command.as_str()))
            .collect();
    report("not in README.md", &problems);
}

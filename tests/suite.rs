//! Do the tools that look at rules as they are written agree with the engine, on every shipped rule?
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and tells why")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Enriched, Input, Position, RawRecord, Shared};
use oktawatch::rule::{self, Body, LintOptions, Outline, RuleSet, Sources};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> (Arc<RuleSet>, Sources) {
    let options = LintOptions { tests: false, ..LintOptions::default() };
    let report = rule::check(&[root().join("detections")], &options);
    (Arc::new(report.rules.unwrap()), report.sources)
}

/// The events of every story, as the rules see them.
fn events(rules: &Arc<RuleSet>) -> Vec<Shared<Enriched>> {
    let mut config = Config::default();
    config.output.enriched = "enriched".to_owned();
    let mut events = Vec::new();
    for folder in fs::read_dir(root().join("tests/cases")).unwrap() {
        let Ok(lines) = fs::read_to_string(folder.unwrap().path().join("events.jsonl")) else { continue };
        let records = (0..).zip(lines.lines()).map(|(offset, line)| {
            let position = Position { offset, ..Position::default() };
            Input::Record(RawRecord { position, payload: line.as_bytes().to_vec(), ..RawRecord::default() })
        });
        let mut shard = Shard::new(&config, Arc::clone(rules), Arc::new(GeoIp::default()));
        events.extend(shard.step(records.collect()).enriched);
    }
    events
}

#[test]
fn the_parts_of_every_detection_together_say_what_the_detection_says() {
    let (rules, sources) = shipped();
    let outline = Outline::new(&sources);
    let events = events(&rules);
    let (mut matched, mut explained) = (0, 0);
    for rule in &rules.rules {
        let Body::Detection(detection) = &rule.body else { continue };
        let trace = outline.trace(&rule.info.name, &rules).unwrap_or_else(|| panic!("{}", rule.info.name));
        for event in &events {
            let fields = &event.event().fields;
            let matches = detection.matches(fields);
            assert_eq!(trace.judge(fields).last(), Some(&matches), "{}", rule.info.name);
            let reasons = trace.reasons(fields, &rules.table);
            assert_eq!(reasons.is_empty(), matches, "{}: {reasons:?}", rule.info.name);
            matched += usize::from(matches);
            explained += reasons.len();
        }
    }
    assert!(
        events.len() > 400 && matched > 100 && explained > 10_000,
        "{} {matched} {explained}",
        events.len()
    );
}

#[test]
fn every_shipped_rule_has_mutants_that_compile_and_mean_something_else() {
    let (_, sources) = shipped();
    let outline = Outline::new(&sources);
    let mut operators = BTreeSet::new();
    for source in sources.iter() {
        let around = outline.around(&source.path);
        let own = rule::compile(&around).unwrap();
        let mut different = 0;
        for mutant in outline.mutants(&source.path) {
            let text = rule::apply(&source.text, std::slice::from_ref(&mutant.edit)).unwrap();
            let Ok(changed) = rule::compile(&around.with(&source.path, text)) else { continue };
            if changed.digest != own.digest {
                different += 1;
                operators.insert(mutant.operator);
            }
        }
        // A rule that is one event type and nothing else has nothing to change.
        let is_plain = |rule: &str| !outline.is_correlation(rule);
        let plain = outline.rules(&source.path).into_iter().all(is_plain);
        assert!(different > 0 || plain, "{}", source.path.display());
    }
    for operator in
        ["amount", "comparison", "joint", "negation", "operand", "field", "value", "key", "item", "word"]
    {
        assert!(operators.contains(operator), "no mutant by {operator}: {operators:?}");
    }
}

#[test]
fn every_file_is_compiled_with_what_belongs_to_it_and_means_the_same() {
    let (rules, sources) = shipped();
    let outline = Outline::new(&sources);
    let meaning = |set: &RuleSet, name: &str| {
        let rule = set.rules.iter().find(|rule| *rule.info.name == *name).unwrap();
        (rule.info.digest.clone(), rule.info.generates)
    };
    for source in sources.iter() {
        let around = rule::compile(&outline.around(&source.path)).unwrap();
        for name in outline.rules(Path::new(&source.path)) {
            assert_eq!(meaning(&around, name), meaning(&rules, name), "{name}");
        }
    }
}

//! Do the rules do what their tests say?

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::args::{Format, TestArgs};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::{self, Out};
use super::rules;
use crate::config::Config;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::rule::{Expectation, TestCase};
use crate::suite;

/// Runs every test, and shows what those that failed expected and saw.
pub(super) fn run(arguments: &TestArgs) -> Outcome {
    let rules = Arc::new(rules::load(&arguments.paths)?);
    let config = Config::default();
    let geoip = Arc::new(GeoIp::open(&config.geoip).or_usage()?);
    let mut out = Out::new();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for case in rules.tests.iter().filter(|case| wanted(case, arguments.filter.as_deref())) {
        let outcome = suite::run(case, &config, &rules, &geoip);
        if outcome.passed() {
            passed += 1;
        } else {
            failed += 1;
        }
        let text = match arguments.format {
            Format::Text if outcome.passed() => continue,
            Format::Text => failure(&outcome),
            Format::Json => record(&outcome),
        };
        out.line(&text).or_runtime()?;
    }
    out.flush().or_runtime()?;
    if passed + failed == 0 {
        let failure = Failure::new("no test was run")
            .hint("Rule files carry them under `tests:`; --filter may have left none.");
        return Err((failure, Exit::Findings));
    }
    output::note(&format!("{passed} passed, {failed} failed"));
    Ok(if failed == 0 { Exit::Good } else { Exit::Findings })
}

fn wanted(case: &TestCase, filter: Option<&str>) -> bool {
    let Some(filter) = filter else { return true };
    let named = |text: &str| text.to_lowercase().contains(&filter.to_lowercase());
    named(&case.test.name) || named(&case.file.display().to_string())
}

fn failure(outcome: &suite::Outcome) -> String {
    let mut text = format!("FAILED {}: {}", outcome.file.display(), outcome.name);
    if let Some(failure) = &outcome.failure {
        text.push_str(&format!("\n  {failure}"));
    }
    for missing in &outcome.missing {
        text.push_str(&format!("\n  - missing  {}", expectation(&missing.expectation)));
        if let Some(nearest) = &missing.nearest {
            text.push_str(&format!("\n             nearest: {nearest}"));
        }
    }
    for seen in &outcome.extra {
        text.push_str(&format!("\n  + seen     {}", seen_line(seen)));
    }
    for seen in outcome.seen.iter().filter(|seen| !outcome.extra.contains(seen)) {
        text.push_str(&format!("\n    as told  {}", seen_line(seen)));
    }
    text
}

fn expectation(expected: &Expectation) -> String {
    let rule = expected.rule.as_deref().unwrap_or("any rule of the file");
    let at = expected.at_ms.map_or_else(String::new, |at| format!(" at {}", clock(at)));
    let key = expected.key.as_ref().map_or_else(String::new, |key| format!(" for {key}"));
    let count = expected.count.map_or_else(String::new, |count| format!(" with {count} events"));
    format!("{rule}{at}{key}{count}")
}

fn seen_line(seen: &suite::Seen) -> String {
    format!(
        "{} at {} for {} with {} events: {}",
        seen.rule,
        clock(seen.at_ms),
        seen.entity,
        seen.count,
        seen.sentence
    )
}

/// A time of a test, as tests write it.
fn clock(at_ms: i64) -> String {
    crate::config::Duration::millis(at_ms).to_string()
}

fn record(outcome: &suite::Outcome) -> String {
    let seen: Vec<String> = outcome.seen.iter().map(seen_line).collect();
    let missing: Vec<String> =
        outcome.missing.iter().map(|missing| expectation(&missing.expectation)).collect();
    let extra: Vec<String> = outcome.extra.iter().map(seen_line).collect();
    let file: &Path = &outcome.file;
    json!({"file": file, "test": outcome.name, "passed": outcome.passed(), "seen": seen, "missing": missing,
        "extra": extra, "failure": outcome.failure.as_ref().map(ToString::to_string)})
    .to_string()
}

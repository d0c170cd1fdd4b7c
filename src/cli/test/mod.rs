//! Do the rules do what their tests say, and do the tests say enough?

mod coverage;
mod diff;
mod json;
mod junit;
mod mutate;
mod update;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::{Format, TestArgs};
use super::exit::{Exit, OrExit as _, Outcome};
use super::output::{self, Out};
use super::rules;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::rule::TestCase;
use crate::suite::{self, Suite};

/// Tests run between two signs of life.
const TOLD_EVERY: usize = 10;

/// A test that was run.
struct Ran {
    outcome: suite::Outcome,
    took: Duration,
}

/// Runs every test, or what else is asked of them.
pub(super) fn run(arguments: &TestArgs) -> Outcome {
    let start = now();
    let (rules, sources) = rules::load_with_sources(&arguments.paths)?;
    let config = suite::config();
    let geoip = Arc::new(GeoIp::open(&config.geoip).or_usage()?);
    let suite = Suite::new(Arc::new(rules), &sources, config, geoip);
    if arguments.mutate {
        return mutate::run(&suite, arguments, start);
    }
    let ran = tests(&suite, arguments).or_runtime()?;
    if ran.is_empty() {
        return Err(no_tests());
    }
    if let Some(path) = &arguments.junit {
        junit::write(path, &ran).or_runtime()?;
    }
    let failed = ran.iter().filter(|ran| !ran.outcome.passed()).count();
    let covered = coverage::run(&suite, arguments, &files(&suite, arguments))?;
    output::note(&summary(&ran, failed, start.elapsed()));
    if arguments.update {
        return update::run(&suite, &ran);
    }
    Ok(if failed == 0 { covered } else { Exit::Findings })
}

/// Runs the tests, and prints each that failed, or all of them as JSON.
fn tests(suite: &Suite, arguments: &TestArgs) -> Result<Vec<Ran>, Failure> {
    let mut out = Out::new();
    let colour = output::colour();
    let cases: Vec<&TestCase> = wanted(suite, arguments).collect();
    let mut ran = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        if place % TOLD_EVERY == 0 {
            output::progress(&format!("{place} of {} tests", cases.len()));
        }
        let start = now();
        let outcome = suite.run(case);
        let took = start.elapsed();
        let passed = outcome.passed();
        match arguments.format {
            Format::Json => out.line(&json::test(&outcome, took).to_string())?,
            Format::Text if passed => {}
            Format::Text => {
                output::progress("");
                out.line(&diff::failure(&outcome, colour))?;
                out.flush()?;
            }
        }
        ran.push(Ran { outcome, took });
        if arguments.fail_fast && !passed {
            break;
        }
    }
    output::progress("");
    out.flush()?;
    Ok(ran)
}

fn wanted<'s>(suite: &'s Suite, arguments: &'s TestArgs) -> impl Iterator<Item = &'s TestCase> {
    let filter = arguments.filter.as_deref().map(str::to_lowercase);
    suite.cases().iter().filter(move |case| {
        let named = |text: &str| filter.as_ref().is_none_or(|filter| text.to_lowercase().contains(filter));
        named(&case.test.name) || named(&case.file.display().to_string())
    })
}

/// The files that have a test which is wanted.
fn files(suite: &Suite, arguments: &TestArgs) -> Vec<PathBuf> {
    let files: BTreeSet<&Path> = wanted(suite, arguments).map(|case| case.file.as_path()).collect();
    files.into_iter().map(Path::to_path_buf).collect()
}

fn no_tests() -> (Failure, Exit) {
    let failure = Failure::new("no test was run")
        .hint("Rule files carry them under `tests:`; --filter may have left none.");
    (failure, Exit::Findings)
}

fn summary(ran: &[Ran], failed: usize, took: Duration) -> String {
    let files: BTreeSet<&Path> = ran.iter().map(|ran| ran.outcome.file.as_path()).collect();
    format!(
        "{} passed, {failed} failed ({}, {})",
        ran.len() - failed,
        number_of(files.len(), "file"),
        seconds(took)
    )
}

/// `1 file`, `2 files`
fn number_of(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "a person is told how long it took; no verdict depends on it")]
fn now() -> Instant {
    Instant::now()
}

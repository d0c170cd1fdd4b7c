//! How do commands load rules, and show what is wrong with them?

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output;
use crate::error::Failure;
use crate::rule::{self, LintOptions, RuleSet, Severity, Sources};

/// Loads the rules, or prints every mistake.
pub(super) fn load(paths: &[PathBuf]) -> Result<RuleSet, (Failure, Exit)> {
    load_with_sources(paths).map(|(rules, _)| rules)
}

/// The same, with the files they were compiled from.
pub(super) fn load_with_sources(paths: &[PathBuf]) -> Result<(RuleSet, Sources), (Failure, Exit)> {
    exist(paths)?;
    let report = rule::check(paths, &LintOptions { tests: false, ..LintOptions::default() });
    if let Some(rules) = report.rules {
        return Ok((rules, report.sources));
    }
    let mut errors = report.diagnostics;
    errors.retain(|found| found.severity == Severity::Error);
    output::note(rule::render(&errors, &report.sources).trim_end());
    let failure = Failure::new(format!("{} errors in the rules", errors.len()))
        .hint("`oktawatch check PATH` shows them together with its advice.");
    Err((failure, Exit::Usage))
}

/// A path that is not there is a mistake of its own, not an empty set of rules.
pub(super) fn exist(paths: &[PathBuf]) -> Result<(), (Failure, Exit)> {
    match paths.iter().find(|path| !path.exists()) {
        Some(path) => Err((missing(path), Exit::Usage)),
        None => Ok(()),
    }
}

fn missing(path: &Path) -> Failure {
    Failure::new(format!("cannot find the rules in {}", path.display()))
        .detail("No such file or folder.")
        .hint("Name them with --rules or rules.paths; the repository keeps them in detections/.")
}

//! What does a good rule have that a rule which merely loads may lack?
//!
//! `whole` looks at a rule as a whole, `values` at what its selections compare with, `selections` at
//! its condition, `absent` at the keys that its events never have. What they find never stops a
//! load; an error among it fails the check.

mod absent;
mod logic;
mod regex;
mod selections;
mod values;
mod whole;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::Date;

use super::compile::{self, Inspection};
use super::diagnostic::{Diagnostic, Findings, Severity};
use super::document::Content;
use super::sources::Sources;
use super::yaml::{Entry, Kind, Node};
use super::{Body, RuleSet};
use crate::model::FieldTable;
use absent::DebugKeys;
use logic::Logic;
use whole::Whole;

/// What to check besides what the load needs.
#[derive(Clone, Debug)]
pub struct LintOptions {
    /// The event types there are, in lower case; without them, none is checked.
    pub event_types: Option<BTreeSet<String>>,
    /// Whether a rule must have a test that alerts and one that does not.
    pub tests: bool,
    /// Today, to tell exceptions that have expired; without it, none is checked.
    pub today: Option<Date>,
}

impl Default for LintOptions {
    fn default() -> Self {
        Self { event_types: None, tests: true, today: None }
    }
}

/// All that was found.
#[derive(Debug)]
pub struct CheckReport {
    /// The rules, if they load.
    pub rules: Option<RuleSet>,
    /// Every mistake, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
    /// The files, to show the mistakes in.
    pub sources: Sources,
}

impl CheckReport {
    /// Whether anything is an error.
    pub fn failed(&self) -> bool {
        self.diagnostics.iter().any(|found| found.severity == Severity::Error)
    }
}

/// Loads every rule under the paths and looks for what is missing in them.
pub fn check(paths: &[PathBuf], options: &LintOptions) -> CheckReport {
    let mut findings = Findings::default();
    let sources = Sources::read(paths, &mut findings);
    check_sources(sources, findings, options)
}

/// As [`check`], for texts that need not be files.
pub fn check_texts(sources: Sources, options: &LintOptions) -> CheckReport {
    check_sources(sources, Findings::default(), options)
}

fn check_sources(sources: Sources, mut findings: Findings, options: &LintOptions) -> CheckReport {
    let mut own = Findings::default();
    let table = FieldTable::default();
    let mut compiled = compile::inspected(&sources, table, &mut findings, |inspection| {
        inspect(inspection, options, &mut own);
    });
    let set = compiled.set.filter(|_| findings.errors() == 0);
    compiled.lists.check(&mut own);
    let broken = findings.files_with_errors();
    for facts in &compiled.facts {
        let broken = broken.contains(&facts.name.span.file);
        Whole { facts, options, broken, findings: &mut own }.look();
    }
    findings.absorb(own);
    let diagnostics = findings.finish(&sources);
    CheckReport { rules: set, diagnostics, sources }
}

fn inspect(inspection: &Inspection<'_, '_>, options: &LintOptions, findings: &mut Findings) {
    let keys = DebugKeys::new();
    for (document, body) in inspection.documents.iter().zip(&inspection.bodies) {
        match (&document.content, body) {
            (Content::Detection(node), body) => {
                let Kind::Map(selections) = &node.kind else { continue };
                let entries = entries(selections, &["condition"]);
                entries.iter().for_each(|entry| values::look(entry, options, findings));
                let Some(Body::Detection(detection)) = body else { continue };
                let logic = Logic { detection, table: inspection.table };
                selections::look(node, logic, findings);
                keys.of_detection(logic, &entries, findings);
            }
            (Content::Correlation(_), Some(Body::Correlation(correlation))) => {
                keys.of_correlation(document.node, correlation, inspection, findings);
            }
            _ => {}
        }
    }
    for filter in inspection.filters {
        entries(filter.map.entries, &["rules", "condition"])
            .iter()
            .for_each(|entry| values::look(entry, options, findings));
    }
}

/// Every field of the selections of a detection or a filter with its values.
fn entries<'n>(selections: &'n [Entry], others: &[&str]) -> Vec<&'n Entry> {
    fn collect<'n>(node: &'n Node, found: &mut Vec<&'n Entry>) {
        match &node.kind {
            Kind::Map(entries) => found.extend(entries),
            Kind::List(items) => items.iter().for_each(|item| collect(item, found)),
            Kind::Scalar(_) => {}
        }
    }
    let mut found = Vec::new();
    let selections = selections.iter().filter(|entry| !others.contains(&entry.key.as_str()));
    selections.for_each(|entry| collect(&entry.value, &mut found));
    found
}

#[cfg(test)]
mod testing {
    use super::super::testing::document;
    use super::*;

    /// What is found in one detection, besides what it lacks as a whole.
    pub(super) fn lint(detection: &str) -> Vec<Diagnostic> {
        lint_all(&[document("one", detection, "")])
    }

    pub(super) fn lint_all(documents: &[String]) -> Vec<Diagnostic> {
        let text = documents.join("---\n");
        let types =
            ["user.session.start", "user.session.end", "user.mfa.factor.activate", "x", "y", "zone.update"];
        let options =
            LintOptions { event_types: Some(types.map(str::to_owned).into()), tests: false, today: None };
        let mut found = check_texts(Sources::of([("a.yml", text.as_str())]), &options).diagnostics;
        found.retain(|found| !found.code.starts_with("missing-"));
        found
    }
}

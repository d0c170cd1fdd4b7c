//! What does a good rule have that a rule which merely loads may lack?

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::Date;

use super::RuleSet;
use super::compile::{self, Facts};
use super::diagnostic::{Diagnostic, Findings, Severity};
use super::fields::{self, PathKind};
use super::reader::Spanned;
use super::sources::Sources;
use super::wildcard::{Shape, fold, symbols};
use crate::model::FieldTable;
use crate::model::placeholder::{PLACEHOLDERS, Piece, pieces};
use crate::text::nearest;

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
    let mut compiled = compile::compile(&sources, FieldTable::default(), &mut findings);
    let set = compiled.set.filter(|_| findings.errors() == 0);
    compiled.lists.check(&mut findings);
    let broken = findings.files_with_errors();
    for facts in &compiled.facts {
        let broken = broken.contains(&facts.name.span.file);
        Lint { facts, options, broken, findings: &mut findings }.all();
    }
    let diagnostics = findings.finish(&sources);
    CheckReport { rules: set, diagnostics, sources }
}

struct Lint<'l> {
    facts: &'l Facts,
    options: &'l LintOptions,
    /// Its file has errors, so that a test may be missing only because it could not be read.
    broken: bool,
    findings: &'l mut Findings,
}

impl Lint<'_> {
    fn all(&mut self) {
        self.event_types();
        self.message();
        self.exceptions();
        self.values();
        if self.facts.alerts {
            self.tests();
            self.texts();
        }
    }

    fn tests(&mut self) {
        if !self.options.tests || self.broken {
            return;
        }
        let name = &self.facts.name;
        if !self.facts.tested.contains(&true) {
            let message = format!("no test shows that `{}` alerts", name.text);
            let finding = self.findings.error(name.span, "no-tests", message);
            finding.help("Add one under `tests:` whose `expect` names the rule.");
        }
        if !self.facts.tested.contains(&false) {
            let message = format!("no test shows a near miss of `{}`", name.text);
            let finding = self.findings.error(name.span, "no-tests", message);
            finding.help("Add one under `tests:` that almost alerts, with `expect: []`.");
        }
    }

    fn texts(&mut self) {
        let name = &self.facts.name;
        if !self.facts.has_runbook {
            let message = format!("`{}` has no runbook", name.text);
            let finding = self.findings.warning(name.span, "missing-runbook", message);
            finding.help(
                "Say under `oktawatch: {runbook: …}` what it means, how to check it, how to answer it.",
            );
        }
        if !self.facts.has_attack {
            let message = format!("`{}` names no ATT&CK tactic or technique", name.text);
            let finding = self.findings.warning(name.span, "missing-attack-tag", message);
            finding.help("Add tags such as `attack.credential-access` and `attack.t1621`.");
        }
    }

    fn exceptions(&mut self) {
        let Some(today) = self.options.today else { return };
        for (written, _) in self.facts.exceptions.iter().filter(|(_, until)| *until < today) {
            let message = format!("the exception expired after {}", written.text);
            let finding = self.findings.error(written.span, "expired-exception", message);
            finding.help("Take it out, or give it a new day if its owner still needs it.");
        }
    }

    fn event_types(&mut self) {
        let Some(known) = &self.options.event_types else { return };
        for written in &self.facts.event_types {
            let shape = Shape::new(symbols(&written.text), false);
            let found = match &shape {
                Shape::Exact(text) => known.contains(text.as_str()),
                shape => known.iter().any(|known| shape.matches(&fold(known), false)),
            };
            if !found {
                let message = format!("Okta has no event type `{}`", written.text);
                let near = self.findings.guess(|| nearest(&written.text, known.iter().map(String::as_str)));
                self.findings
                    .error(written.span, "unknown-event-type", message)
                    .suggest(near, || "No entry of the catalogue of event types fits it.".to_owned());
            }
        }
    }

    fn message(&mut self) {
        let Some(message) = &self.facts.message else { return };
        match pieces(&message.text) {
            Err(detail) => {
                let finding = self.findings.error(message.span, "message", "not a message with placeholders");
                finding.help(detail);
            }
            Ok(pieces) => {
                for piece in pieces {
                    if let Piece::Slot { name, .. } = piece {
                        self.placeholder(name, message);
                    }
                }
            }
        }
    }

    /// Figures that neither the condition nor the message speaks of.
    fn values(&mut self) {
        let message = self.facts.message.as_ref().map_or("", |message| message.text.as_str());
        let told = pieces(message).unwrap_or_default();
        let is_told = |value: &str| {
            told.iter().any(|piece| matches!(piece, Piece::Slot { name, .. } if *name == value))
        };
        for (name, used) in &self.facts.values {
            if !used && !is_told(&name.text) {
                let message = format!("nothing uses the value `{}`", name.text);
                let finding = self.findings.warning(name.span, "unused-value", message);
                finding.help("Ask for it in the condition, show it in the message, or leave it out.");
            }
        }
    }

    fn placeholder(&mut self, name: &str, message: &Spanned) {
        let values = self.facts.values.iter().map(|(value, _)| value.text.as_str());
        let known = || PLACEHOLDERS.iter().map(|(known, _)| *known).chain(values.clone());
        let grouped = self.facts.group_by.iter().any(|group| group == name);
        if grouped || known().any(|known| known == name) {
            return;
        }
        if fields::kind_of(name) != PathKind::Value {
            let guess = || nearest(name, known()).map(str::to_owned).or_else(|| fields::suggestion(name));
            let near = self.findings.guess(guess);
            let told = format!("no placeholder `{{{name}}}`");
            self.findings.error(message.span, "unknown-placeholder", told).suggest(near.as_deref(), || {
                format!(
                    "The placeholders are the paths of fields and {}.",
                    known().collect::<Vec<_>>().join(", ")
                )
            });
        } else if !self.facts.reads.iter().any(|read| read == name) {
            let told = format!("the rule does not read the field `{name}` of its message");
            let finding = self.findings.error(message.span, "unknown-placeholder", told);
            finding.help("Name it in `fields:` of the detection.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{correlation, document};
    use super::*;

    const GOOD: &str = "tags: [attack.t1621]\nfields: [severity]\n\
        oktawatch: {runbook: Ask them., message: '{count} from {ips:list} by {severity}'}\n\
        tests:\n\
        - {name: hit, events: [{at: 0s, eventType: user.session.start}], expect: [{rule: one, at: 0s}]}\n\
        - {name: miss, events: [{at: 0s, eventType: user.session.end}], expect: []}";

    fn lint(more: &str) -> Vec<(&'static str, String)> {
        let text =
            document("one", "sel: {eventType: [user.session.start, 'user.mfa.*']}\ncondition: sel", more);
        let event_types = ["user.session.start", "user.mfa.factor.activate"].map(str::to_owned);
        let options = LintOptions { event_types: Some(event_types.into()), ..LintOptions::default() };
        let report = check_texts(Sources::of([("a.yml", text.as_str())]), &options);
        report.diagnostics.into_iter().map(|found| (found.code, found.message)).collect()
    }

    fn codes(more: &str) -> Vec<&'static str> {
        lint(more).into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn a_good_rule_has_nothing_to_tell() {
        assert_eq!(lint(GOOD), []);
    }

    #[test]
    fn a_rule_needs_a_hit_a_near_miss_a_runbook_and_a_tag() {
        let expected = ["no-tests", "no-tests", "missing-runbook", "missing-attack-tag"];
        let mut found = codes("");
        found.sort_by_key(|code| expected.iter().position(|expected| expected == code));
        assert_eq!(found, expected);
        let hits = GOOD.replace("expect: []", "expect: [{at: 0s}]");
        assert_eq!(lint(&hits)[0].1, "no test shows a near miss of `one`");
        let misses = GOOD.replace("[{rule: one, at: 0s}]", "[]");
        assert_eq!(lint(&misses)[0].1, "no test shows that `one` alerts");
    }

    #[test]
    fn a_rule_that_is_off_needs_no_tests() {
        assert_eq!(lint("oktawatch: {mode: off}"), []);
        assert_eq!(lint("oktawatch: {mode: 'off'}"), []);
    }

    #[test]
    fn event_types_must_be_okta_s() {
        let text = document("one", "sel: {eventType: [user.session.strat, 'app.*']}\ncondition: sel", "");
        let event_types = Some(BTreeSet::from(["user.session.start".to_owned()]));
        let options = LintOptions { event_types, tests: false, today: None };
        let report = check_texts(Sources::of([("a.yml", text.as_str())]), &options);
        let errors: Vec<_> =
            report.diagnostics.iter().filter(|found| found.code == "unknown-event-type").collect();
        assert_eq!(errors.len(), 2);
        assert_eq!(errors[0].help.as_deref(), Some("did you mean `user.session.start`?"));
        assert!(report.failed());
        assert!(report.rules.is_some(), "the rules load all the same");
    }

    #[test]
    fn an_exception_that_has_expired_is_an_error_once_today_is_known() {
        let exceptions = "oktawatch: {mode: off, exceptions: [{match: {severity: INFO}, until: 2026-08-31, \
                          owner: ana, reason: r}]}";
        let text = document("one", "sel: {eventType: user.session.start}\ncondition: sel", exceptions);
        let found = |today: Option<&str>| {
            let today = today.map(|today| today.parse().unwrap());
            let sources = Sources::of([("a.yml", text.as_str())]);
            let report = check_texts(sources, &LintOptions { today, ..LintOptions::default() });
            report.diagnostics.into_iter().map(|found| found.code).collect::<Vec<_>>()
        };
        assert_eq!(found(Some("2026-09-01")), ["expired-exception"]);
        assert_eq!(found(Some("2026-08-31")), [""; 0]);
        assert_eq!(found(None), [""; 0]);
    }

    #[test]
    fn every_list_is_read_whether_a_rule_names_it_or_not() {
        let text = document("one", "sel: {eventType: user.session.start}\ncondition: sel", GOOD);
        let lists = [("my-vips.txt", "ana"), ("broken.csv", "key\n\"ana\n"), ("fine.txt", "ana")];
        let sources = Sources::of([("a.yml", text.as_str())]).with_lists(lists);
        let report = check_texts(sources, &LintOptions::default());
        let found: Vec<_> =
            report.diagnostics.iter().map(|found| (found.code, found.file.to_str().unwrap())).collect();
        assert_eq!(found, [("list-name", "my-vips.txt"), ("list-csv", "broken.csv")]);
        assert!(report.failed() && report.rules.is_some(), "the rules load all the same");
    }

    #[test]
    fn the_values_of_an_aggregate_can_be_filled_in_and_should_be_used() {
        let aggregate = |message: &str| {
            let lines = "type: aggregate\nrules: one\ntimespan: 10m\n\
                         values: {n: count, ips: distinct(client.ipAddress)}\ncondition: n >= 5";
            let one = document("one", "sel: {eventType: user.session.start}\ncondition: sel", "");
            let text = correlation("two", lines);
            let text = format!("{one}\n---\n{text}oktawatch: {{message: '{message}', runbook: R}}\n");
            let options = LintOptions { tests: false, ..LintOptions::default() };
            let report = check_texts(Sources::of([("a.yml", text.as_str())]), &options);
            let found = report.diagnostics.into_iter().filter(|found| found.code != "missing-attack-tag");
            found.map(|found| (found.code, found.message)).collect::<Vec<_>>()
        };
        assert_eq!(aggregate("{n} from {ips:address/addresses}"), []);
        let unused = ("unused-value", "nothing uses the value `ips`".to_owned());
        assert_eq!(aggregate("{n}"), [unused]);
        assert_eq!(aggregate("{isp} {ips}")[0].1, "no placeholder `{isp}`");
    }

    #[test]
    fn a_filter_needs_no_tests_but_names_event_types_of_okta() {
        let rule = document("one", "sel: {eventType: user.session.start}\ncondition: sel", GOOD);
        let filter = "title: F\nlogsource: {product: okta}\nfilter:\n  rules: one\n  \
            sel: {eventType: user.session.strat}\n  condition: not sel\n";
        let event_types = Some(BTreeSet::from(["user.session.start".to_owned()]));
        let options = LintOptions { event_types, ..LintOptions::default() };
        let report = check_texts(Sources::of([("a.yml", rule.as_str()), ("b.yml", filter)]), &options);
        let found: Vec<_> = report.diagnostics.iter().map(|found| found.message.as_str()).collect();
        assert_eq!(found, ["Okta has no event type `user.session.strat`"]);
    }

    #[test]
    fn a_message_names_what_can_be_filled_in() {
        let with = |message: &str| {
            lint(&GOOD.replace("{count} from {ips:list} by {severity}", message)).pop().unwrap_or_default()
        };
        assert_eq!(with("{eventType}"), Default::default());
        assert_eq!(with("{cuont}").1, "no placeholder `{cuont}`");
        assert_eq!(with("{count").0, "message");
        assert_eq!(
            with("{outcome.reason}").1,
            "the rule does not read the field `outcome.reason` of its message"
        );
    }
}

//! What does a good rule have that a rule which merely loads may lack?

use super::super::compile::Facts;
use super::super::diagnostic::Findings;
use super::super::fields::{self, PathKind};
use super::super::reader::Spanned;
use super::super::wildcard::{Shape, fold, symbols};
use super::LintOptions;
use crate::model::placeholder::{PLACEHOLDERS, Piece, pieces};
use crate::text::nearest;

/// One rule with what is asked of it.
pub(super) struct Whole<'l> {
    pub facts: &'l Facts,
    pub options: &'l LintOptions,
    /// Its file has errors, so that a test may be missing only because it could not be read.
    pub broken: bool,
    pub findings: &'l mut Findings,
}

impl Whole<'_> {
    /// Everything that can be asked.
    pub(super) fn look(&mut self) {
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
            let finding = self.findings.error(message.span, "unknown-placeholder", told);
            finding.inside(&message.text, slot(&message.text, name)).suggest(near.as_deref(), || {
                format!(
                    "The placeholders are the paths of fields and {}.",
                    known().collect::<Vec<_>>().join(", ")
                )
            });
        } else if !self.facts.reads.iter().any(|read| read == name) {
            let told = format!("the rule does not read the field `{name}` of its message");
            let finding = self.findings.error(message.span, "unknown-placeholder", told);
            let finding = finding.inside(&message.text, slot(&message.text, name));
            finding.help("Name it in `fields:` of the detection.");
        }
    }
}

/// Where a placeholder stands in its message.
fn slot(message: &str, name: &str) -> std::ops::Range<usize> {
    let start = message.find(&format!("{{{name}")).map_or(0, |brace| brace + 1);
    start..start + name.len()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::Sources;
    use super::super::super::testing::{correlation, document};
    use super::super::check_texts;
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
            report.diagnostics.iter().map(|found| (found.code, found.at.file.to_str().unwrap())).collect();
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
        let folded = GOOD.replace("'{count} from {ips:list} by {severity}'", "\"{count}\n    to {cuont}\"");
        let text = document("one", "sel: {eventType: user.session.start}\ncondition: sel", &folded);
        let report = check_texts(Sources::of([("a.yml", text.as_str())]), &LintOptions::default());
        let found = report.diagnostics.last().unwrap();
        assert_eq!(text.get(found.at.span.clone()), Some("cuont"));
    }
}

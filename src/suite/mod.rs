//! Do the rules raise the alerts that their own tests expect, and would the tests notice if not?
//!
//! A test's events go the whole way, from bytes to alerts, through an engine of their own. Only
//! alerts of the file's rules are compared, and only new ones, not updates. What else is asked is
//! asked of the same engine: how near a rule came, which of its parts the tests reach, and which
//! small changes of it no test would see.

mod bench;
mod compare;
mod coverage;
mod explain;
mod mutate;
mod nearest;
mod overrides;
mod script;
mod template;
#[cfg(test)]
mod testing;
mod update;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use bench::{Seen, config};
pub use compare::{Difference, moment};
pub use coverage::{Coverage, Gap};
pub use mutate::{Mutation, Survivor};
pub use update::Update;

use crate::config::Config;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::rule::{Expectation, Outline, RuleSet, Sources, TestCase};
use bench::Bench;
use nearest::Failed;
use script::Script;

/// The rules under test, and what they are run with.
#[derive(Debug)]
pub struct Suite {
    rules: Arc<RuleSet>,
    outline: Outline,
    bench: Bench,
}

/// What came of one test.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule file.
    pub file: PathBuf,
    /// Line of the test in the file, from 1.
    pub line: usize,
    /// What the test shows.
    pub name: String,
    /// Byte range of the test in the file.
    pub span: Range<usize>,
    /// Alerts that had to be raised.
    pub expected: Vec<Expectation>,
    /// Alerts that were raised, in their order.
    pub seen: Vec<Seen>,
    /// Alerts that had to be raised and were not.
    pub missing: Vec<Missing>,
    /// Alerts that were raised, but not as they had to be.
    pub changed: Vec<Changed>,
    /// Alerts that were raised and had not to be.
    pub extra: Vec<Seen>,
    /// Why the test could not be run.
    pub failure: Option<Failure>,
}

/// An alert that had to be raised and was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its place among those that are expected.
    pub place: usize,
    /// How near the rule came, in lines.
    pub nearest: Vec<String>,
}

/// An alert that was raised, but not as it had to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its place among those that are expected.
    pub place: usize,
    /// The alert that was raised.
    pub seen: Seen,
    /// What is otherwise.
    pub differences: Vec<Difference>,
}

impl Outcome {
    /// Whether the rules did what the test expects.
    pub fn passed(&self) -> bool {
        let Self { missing, changed, extra, failure, .. } = self;
        failure.is_none() && missing.is_empty() && changed.is_empty() && extra.is_empty()
    }
}

impl Suite {
    /// Rules with the files that they were compiled from.
    pub fn new(rules: Arc<RuleSet>, sources: &Sources, config: Config, geoip: Arc<GeoIp>) -> Self {
        Self { rules, outline: Outline::new(sources), bench: Bench::new(config, geoip) }
    }

    /// Every test of every file.
    pub fn cases(&self) -> &[TestCase] {
        &self.rules.tests
    }

    /// Runs one test.
    pub fn run(&self, case: &TestCase) -> Outcome {
        let mut outcome = Outcome {
            file: case.file.clone(),
            line: self.outline.line(&case.file, case.test.span.start),
            name: case.test.name.clone(),
            span: case.test.span.clone(),
            expected: case.test.expect.clone(),
            seen: Vec::new(),
            missing: Vec::new(),
            changed: Vec::new(),
            extra: Vec::new(),
            failure: None,
        };
        match Script::of(&case.test) {
            Ok(script) => self.judge(case, &script, &mut outcome),
            Err(failure) => outcome.failure = Some(failure),
        }
        outcome
    }

    fn judge(&self, case: &TestCase, script: &Script, outcome: &mut Outcome) {
        let trial = self.bench.run(script, &self.rules);
        outcome.failure = trial.failure;
        outcome.seen = trial.seen;
        outcome.seen.retain(|seen| case.rules.contains(&seen.rule));
        let found = compare::compare(&outcome.expected, &outcome.seen);
        let alert = |place: &usize| outcome.seen.get(*place).cloned();
        outcome.extra = found.extra.iter().filter_map(alert).collect();
        let changed = found.changed.iter().filter_map(|(place, seen, differences)| {
            Some(Changed { place: *place, seen: alert(seen)?, differences: differences.clone() })
        });
        outcome.changed = changed.collect();
        outcome.missing = self.missing(case, script, &found.missing, &outcome.seen);
    }

    fn missing(&self, case: &TestCase, script: &Script, places: &[usize], seen: &[Seen]) -> Vec<Missing> {
        if places.is_empty() {
            return Vec::new();
        }
        let failed = Failed {
            bench: &self.bench,
            outline: &self.outline,
            rules: &self.rules,
            file: &case.file,
            own: &case.rules,
            script,
            seen,
        };
        let expected: Vec<_> = places.iter().filter_map(|place| case.test.expect.get(*place)).collect();
        let nearest = failed.nearest(&expected);
        places.iter().zip(nearest).map(|(place, nearest)| Missing { place: *place, nearest }).collect()
    }

    fn of_file<'s>(&'s self, file: &'s Path) -> impl Iterator<Item = &'s TestCase> {
        self.rules.tests.iter().filter(move |case| case.file == file)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{PUSHES, suite};
    use super::*;

    /// What comes of one test, written as in a rule file.
    fn outcome(events: &str, expect: &str) -> Outcome {
        with(&format!("events: [{events}], expect: [{expect}]"))
    }

    fn with(test: &str) -> Outcome {
        let suite = suite(&format!("{PUSHES}  - {{name: denials, {test}}}\n"));
        suite.run(&suite.cases()[0])
    }

    const THREE: &str = "{at: 0s, repeat: 3, every: 2m, eventType: user.mfa.okta_verify.deny_push}";

    #[test]
    fn a_test_passes_when_exactly_the_expected_alerts_are_raised() {
        let expect =
            "{rule: three-denied, at: 4m, key: ANA@example.com, count: 3, message: 3 events, mode: active}";
        let outcome = outcome(THREE, expect);
        assert!(outcome.passed(), "{outcome:#?}");
        assert_eq!(
            (outcome.line, outcome.seen[0].group.as_slice()),
            (22, &["ana@example.com".to_owned()][..])
        );
    }

    #[test]
    fn an_alert_that_is_not_as_expected_is_told_with_what_differs() {
        let outcome = outcome(THREE, "{rule: three-denied, at: 5m, key: ana@example.com, count: 4}");
        let differences: Vec<_> = outcome.changed[0]
            .differences
            .iter()
            .map(|different| format!("{}: {} → {}", different.what, different.expected, different.seen))
            .collect();
        assert_eq!(differences, ["at: 5m → 4m", "count: 4 → 3"]);
        assert!(!outcome.passed() && outcome.missing.is_empty() && outcome.extra.is_empty());
    }

    #[test]
    fn an_alert_that_no_expectation_names_is_extra() {
        let outcome = outcome(THREE, "");
        assert_eq!((outcome.missing.len(), outcome.extra.len()), (0, 1));
    }

    #[test]
    fn a_window_that_came_near_says_how_near() {
        let nearest = |events: &str| outcome(events, "{rule: three-denied}").missing[0].nearest.join("; ");
        let two = "{at: 0s, repeat: 2, every: 2m, eventType: user.mfa.okta_verify.deny_push}";
        assert_eq!(nearest(two), "2 of 3");
        let late = format!("{two}, {{at: 638s, eventType: user.mfa.okta_verify.deny_push}}");
        assert_eq!(nearest(&late), "2 of 3 in 10m; the 3rd came 38s late");
        let edge = format!("{two}, {{at: 10m, eventType: user.mfa.okta_verify.deny_push}}");
        assert_eq!(nearest(&edge), "2 of 3 in 10m; the 3rd came just when the window had ended");
    }

    #[test]
    fn a_detection_that_matched_nothing_says_what_was_wrong() {
        let outcome = outcome("{at: 1m, eventType: user.session.start}", "{rule: three-denied}");
        let expected = "`push-denied` matched nothing; the nearest event, at 1m: `eventType` was \
                        user.session.start, wanted `eventType: user.mfa.okta_verify.deny_push` (line 8)";
        assert_eq!(outcome.missing[0].nearest, [expected]);
    }

    #[test]
    fn an_event_that_arrives_after_the_allowed_lateness_is_in_no_window() {
        let late = |arrive: &str| {
            let events = "{at: 1m, repeat: 2, every: 1m, eventType: user.mfa.okta_verify.deny_push}, \
                 {at: 8m, eventType: user.session.start}";
            let event = format!("{{at: 3m, arrive: {arrive}, eventType: user.mfa.okta_verify.deny_push}}");
            outcome(&format!("{events}, {event}"), "{rule: three-denied, at: 3m}")
        };
        assert!(late("3m").passed());
        let outcome = late("9m");
        assert!(outcome.passed(), "5m behind the newest event is in time: {outcome:#?}");
        let events = "{at: 1m, repeat: 2, every: 1m, eventType: user.mfa.okta_verify.deny_push}, \
             {at: 9m, eventType: user.session.start}, \
             {at: 3m, arrive: 10m, eventType: user.mfa.okta_verify.deny_push}";
        let missed = super::tests::outcome(events, "{rule: three-denied}");
        assert_eq!(
            missed.missing[0].nearest.last().map(String::as_str),
            Some("the event at 3m arrived too late for any window")
        );
    }

    const SEARCHED: &str = "
title: Teapot
id: 33333333-3333-4333-8333-333333333333
name: teapot
logsource: {product: okta, service: okta}
detection: {words: [Teapot, kettle], condition: words}
tests:
  - name: a word that no rule names a field for
    events:
      - {at: 0s, actor.alternateId: ana@example.com, debugContext.debugData.unheard: a TEAPOT x}
      - {at: 1s, actor.alternateId: ben@example.com, debugContext.debugData.unheard: a TEAPOT x}
      - {at: 2s, actor.alternateId: ana@example.com, debugContext.debugData.unheard: a pot of tea}
    expect: [{rule: teapot, at: 0s}]
---
title: Ben may
logsource: {product: okta}
filter: {rules: [teapot], ben: {actor.alternateId: ben@example.com}, condition: not ben}
";

    #[test]
    fn keywords_search_whole_events_and_filters_leave_some_out() {
        let rules = compile(&Sources::of([("searched.yml", SEARCHED)])).unwrap();
        let rules = Arc::new(rules);
        let outcome = run(&rules.tests[0], &Config::default(), &rules, &Arc::new(GeoIp::default()));
        assert!(outcome.passed(), "{outcome:#?}");
    }

    #[test]
    fn a_change_that_does_not_fit_fails_the_test_with_the_reason() {
        let bad = "{at: 0s, eventType: user.session.start, published: soon}";
        assert!(outcome(bad, "").failure.is_some());
    }
}

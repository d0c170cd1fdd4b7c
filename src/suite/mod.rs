//! Do the rules raise the alerts that their own tests expect?
//!
//! A test's events go the whole way, from bytes to alerts, through an engine of their own. Only
//! alerts of the file's rules are compared, and only new ones, not updates.

mod overrides;
mod template;

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::engine::Shard;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::model::{Activity, Alert, Input, Position, RawRecord, RuleIndex};
use crate::rule::{Body, Correlation, Expectation, InlineTest, RuleSet, TestCase, TestEvent};

/// What came of one test.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule file.
    pub file: PathBuf,
    /// What the test shows.
    pub name: String,
    /// Byte range of the test in the file.
    pub span: std::ops::Range<usize>,
    /// Alerts that had to be raised.
    pub expected: Vec<Expectation>,
    /// Alerts that were raised, in their order.
    pub seen: Vec<Seen>,
    /// Alerts that had to be raised and were not.
    pub missing: Vec<Missing>,
    /// Alerts that were raised and had not to be.
    pub extra: Vec<Seen>,
    /// Why the test could not be run.
    pub failure: Option<Failure>,
}

/// An alert that was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The rule's name.
    pub rule: String,
    /// The rule's id.
    pub rule_id: String,
    /// When it fired, ms since the test's start.
    pub at_ms: i64,
    /// Its group-by values.
    pub group: Vec<String>,
    /// What it is about.
    pub entity: String,
    /// How many events contributed.
    pub count: u64,
    /// The sentence a person reads first.
    pub sentence: String,
}

/// An alert that had to be raised and was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The alert.
    pub expectation: Expectation,
    /// How near the correlation came, where no window of it came true: `4 events in 10m, >= 5 needed`.
    pub nearest: Option<String>,
}

impl Outcome {
    /// Whether the rules did what the test expects.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.missing.is_empty() && self.extra.is_empty()
    }
}

/// Runs one test in an engine of its own.
pub fn run(case: &TestCase, config: &Config, rules: &Arc<RuleSet>, geoip: &Arc<GeoIp>) -> Outcome {
    let InlineTest { name, events, expect, span } = &case.test;
    let mut outcome = Outcome {
        file: case.file.clone(),
        name: name.clone(),
        span: span.clone(),
        expected: expect.clone(),
        seen: Vec::new(),
        missing: Vec::new(),
        extra: Vec::new(),
        failure: None,
    };
    let batch = match batch(events) {
        Ok(batch) => batch,
        Err(failure) => {
            outcome.failure = Some(failure);
            return outcome;
        }
    };
    let mut shard = Shard::new(config, Arc::clone(rules), Arc::clone(geoip));
    let effects = shard.step(batch);
    if let Some(letter) = effects.dead_letters.first() {
        let what = format!("an event of the test cannot be read: {}", letter.reason.as_str());
        outcome.failure = Some(Failure::new(what).detail(&letter.detail));
    }
    let new = effects.alerts.iter().filter(|alert| alert.activity == Activity::Create);
    let own = new.filter(|alert| case.rules.iter().any(|rule| **rule == *alert.rule.name));
    outcome.seen = own.map(seen).collect();
    compare(&mut outcome, rules, &shard);
    outcome
}

/// The test's records, in the order of time.
fn batch(events: &[TestEvent]) -> Result<Vec<Input>, Failure> {
    let mut timed: Vec<(i64, &TestEvent)> = Vec::new();
    for event in events {
        for n in 0..i64::from(event.repeat.max(1)) {
            timed.push((event.at_ms.saturating_add(event.every_ms.saturating_mul(n)), event));
        }
    }
    timed.sort_by_key(|(at_ms, _)| *at_ms);
    let topic: Arc<str> = Arc::from("test");
    let records = timed.into_iter().zip(0_u32..).map(|((at_ms, event), number)| {
        let payload = template::event(u64::from(number), at_ms, &event.overrides)?.to_string().into_bytes();
        let position =
            Position { topic: Arc::clone(&topic), offset: i64::from(number), ..Position::default() };
        Ok(Input::Record(RawRecord { position, payload, ..RawRecord::default() }))
    });
    records.collect()
}

fn seen(alert: &Alert) -> Seen {
    Seen {
        rule: alert.rule.name.to_string(),
        rule_id: alert.rule.id.clone(),
        at_ms: alert.fired_at_ms - template::START_MS,
        group: alert.group.iter().map(|(_, value)| value.clone()).collect(),
        entity: alert.entity.value.clone(),
        count: alert.count,
        sentence: alert.sentence.clone(),
    }
}

/// Gives each expectation an alert of its own, those that ask for most first.
fn compare(outcome: &mut Outcome, rules: &RuleSet, shard: &Shard) {
    let mut open: Vec<Option<&Seen>> = outcome.seen.iter().map(Some).collect();
    let mut expected: Vec<&Expectation> = outcome.expected.iter().collect();
    expected.sort_by_key(|expectation| std::cmp::Reverse(asked(expectation)));
    let mut missing = Vec::new();
    for expectation in expected {
        let found = open.iter_mut().find(|seen| seen.is_some_and(|seen| agrees(expectation, seen)));
        match found {
            Some(seen) => *seen = None,
            None => missing.push(Missing {
                expectation: expectation.clone(),
                nearest: nearest(expectation, rules, shard),
            }),
        }
    }
    let extra = open.into_iter().flatten().cloned().collect();
    (outcome.missing, outcome.extra) = (missing, extra);
}

fn asked(expectation: &Expectation) -> usize {
    let Expectation { rule, at_ms, key, count } = expectation;
    [rule.is_some(), at_ms.is_some(), key.is_some(), count.is_some()]
        .into_iter()
        .filter(|asked| *asked)
        .count()
}

fn agrees(expectation: &Expectation, seen: &Seen) -> bool {
    let Expectation { rule, at_ms, key, count } = expectation;
    let is_rule = |name: &String| *name == seen.rule || *name == seen.rule_id;
    let same = |value: &String, key: &str| value.eq_ignore_ascii_case(key);
    let is_key = |key: &String| {
        let whole = seen.group.join(", ");
        seen.group.iter().chain([&whole, &seen.entity]).any(|value| same(value, key))
    };
    rule.as_ref().is_none_or(is_rule)
        && at_ms.is_none_or(|at_ms| at_ms == seen.at_ms)
        && key.as_ref().is_none_or(is_key)
        && count.is_none_or(|count| count == seen.count)
}

/// How near the expected correlation came, if none of its windows came true.
fn nearest(expectation: &Expectation, rules: &RuleSet, shard: &Shard) -> Option<String> {
    let name = expectation.rule.as_ref()?;
    let is_named = |info: &crate::model::RuleInfo| info.id == *name || *info.name == **name;
    let place = rules.rules.iter().position(|rule| is_named(&rule.info))?;
    let index = RuleIndex(u32::try_from(place).ok()?);
    let Body::Correlation(correlation) = &rules.get(index)?.body else { return None };
    let figure = shard.highest(index).unwrap_or_default();
    let holds = correlation.conditions.iter().all(|threshold| threshold.holds(figure));
    (!holds).then(|| near(correlation, figure))
}

fn near(correlation: &Correlation, figure: f64) -> String {
    let required = crate::engine::required(&correlation.conditions);
    let what = crate::correlate::measured(correlation);
    let timespan = crate::config::Duration::millis(correlation.timespan_ms);
    format!("{figure} {what} in {timespan}, {required} needed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Sources, compile};

    const DENIALS: &str = "
title: Push denied
id: 11111111-1111-4111-8111-111111111111
name: push-denied
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.mfa.okta_verify.deny_push}, condition: selection}
---
title: Three pushes denied
id: 22222222-2222-4222-8222-222222222222
name: three-denied
status: test
level: high
correlation:
  type: event_count
  rules: [push-denied]
  group-by: [actor.alternateId]
  timespan: 10m
  condition: {gte: 3}
tests:
";

    /// What comes of one test, written as in a rule file.
    fn outcome(events: &str, expect: &str) -> Outcome {
        let text = format!("{DENIALS}  - {{name: denials, events: [{events}], expect: [{expect}]}}\n");
        let rules = compile(&Sources::of([("denials.yml", text.as_str())])).unwrap();
        let rules = Arc::new(rules);
        run(&rules.tests[0], &Config::default(), &rules, &Arc::new(GeoIp::default()))
    }

    const THREE: &str = "{at: 0s, repeat: 3, every: 2m, eventType: user.mfa.okta_verify.deny_push}";

    #[test]
    fn a_test_passes_when_exactly_the_expected_alerts_are_raised() {
        let expect = "{rule: three-denied, at: 4m, key: ANA@example.com, count: 3}";
        let outcome = outcome(THREE, expect);
        assert!(outcome.passed(), "{outcome:#?}");
        assert_eq!(outcome.seen[0].group, ["ana@example.com"]);
    }

    #[test]
    fn an_expectation_that_differs_in_any_point_is_missing_and_the_alert_is_extra() {
        for wrong in ["at: 5m", "key: ben@example.com", "count: 4"] {
            let outcome = outcome(THREE, &format!("{{rule: three-denied, {wrong}}}"));
            assert_eq!((outcome.missing.len(), outcome.extra.len()), (1, 1), "{wrong}");
            assert_eq!(outcome.missing[0].nearest, None);
        }
    }

    #[test]
    fn a_correlation_that_did_not_come_true_says_how_near_it_came() {
        let two = "{at: 0s, repeat: 2, every: 2m, eventType: user.mfa.okta_verify.deny_push}";
        let outcome = outcome(two, "{rule: three-denied}");
        assert_eq!(outcome.missing[0].nearest.as_deref(), Some("2 events in 10m, >= 3 needed"));
        assert!(!outcome.passed());
    }

    #[test]
    fn an_alert_that_no_expectation_names_is_extra() {
        let outcome = outcome(THREE, "");
        assert_eq!((outcome.missing.len(), outcome.extra.len()), (0, 1));
    }

    #[test]
    fn an_expectation_that_asks_for_more_is_served_first() {
        let both = "{at: 0s, repeat: 3, every: 1m, eventType: user.mfa.okta_verify.deny_push}, \
                    {at: 1h, repeat: 3, every: 1m, eventType: user.mfa.okta_verify.deny_push}";
        let outcome = outcome(both, "{rule: three-denied}, {rule: three-denied, at: 2m}");
        assert!(outcome.passed(), "{outcome:#?}");
    }

    #[test]
    fn events_that_interleave_come_in_the_order_of_time() {
        let interleaved = "{at: 4m, eventType: user.mfa.okta_verify.deny_push}, \
                           {at: 0s, repeat: 2, every: 2m, eventType: user.mfa.okta_verify.deny_push}";
        let outcome = outcome(interleaved, "{rule: three-denied, at: 4m}");
        assert!(outcome.passed(), "{outcome:#?}");
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

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

//! Are the verdicts of correlations those of the events in order of time, however they arrive?
//!
//! Random events with ties, duplicates and missing fields arrive in any order the lateness allows,
//! by any partition, in batches of any size. The engine's verdicts are compared with those of the
//! slow [`reference`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use oktawatch::config::{Config, Duration};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Alert, Effects, Input, Position, RawRecord, RuleIndex};
use oktawatch::rule::{self, RuleSet, Sources};
use proptest::prelude::*;
use reference::{Event, Group, Kind, Rule, Satisfying, Source, satisfying};
use serde_json::json;

const EVENT_TYPES: [&str; 3] =
    ["user.session.start", "user.authentication.auth_via_mfa", "user.authentication.sso"];
const LATENESS_MS: i64 = 10_000;
const START_MS: i64 = 1_767_607_200_000;

const A: Source = Source::Kinds(&[0]);
const B: Source = Source::Kinds(&[1]);
const C: Source = Source::Kinds(&[2]);
const A_OR_B: Source = Source::Kinds(&[0, 1]);
const B_OR_C: Source = Source::Kinds(&[1, 2]);

const RULES: &[Rule] = &[
    rule("counted", Kind::EventCount, &[A, A_OR_B], Group::User, 10_000, 3),
    rule("valued", Kind::ValueCount, &[A, B], Group::User, 10_000, 3),
    rule("together", Kind::Temporal, &[A, B, C], Group::User, 8_000, 3),
    rule("ordered", Kind::TemporalOrdered, &[A, B, C], Group::User, 12_000, 3),
    Rule { suppress_ms: 3_000, ..rule("targets", Kind::EventCount, &[C], Group::Targets, 6_000, 2) },
    rule("chain-together", Kind::Temporal, &[Source::Rule(0), A_OR_B, C], Group::User, 9_000, 3),
    rule("chain-ordered", Kind::TemporalOrdered, &[Source::Rule(1), Source::Rule(3)], Group::User, 15_000, 2),
    rule("chain-of-chain", Kind::EventCount, &[Source::Rule(5), A], Group::User, 7_000, 3),
    rule("overlapping", Kind::TemporalOrdered, &[A, A_OR_B, B_OR_C], Group::User, 9_000, 3),
];

const fn rule(
    name: &'static str,
    kind: Kind,
    sources: &'static [Source],
    group: Group,
    timespan_ms: i64,
    at_least: usize,
) -> Rule {
    Rule { name, kind, sources, group, timespan_ms, at_least, suppress_ms: timespan_ms }
}

/// The rules as an author writes them.
fn documents() -> String {
    let mut documents = String::new();
    let detections: [(&str, &[usize]); 5] =
        [("a", &[0]), ("b", &[1]), ("c", &[2]), ("ab", &[0, 1]), ("bc", &[1, 2])];
    for (place, (name, kinds)) in detections.iter().enumerate() {
        let types: Vec<&str> = kinds.iter().map(|kind| EVENT_TYPES[*kind]).collect();
        let types = types.join(", ");
        write!(
            documents,
            "title: Step {name}\nid: 00000000-0000-4000-8000-0000000000a{place}\nname: {name}\nstatus: test\nlevel: low\n\
             logsource: {{product: okta, service: okta}}\n\
             detection: {{selection: {{eventType: [{types}]}}, condition: selection}}\n---\n"
        )
        .unwrap();
    }
    let correlations: Vec<String> = RULES.iter().enumerate().map(correlation).collect();
    documents + &correlations.join("---\n")
}

fn correlation((place, rule): (usize, &Rule)) -> String {
    let kind = match rule.kind {
        Kind::EventCount => "event_count",
        Kind::ValueCount => "value_count",
        Kind::Temporal => "temporal",
        Kind::TemporalOrdered => "temporal_ordered",
    };
    let name = |source: &Source| match source {
        Source::Kinds([0]) => "a",
        Source::Kinds([1]) => "b",
        Source::Kinds([2]) => "c",
        Source::Kinds([0, ..]) => "ab",
        Source::Kinds(_) => "bc",
        Source::Rule(place) => RULES[*place].name,
    };
    let names: Vec<&str> = rule.sources.iter().map(name).collect();
    let group = match rule.group {
        Group::User => "actor.alternateId",
        Group::Targets => "target.id",
    };
    let condition = match rule.kind {
        Kind::EventCount => format!("  condition: {{gte: {}}}\n", rule.at_least),
        Kind::ValueCount => format!("  condition: {{field: client.ipAddress, gte: {}}}\n", rule.at_least),
        Kind::Temporal | Kind::TemporalOrdered => String::new(),
    };
    format!(
        "title: {0}\nid: 00000000-0000-4000-8000-0000000000b{place}\nname: {0}\nstatus: test\nlevel: high\n\
         correlation:\n  type: {kind}\n  rules: [{1}]\n  group-by: [{group}]\n  timespan: {2}s\n  generate: true\n{condition}\
         oktawatch:\n  suppress: {3}s\n  update_every: 2s\n",
        rule.name,
        names.join(", "),
        rule.timespan_ms / 1_000,
        rule.suppress_ms / 1_000,
    )
}

fn rule_set() -> Arc<RuleSet> {
    match rule::compile(&Sources::of([("semantics.yml", documents().as_str())])) {
        Ok(rules) => Arc::new(rules),
        Err(findings) => panic!("{findings:#?}"),
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.time.allowed_lateness = Duration::millis(LATENESS_MS);
    config
}

/// An event with its way to the engine.
#[derive(Clone, Debug)]
struct Delivery {
    event: Event,
    /// How long it is on its way; at most the lateness.
    delay_ms: i64,
    /// A second delivery comes so much later.
    again_ms: Option<i64>,
    partition: i32,
    /// A batch ends after it.
    cut: bool,
}

prop_compose! {
    fn delivery()(
        second in 0..60_i64,
        off in prop_oneof![4 => Just(0_i64), 1 => Just(1), 1 => Just(-1)],
        kind in 0..3_usize,
        user in prop_oneof![1 => Just(None), 8 => Just(Some("ana@example.com")), 3 => Just(Some("ben@example.com"))],
        ip in prop_oneof![1 => Just(None), 8 => (1..5_u8).prop_map(|last| Some(format!("203.0.113.{last}")))],
        targets in prop::collection::vec(prop_oneof![Just("00u1"), Just("00u2"), Just("00u3")], 0..4),
        uuid in any::<u64>(),
        delay_ms in prop_oneof![Just(0), 0..=LATENESS_MS, Just(LATENESS_MS)],
        again_ms in prop::option::weighted(0.2, 0..30_000_i64),
        partition in 0..3,
        cut in any::<bool>(),
    ) -> Delivery {
        let event = Event {
            time_ms: START_MS + second * 1_000 + off,
            uuid: uuid::Uuid::from_u128(u128::from(uuid)).to_string(),
            kind,
            user: user.map(str::to_owned),
            ip,
            targets: targets.into_iter().map(str::to_owned).collect(),
        };
        Delivery { event, delay_ms, again_ms, partition, cut }
    }
}

fn payload(event: &Event) -> Vec<u8> {
    let targets: Vec<_> = event.targets.iter().map(|id| json!({ "id": id, "type": "User" })).collect();
    let published = jiff::Timestamp::from_millisecond(event.time_ms).unwrap();
    let event = json!({
        "uuid": event.uuid,
        "published": published.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "eventType": EVENT_TYPES[event.kind],
        "actor": { "id": null, "type": "User", "alternateId": event.user },
        "client": { "ipAddress": event.ip },
        "outcome": { "result": "SUCCESS" },
        "target": targets,
    });
    event.to_string().into_bytes()
}

/// The records in the order in which they arrive, cut into batches.
fn batches(deliveries: &[Delivery], partitions: i32) -> Vec<Vec<Input>> {
    let mut arrivals: Vec<(i64, &Delivery)> = Vec::new();
    for delivery in deliveries {
        let arrives_ms = delivery.event.time_ms + delivery.delay_ms;
        arrivals.push((arrives_ms, delivery));
        arrivals.extend(delivery.again_ms.map(|again_ms| (arrives_ms + again_ms, delivery)));
    }
    arrivals.sort_by_key(|(arrives_ms, _)| *arrives_ms);
    let mut batches = vec![Vec::new()];
    for (offset, (_, delivery)) in (0..).zip(arrivals) {
        let partition = delivery.partition % partitions;
        let position = Position { topic: "okta-events".into(), partition, offset, index: 0 };
        let record = RawRecord { position, payload: payload(&delivery.event), ..RawRecord::default() };
        batches.last_mut().unwrap().push(Input::Record(record));
        if delivery.cut {
            batches.push(Vec::new());
        }
    }
    batches
}

/// What the engine said to all of it.
#[derive(Default)]
struct Said {
    alerts: Vec<Alert>,
    matches: BTreeMap<String, u64>,
    late: u64,
    duplicates: u64,
}

fn run(rules: &Arc<RuleSet>, batches: Vec<Vec<Input>>) -> Said {
    let mut shard = Shard::new(&config(), Arc::clone(rules), Arc::new(GeoIp::default()));
    let mut said = Said::default();
    for batch in batches {
        let Effects { alerts, dead_letters, tally, .. } = shard.step(batch);
        assert!(dead_letters.is_empty(), "{dead_letters:?}");
        said.alerts.extend(alerts);
        said.late += tally.late;
        said.duplicates += tally.duplicates;
        for (RuleIndex(place), n) in tally.matches {
            let name = rules.rules[place as usize].info.name.to_string();
            *said.matches.entry(name).or_default() += n;
        }
    }
    said
}

/// Every satisfying window is covered by an alert, and every alert stands on a satisfying window.
fn judge(rule: &Rule, windows: &[Satisfying], said: &Said) -> Result<(), TestCaseError> {
    let count = said.matches.get(rule.name).copied().unwrap_or_default();
    prop_assert_eq!(count, windows.len() as u64, "windows of {} that came true: {:#?}", rule.name, windows);
    let alerts: Vec<&Alert> = said.alerts.iter().filter(|alert| *alert.rule.name == *rule.name).collect();
    for alert in &alerts {
        let key = &alert.group[0].1;
        let window = windows.iter().find(|window| window.key == *key && *window.uuid == *alert.fired_by);
        let Some(window) = window else {
            return Err(TestCaseError::fail(format!("{} stands on nothing: {alert:#?}", rule.name)));
        };
        prop_assert_eq!(alert.fired_at_ms, window.time_ms);
        // A chain counts the events behind the matches that it takes.
        let chained = rule.sources.iter().any(|source| matches!(source, Source::Rule(_)));
        prop_assert!(chained || alert.count <= window.events as u64);
        let created = alerts.iter().find(|other| other.activity == Activity::Create && other.id == alert.id);
        prop_assert!(created.is_some(), "{} updates nothing", rule.name);
    }
    let raised: Vec<(&str, i64)> = alerts
        .iter()
        .filter(|alert| alert.activity == Activity::Create)
        .map(|alert| (alert.group[0].1.as_str(), alert.fired_at_ms))
        .collect();
    for window in windows {
        let near =
            |(key, at): &(&str, i64)| *key == window.key && (at - window.time_ms).abs() < rule.suppress_ms;
        prop_assert!(raised.iter().any(near), "{} does not cover {:?}", rule.name, window);
    }
    for (place, (key, at)) in raised.iter().enumerate() {
        let repeats =
            |(other, other_at): &(&str, i64)| other == key && (other_at - at).abs() < rule.suppress_ms;
        prop_assert!(!raised[..place].iter().any(repeats), "{} repeats itself for {}", rule.name, key);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_satisfying_window_is_covered_and_no_alert_is_without_one(
        deliveries in prop::collection::vec(delivery(), 1..60),
        partitions in 1..=3,
    ) {
        let events: Vec<Event> = deliveries.iter().map(|delivery| delivery.event.clone()).collect();
        // Shrinking makes ids alike that no two events ever share.
        prop_assume!(events.iter().map(|event| &event.uuid).collect::<BTreeSet<_>>().len() == events.len());
        let said = run(&rule_set_once(), batches(&deliveries, partitions));
        prop_assert_eq!(said.late, 0);
        for (rule, windows) in RULES.iter().zip(satisfying(RULES, &events)) {
            judge(rule, &windows, &said)?;
        }
    }

    #[test]
    fn the_size_of_batches_changes_nothing(
        deliveries in prop::collection::vec(delivery(), 1..60),
        partitions in 1..=3,
    ) {
        let rules = rule_set_once();
        let cut = batches(&deliveries, partitions);
        let whole = vec![cut.iter().flatten().cloned().collect()];
        let single = cut.iter().flatten().cloned().map(|input| vec![input]).collect();
        let cut = format!("{:?}", run(&rules, cut).alerts);
        prop_assert_eq!(&cut, &format!("{:?}", run(&rules, whole).alerts));
        prop_assert_eq!(&cut, &format!("{:?}", run(&rules, single).alerts));
    }
}

/// Loading takes longer than judging.
fn rule_set_once() -> Arc<RuleSet> {
    static RULE_SET: std::sync::OnceLock<Arc<RuleSet>> = std::sync::OnceLock::new();
    Arc::clone(RULE_SET.get_or_init(rule_set))
}

#[test]
fn the_random_events_satisfy_every_rule_now_and_then() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut found = vec![0; RULES.len()];
    let mut duplicates = 0;
    for _ in 0..50 {
        let deliveries = prop::collection::vec(delivery(), 1..60).new_tree(&mut runner).unwrap().current();
        let events: Vec<Event> = deliveries.iter().map(|delivery| delivery.event.clone()).collect();
        for (count, windows) in found.iter_mut().zip(satisfying(RULES, &events)) {
            *count += windows.len();
        }
        duplicates += run(&rule_set_once(), batches(&deliveries, 1)).duplicates;
    }
    assert!(found.iter().all(|count| *count >= 20), "{found:?}");
    assert!(duplicates > 0);
}

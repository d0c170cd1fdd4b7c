//! What does the engine do with events that are late, early, double, too many or without a key?

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use std::sync::Arc;

use oktawatch::config::{Config, Duration};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Alert, Effects, EntityKind, Header, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet, Sources};
use serde_json::{Value, json};

const START_MS: i64 = 1_767_607_200_000;
const SECOND: i64 = 1_000;

const RULES: &str = "
title: Push denied
id: 11111111-1111-4111-8111-111111111111
name: denied
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.mfa.okta_verify.deny_push}, condition: selection}
oktawatch: {suppress: 0s}
---
title: Three pushes denied
id: 22222222-2222-4222-8222-222222222222
name: three-denied
status: test
level: high
correlation:
  type: event_count
  rules: [denied]
  group-by: [actor.alternateId]
  timespan: 60s
  condition: {gte: 3}
oktawatch: {suppress: 60s, update_every: 10s, evidence: {max: 4}}
---
title: Signed in after three denials
id: 33333333-3333-4333-8333-333333333333
name: then-signed-in
status: test
level: critical
correlation:
  type: temporal_ordered
  rules: [three-denied, signed-in]
  group-by: [actor.alternateId]
  timespan: 120s
  generate: true
---
title: Signed in
id: 44444444-4444-4444-8444-444444444444
name: signed-in
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start, outcome.result: SUCCESS}, condition: selection}
";

fn rules() -> Arc<RuleSet> {
    match rule::compile(&Sources::of([("engine.yml", RULES)])) {
        Ok(rules) => Arc::new(rules),
        Err(findings) => panic!("{findings:#?}"),
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.time.allowed_lateness = Duration::secs(30);
    config.time.max_clock_skew = Duration::secs(5);
    config.input.org_header = "org".to_owned();
    config
}

/// An engine with a way to feed it.
struct Engine {
    shard: Shard,
    rules: Arc<RuleSet>,
    offset: i64,
}

impl Engine {
    fn new(config: &Config) -> Self {
        let rules = rules();
        Self { shard: Shard::new(config, Arc::clone(&rules), Arc::new(GeoIp::default())), rules, offset: 0 }
    }

    fn step(&mut self, inputs: impl IntoIterator<Item = Input>) -> Effects {
        self.shard.step(inputs.into_iter().collect())
    }

    fn record(&mut self, partition: i32, payload: &Value) -> Input {
        self.offset += 1;
        let position = Position { topic: "okta-events".into(), partition, offset: self.offset, index: 0 };
        let payload = payload.to_string().into_bytes();
        Input::Record(RawRecord { position, payload, ..RawRecord::default() })
    }

    /// Ana's denied pushes at these seconds, one after the other.
    fn denied(&mut self, seconds: impl IntoIterator<Item = i64>) -> Effects {
        self.denied_of("ana@example.com", seconds)
    }

    fn denied_of(&mut self, login: &str, seconds: impl IntoIterator<Item = i64>) -> Effects {
        let events: Vec<Value> = seconds.into_iter().map(|second| denied(login, second)).collect();
        let inputs: Vec<Input> = events.iter().map(|event| self.record(0, event)).collect();
        self.step(inputs)
    }

    fn count(&self, name: &str, list: &[(oktawatch::model::RuleIndex, u64)]) -> u64 {
        let named = |index| self.rules.get(index).is_some_and(|rule| *rule.info.name == *name);
        list.iter().filter(|(index, _)| named(*index)).map(|(_, n)| n).sum()
    }
}

fn event(kind: &str, login: &str, second: i64) -> Value {
    let published = jiff::Timestamp::from_millisecond(START_MS + second * SECOND).unwrap();
    let uuid = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{kind} {login} {second}").as_bytes());
    json!({
        "uuid": uuid.to_string(),
        "published": published.to_string(),
        "eventType": kind,
        "actor": { "id": format!("00u{login}"), "type": "User", "alternateId": login },
        "client": { "ipAddress": "203.0.113.7" },
        "outcome": { "result": "SUCCESS" },
    })
}

fn denied(login: &str, second: i64) -> Value {
    event("user.mfa.okta_verify.deny_push", login, second)
}

fn raised<'a>(effects: &'a Effects, name: &str) -> Vec<&'a Alert> {
    effects.alerts.iter().filter(|alert| *alert.rule.name == *name).collect()
}

#[test]
fn a_late_event_is_judged_alone_and_marked() {
    let mut engine = Engine::new(&config());
    engine.denied([100, 101]);
    let effects = engine.denied([69]);
    assert_eq!(effects.tally.late, 1);
    assert_eq!(engine.count("denied", &effects.tally.matches), 1);
    assert_eq!(effects.alerts.len(), 0, "the detection only feeds the correlation");
    assert_eq!(raised(&engine.denied([71]), "three-denied").len(), 1);
}

#[test]
fn an_alert_says_who_what_and_how_sure() {
    let mut engine = Engine::new(&config());
    let effects = engine.denied([0, 20, 59]);
    let alert = raised(&effects, "three-denied")[0];
    assert_eq!(alert.activity, Activity::Create);
    assert_eq!((alert.entity.kind, alert.entity.value.as_str()), (EntityKind::Actor, "ana@example.com"));
    assert_eq!(alert.group, [("actor.alternateId".to_owned(), "ana@example.com".to_owned())]);
    assert_eq!((alert.first_seen_ms, alert.last_seen_ms), (START_MS, START_MS + 59 * SECOND));
    let measured = &alert.measured[0];
    assert_eq!(
        (measured.what.as_str(), measured.observed, measured.required.as_str()),
        ("events", 3.0, ">= 3")
    );
    let window = alert.window.unwrap();
    assert_eq!((window.start_ms, window.end_ms), (START_MS - SECOND, START_MS + 59 * SECOND));
    assert_eq!((alert.count, alert.evidence.len(), alert.omitted), (3, 3, 0));
    assert!(!alert.may_be_low && !alert.sentence.is_empty() && !alert.id.is_nil());
}

#[test]
fn an_alert_is_made_at_the_last_tick_or_else_at_its_event() {
    let mut engine = Engine::new(&config());
    assert_eq!(raised(&engine.denied([0, 1, 2]), "three-denied")[0].made_at_ms, START_MS + 2 * SECOND);
    let mut engine = Engine::new(&config());
    engine.step([Input::Tick { now_ms: START_MS + 7_777 }]);
    let alert = raised(&engine.denied([0, 1, 2]), "three-denied")[0].clone();
    assert_eq!((alert.made_at_ms, alert.created_at_ms), (START_MS + 7_777, START_MS + 7_777));
}

#[test]
fn an_alert_that_goes_on_is_updated_now_and_then_under_one_id() {
    let mut engine = Engine::new(&config());
    let effects = engine.denied((0..=25).step_by(5));
    let alerts = raised(&effects, "three-denied");
    let told: Vec<_> =
        alerts.iter().map(|alert| (alert.activity, (alert.fired_at_ms - START_MS) / SECOND)).collect();
    assert_eq!(told, [(Activity::Create, 10), (Activity::Update, 20)]);
    assert_eq!(alerts[0].id, alerts[1].id);
    assert_eq!(alerts[1].created_at_ms, alerts[0].made_at_ms);
    assert_eq!(alerts[1].count, 5);
    assert_eq!(engine.count("three-denied", &effects.tally.suppressed), 2);
}

#[test]
fn evidence_is_cut_in_the_middle_and_what_is_left_out_is_counted() {
    let mut engine = Engine::new(&config());
    let effects = engine.denied(0..20);
    let alerts = raised(&effects, "three-denied");
    let update = alerts.last().unwrap();
    let seconds: Vec<_> =
        update.evidence.iter().map(|event| (event.published_ms - START_MS) / SECOND).collect();
    assert_eq!(seconds, [0, 1, 11, 12]);
    assert_eq!((update.count, update.omitted), (13, 9));
    assert_eq!(update.evidence.last().unwrap().uuid, update.fired_by);
}

#[test]
fn a_chain_shows_the_events_of_what_it_was_made_of() {
    let mut engine = Engine::new(&config());
    engine.denied([0, 1, 2]);
    let record = engine.record(0, &event("user.session.start", "ana@example.com", 60));
    let effects = engine.step([record]);
    let alert = raised(&effects, "then-signed-in")[0];
    let seconds: Vec<_> =
        alert.evidence.iter().map(|event| (event.published_ms - START_MS) / SECOND).collect();
    assert_eq!(seconds, [0, 1, 2, 60]);
    assert_eq!(alert.measured[0].what, "rules in order");
}

#[test]
fn a_late_event_completes_a_chain_that_waited_for_it() {
    let mut engine = Engine::new(&config());
    engine.denied([0, 2]);
    let record = engine.record(0, &event("user.session.start", "ana@example.com", 20));
    assert!(raised(&engine.step([record]), "then-signed-in").is_empty());
    let effects = engine.denied([1]);
    assert_eq!(raised(&effects, "three-denied").len(), 1);
    assert_eq!(raised(&effects, "then-signed-in")[0].fired_at_ms, START_MS + 20 * SECOND);
}

#[test]
fn a_second_delivery_counts_for_nothing() {
    let mut engine = Engine::new(&config());
    let effects = engine.denied([0, 1, 1, 1, 0]);
    assert_eq!((effects.tally.events, effects.tally.duplicates), (5, 3));
    assert!(effects.alerts.is_empty());
}

#[test]
fn two_tenants_never_share_a_key() {
    let mut engine = Engine::new(&config());
    let mut of = |org: &str, second| {
        let Input::Record(mut record) = engine.record(0, &denied("ana@example.com", second)) else {
            unreachable!()
        };
        record.headers.push(Header { name: "org".to_owned(), value: org.as_bytes().to_vec() });
        engine.step([Input::Record(record)])
    };
    for (org, second) in [("acme", 0), ("other", 1), ("acme", 2), ("other", 3), ("other", 0)] {
        let effects = of(org, second);
        let expected = usize::from((org, second) == ("other", 0));
        assert_eq!(raised(&effects, "three-denied").len(), expected, "{org} {second}");
        assert_eq!(effects.tally.duplicates, 0);
    }
}

#[test]
fn events_from_the_future_do_not_move_time() {
    let mut engine = Engine::new(&config());
    engine.step([Input::Tick { now_ms: START_MS }]);
    let effects = engine.denied([0, 3_600]);
    assert_eq!(effects.tally.from_the_future, 1);
    let figures = engine.shard.figures();
    assert_eq!(figures.watermark_ms, Some(START_MS - 30 * SECOND));
    let keys: usize = figures.keys.iter().map(|(_, keys)| keys).sum();
    engine.denied([3_600, 3_601, 3_602, 3_603, 3_604]);
    let after = engine.shard.figures();
    assert_eq!((after.users, after.keys.iter().map(|(_, keys)| keys).sum::<usize>()), (figures.users, keys));
}

#[test]
fn an_envelope_may_hold_the_newest_event_first() {
    let mut engine = Engine::new(&config());
    let events: Vec<Value> = [300, 100, 0].map(|second| denied("ana@example.com", second)).to_vec();
    let record = engine.record(0, &Value::from(events));
    let effects = engine.step([record]);
    assert_eq!((effects.tally.events, effects.tally.late), (3, 0));
    assert_eq!(engine.denied([1]).tally.late, 1);
}

#[test]
fn the_partitions_of_a_backlog_may_be_read_one_after_the_other() {
    let mut engine = Engine::new(&config());
    let topic: Arc<str> = "okta-events".into();
    let assigned =
        |partition| Input::Assigned { topic: Arc::clone(&topic), partition, next: 0, highest_ms: None };
    engine.step([assigned(0), assigned(1)]);
    assert_eq!(engine.denied([0, 1, 600]).tally.late, 0);
    let record = engine.record(1, &denied("ana@example.com", 2));
    let effects = engine.step([record]);
    assert_eq!((effects.tally.late, raised(&effects, "three-denied").len()), (0, 1));
    let partition = engine.shard.figures().partitions.into_iter().find(|partition| partition.partition == 1);
    assert_eq!(partition.unwrap().watermark_ms, Some(START_MS - 28 * SECOND));
    engine.step([Input::Idle { topic, partition: 1 }]);
    assert_eq!(engine.shard.figures().watermark_ms, Some(START_MS + 570 * SECOND));
}

#[test]
fn an_event_without_its_key_is_left_out_and_counted() {
    let mut engine = Engine::new(&config());
    let effects = engine.denied_of("unknown", [0, 1, 2]);
    assert!(effects.alerts.is_empty());
    assert_eq!(engine.count("three-denied", &effects.tally.ungrouped), 3);
}

#[test]
fn what_time_has_passed_is_forgotten() {
    let mut engine = Engine::new(&config());
    engine.denied([0, 1, 2]);
    assert_eq!(engine.shard.figures().keys.iter().map(|(_, keys)| keys).sum::<usize>(), 2);
    engine.denied_of("ben@example.com", [1_000]);
    assert_eq!(engine.shard.figures().keys.iter().map(|(_, keys)| keys).sum::<usize>(), 1);
    assert_eq!(raised(&engine.denied([1_000, 1_001, 1_002]), "three-denied")[0].count, 3);
}

#[test]
fn at_the_bound_of_keys_the_least_recently_touched_goes_and_alerts_say_so() {
    let mut config = config();
    config.limits.keys_per_rule = 2;
    let mut engine = Engine::new(&config);
    engine.denied_of("ana@example.com", [0, 1]);
    engine.denied_of("ben@example.com", [2]);
    engine.denied_of("ana@example.com", [3]);
    let effects = engine.denied_of("cyd@example.com", [4]);
    assert_eq!(engine.count("three-denied", &effects.tally.evicted), 1);
    let effects = engine.denied_of("ana@example.com", [14]);
    assert_eq!(raised(&effects, "three-denied")[0].count, 4, "ben went, not ana");
    let effects = engine.denied_of("dan@example.com", [20, 21, 22]);
    assert!(raised(&effects, "three-denied")[0].may_be_low);
    let effects = engine.denied_of("dan@example.com", [120, 121, 122]);
    assert!(!raised(&effects, "three-denied")[0].may_be_low, "nothing was lost of this window");
}

#[test]
fn at_the_bound_of_events_the_oldest_goes_and_alerts_say_so() {
    let mut config = config();
    config.limits.events_per_key = 3;
    let mut engine = Engine::new(&config);
    let effects = engine.denied(0..=12);
    let alerts = raised(&effects, "three-denied");
    assert_eq!((alerts[0].count, alerts[0].may_be_low), (3, false));
    assert!(alerts[1].may_be_low);
    assert_eq!(alerts[1].measured[0].observed, 4.0, "what is held and what has just come");
    assert_eq!(alerts[1].count, 13, "more is remembered to be shown than is held to be counted");
    assert_eq!(alerts[1].omitted, 13 - alerts[1].evidence.len() as u64);
    assert_eq!(engine.count("three-denied", &effects.tally.evicted), 10);
}

#[test]
fn keys_that_only_strangers_made_go_first() {
    let mut config = config();
    config.limits.keys_per_rule = 2;
    let mut engine = Engine::new(&config);
    engine.denied_of("ana@example.com", [0, 1]);
    for (second, login) in [(2, "guess-1"), (3, "guess-2"), (4, "guess-3")] {
        let mut event = denied(login, second);
        event["actor"]["id"] = Value::Null;
        event["outcome"]["result"] = "FAILURE".into();
        let record = engine.record(0, &event);
        engine.step([record]);
    }
    assert_eq!(raised(&engine.denied([5]), "three-denied")[0].count, 3);
}

#[test]
fn what_cannot_be_read_goes_out_as_a_dead_letter() {
    let mut engine = Engine::new(&config());
    let record = RawRecord { payload: b"{not json".to_vec(), ..RawRecord::default() };
    let effects = engine.step([Input::Record(record)]);
    assert_eq!((effects.tally.records, effects.tally.events, effects.dead_letters.len()), (1, 0, 1));
}

/// The rules with exceptions: for what follows a line `name: …`, until the end of a day.
fn excepting(name: &str, login: &str, until: &str) -> Engine {
    let exceptions = format!(
        "exceptions: [{{match: {{actor.alternateId: {login}}}, until: {until}, owner: o, reason: r}}]"
    );
    let documents: Vec<String> = RULES
        .split("---\n")
        .map(|document| match document.contains(&format!("\nname: {name}\n")) {
            true if document.contains("oktawatch: {") => {
                document.replace("oktawatch: {", &format!("oktawatch: {{{exceptions}, "))
            }
            true => format!("{document}oktawatch: {{{exceptions}}}\n"),
            false => document.to_owned(),
        })
        .collect();
    let text = documents.join("---\n");
    let rules = rule::compile(&Sources::of([("engine.yml", text.as_str())])).map(Arc::new).unwrap();
    let shard = Shard::new(&config(), Arc::clone(&rules), Arc::new(GeoIp::default()));
    Engine { shard, rules, offset: 0 }
}

/// The day of [`START_MS`].
const DAY: &str = "2026-01-05";

#[test]
fn what_a_detection_excepts_counts_for_nothing_that_takes_it() {
    let mut engine = excepting("denied", "ana@example.com", DAY);
    let effects = engine.denied([0, 1, 2]);
    assert!(effects.alerts.is_empty());
    assert_eq!(engine.count("denied", &effects.tally.excepted), 3);
    assert_eq!(engine.count("denied", &effects.tally.matches), 0);
    assert_eq!(raised(&engine.denied_of("ben@example.com", [3, 4, 5]), "three-denied").len(), 1);
}

#[test]
fn what_a_correlation_excepts_counts_for_others_that_take_the_same() {
    let mut engine = excepting("then-signed-in", "ana@example.com", DAY);
    let effects = engine.denied([0, 1, 2]);
    assert_eq!(raised(&effects, "three-denied").len(), 1);
    assert_eq!(engine.count("then-signed-in", &effects.tally.excepted), 1);
    let record = engine.record(0, &event("user.session.start", "ana@example.com", 60));
    let effects = engine.step([record]);
    assert!(raised(&effects, "then-signed-in").is_empty());
    assert_eq!(engine.count("then-signed-in", &effects.tally.excepted), 1);
    assert_eq!(engine.count("signed-in", &effects.tally.matches), 1);
}

#[test]
fn an_exception_expires_with_the_time_of_the_events_whatever_the_clock_says() {
    for (until, alerts) in [("2026-01-04", 1), (DAY, 0)] {
        let mut engine = excepting("denied", "ana@example.com", until);
        assert_eq!(raised(&engine.denied([0, 1, 2]), "three-denied").len(), alerts, "{until}");
    }
    let mut engine = excepting("denied", "ana@example.com", DAY);
    // START_MS is ten in the morning: fourteen hours later the day has ended.
    let effects = engine.denied([14 * 3_600 - 1, 14 * 3_600, 14 * 3_600 + 1, 14 * 3_600 + 2]);
    assert_eq!(engine.count("denied", &effects.tally.excepted), 1);
    assert_eq!(raised(&effects, "three-denied").len(), 1);
}

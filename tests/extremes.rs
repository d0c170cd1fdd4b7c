//! What does the engine do with values that no Okta writes, and at its bounds?

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use std::sync::Arc;

use oktawatch::alert::Renderer;
use oktawatch::config::{Config, Duration, Format};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{DeadLetterReason, Effects, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet, Sources};
use proptest::prelude::*;
use serde_json::{Value, json};

const RULES: &str = "
title: Signed in
id: 11111111-1111-4111-8111-111111111111
name: signed-in
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start}, condition: selection}
oktawatch: {suppress: 5000000w, message: '{user} {span} {km} km at {kmh} from {from_city} {asn}'}
---
title: Signed in twice
id: 22222222-2222-4222-8222-222222222222
name: twice
status: test
level: high
correlation:
  type: event_count
  rules: [signed-in]
  group-by: [enriched.org]
  timespan: 12w
  condition: {gte: 2}
oktawatch: {message: '{count} in {span} of {window} {countries:list}'}
---
title: Far apart
id: 33333333-3333-4333-8333-333333333333
name: far
status: test
level: high
correlation:
  type: value_count
  rules: [signed-in]
  group-by: [enriched.org]
  timespan: 1s
  condition: {gte: 1, field: enriched.travel.seconds}
---
title: One after the other
id: 44444444-4444-4444-8444-444444444444
name: ordered
status: test
level: high
correlation:
  type: temporal_ordered
  rules: [signed-in, twice]
  group-by: [enriched.org]
  timespan: 12w
";

const BY_TARGET: &str = "
title: Member added
id: 11111111-1111-4111-8111-111111111111
name: added
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start}, condition: selection}
---
title: Target acted on
id: 22222222-2222-4222-8222-222222222222
name: acted-on
status: test
level: high
correlation:
  type: event_count
  rules: [added]
  group-by: [target.id]
  timespan: 10m
  condition: {gte: 1}
";

fn rules() -> Arc<RuleSet> {
    compiled(RULES)
}

fn compiled(text: &str) -> Arc<RuleSet> {
    match rule::compile(&Sources::of([("extremes.yml", text)])) {
        Ok(rules) => Arc::new(rules),
        Err(findings) => panic!("{findings:#?}"),
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.input.org = "acme".to_owned();
    config.output.enriched = "enriched".to_owned();
    config
}

fn record(offset: i64, payload: &Value) -> Input {
    let position = Position { topic: "okta-events".into(), partition: 0, offset, index: 0 };
    Input::Record(RawRecord { position, payload: payload.to_string().into_bytes(), ..RawRecord::default() })
}

fn event(number: usize, published: &Value, lat: &Value, number_of_system: &Value) -> Value {
    json!({
        "uuid": format!("u{number}"),
        "eventType": "user.session.start",
        "published": published,
        "actor": { "id": "00uAna", "type": "User", "alternateId": "ana@example.com" },
        "authenticationContext": { "externalSessionId": "idxAna" },
        "client": {
            "ipAddress": format!("203.0.113.{}", number % 250),
            "geographicalContext": { "city": "X", "geolocation": { "lat": lat, "lon": lat } },
        },
        "securityContext": { "asNumber": number_of_system, "asOrg": "x" },
        "outcome": { "result": "SUCCESS" },
    })
}

/// Everything a batch asks for is rendered too, in every format.
fn judge(config: &Config, events: &[Value]) -> Effects {
    let rules = rules();
    let mut shard = Shard::new(config, Arc::clone(&rules), Arc::new(GeoIp::default()));
    let mut inputs: Vec<Input> = (0..).zip(events).map(|(offset, event)| record(offset, event)).collect();
    inputs.insert(0, Input::Tick { now_ms: 1_767_607_200_000 });
    let effects = shard.step(inputs);
    for format in [Format::Ocsf, Format::Ecs, Format::SplunkHec, Format::Flat] {
        let mut output = config.output.clone();
        output.format = format;
        let renderer = Renderer::new(&output);
        effects.alerts.iter().for_each(|alert| drop(renderer.alert(alert)));
        effects.enriched.iter().for_each(|event| drop(renderer.enriched(event, &rules.table)));
    }
    effects
}

#[test]
fn an_instant_outside_the_calendar_is_a_dead_letter() {
    for published in [json!(i64::MIN), json!(i64::MAX), json!(1e300), json!(u64::MAX)] {
        let effects = judge(&config(), &[event(1, &published, &json!(1), &json!(1))]);
        let reasons: Vec<_> = effects.dead_letters.iter().map(|letter| letter.reason).collect();
        assert_eq!(reasons, [DeadLetterReason::Incomplete], "{published}");
    }
}

#[test]
fn a_key_that_makes_room_for_the_next_of_the_same_event_still_raises_its_alert() {
    let mut config = config();
    config.limits.keys_per_rule = 1;
    let mut shard = Shard::new(&config, compiled(BY_TARGET), Arc::new(GeoIp::default()));
    let mut event = event(1, &json!("2026-01-05T10:00:00.000Z"), &json!(1), &json!(1));
    event["target"] = json!([{ "id": "a" }, { "id": "b" }, { "id": "c" }]);
    let alerts = shard.step(vec![record(0, &event)]).alerts;
    let groups: Vec<&str> = alerts.iter().map(|alert| alert.group[0].1.as_str()).collect();
    assert_eq!(groups, ["a", "b", "c"]);
}

#[test]
fn a_record_that_holds_the_newest_event_first_is_judged_in_the_order_of_time() {
    let at = |second: usize| json!(format!("2026-01-05T10:00:{second:02}.000Z"));
    let newest_first: Vec<Value> =
        (0..20).rev().map(|second| event(second, &at(second), &json!(1), &json!(1))).collect();
    let mut shard = Shard::new(&config(), rules(), Arc::new(GeoIp::default()));
    let effects = shard.step(vec![record(0, &json!(newest_first))]);
    let session = |event: &oktawatch::model::Enriched| {
        let session = event.session.clone().unwrap();
        (session.age_s, session.events)
    };
    let sessions: Vec<(i64, u64)> = effects.enriched.iter().map(|event| session(event)).collect();
    assert_eq!(sessions, (0..20).map(|second| (second, second as u64 + 1)).collect::<Vec<_>>());
}

fn published() -> impl Strategy<Value = Value> {
    let edges = vec![
        json!("9999-12-30T22:00:00.000Z"),
        json!("0001-01-01T00:00:00.000Z"),
        json!("-009999-01-02T01:59:59Z"),
        json!("1970-01-01T00:00:00.000Z"),
        json!("2026-01-05T10:00:00.000Z"),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(253_402_207_200_999_i64),
    ];
    prop_oneof![
        prop::sample::select(edges),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n))
    ]
}

fn number() -> impl Strategy<Value = Value> {
    let edges = vec![json!(90), json!(-90.0), json!(180), json!("NaN"), json!("inf"), json!(1e308), json!(0)];
    prop_oneof![
        prop::sample::select(edges),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_value_makes_the_engine_stumble(
        values in prop::collection::vec((published(), number(), number()), 1..12),
        longest: bool,
    ) {
        let mut config = config();
        if longest {
            let longest = Duration::millis(i64::MAX);
            config.time.allowed_lateness = longest;
            config.time.dedup_window = longest;
            config.time.max_clock_skew = longest;
        } else {
            config.time.allowed_lateness = Duration::millis(0);
        }
        let events: Vec<Value> = (0..)
            .zip(&values)
            .map(|(number, (published, lat, system))| event(number, published, lat, system))
            .collect();
        let effects = judge(&config, &events);
        prop_assert_eq!(effects.tally.invariants, 0);
        let read = effects.tally.events + effects.dead_letters.len() as u64;
        prop_assert_eq!(read, events.len() as u64);
    }
}

//! Does what a stranger typed as a user name, perhaps a password, stay out of everything that goes out?

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use std::sync::Arc;

use oktawatch::alert::{OutRecord, Renderer, readable};
use oktawatch::config::{Config, Format};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Alert, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet, Sources};
use proptest::prelude::*;
use serde_json::{Value, json};

const RULES: &str = "
title: Failed sign-in
id: 11111111-1111-4111-8111-111111111111
name: failed
status: test
level: low
logsource: {product: okta, service: okta}
detection:
  selection: {eventType: user.session.start, outcome.result: FAILURE}
  named: {actor.alternateId|exists: true}
  shown: {actor.displayName|exists: true}
  uri: {debugContext.debugData.requestUri|exists: true}
  condition: selection and (named or shown or uri)
oktawatch: {message: '{user} {entity} {actor.alternateId} {users:list} {debugContext.debugData.requestUri}'}
---
title: Failed as one
id: 22222222-2222-4222-8222-222222222222
name: as-one
status: test
level: high
correlation:
  type: event_count
  rules: [failed]
  group-by: [actor.alternateId]
  timespan: 60s
  condition: {gte: 2}
oktawatch: {update_every: 1s, evidence: {max: 1}, message: '{key} {count} {user} {targets:list}'}
---
title: Failed from one address
id: 33333333-3333-4333-8333-333333333333
name: from-one
status: test
level: high
correlation:
  type: value_count
  rules: [failed]
  group-by: [client.ipAddress]
  timespan: 60s
  condition: {field: enriched.user.login, gte: 2}
  generate: true
oktawatch: {entity: actor, update_every: 1s, evidence: {max: 2}, message: '{users:list} {enriched.user.login:list}'}
---
title: One after the other
id: 44444444-4444-4444-8444-444444444444
name: chain
status: test
level: high
correlation:
  type: event_count
  rules: [as-one]
  group-by: [actor.alternateId]
  timespan: 60s
  condition: {gte: 2}
  generate: true
oktawatch: {update_every: 1s, message: '{key} {user} {target}'}
";

fn rules() -> Arc<RuleSet> {
    match rule::compile(&Sources::of([("mistyped.yml", RULES)])) {
        Ok(rules) => Arc::new(rules),
        Err(findings) => panic!("{findings:#?}"),
    }
}

fn failed(second: usize, typed: &str) -> Value {
    json!({
        "uuid": format!("u{second}"),
        "eventType": "user.session.start",
        "published": format!("2026-01-05T10:00:{second:02}.000Z"),
        "actor": { "id": "unknown", "type": "User", "alternateId": typed, "displayName": typed },
        "client": { "ipAddress": "203.0.113.7" },
        "displayMessage": format!("User login to Okta: {typed}"),
        "outcome": { "result": "FAILURE", "reason": "VERIFICATION_ERROR" },
        "debugContext": { "debugData": { "requestUri": format!("/login?user={typed}&x") } },
        "target": [{ "id": "unknown", "type": "User", "alternateId": typed, "displayName": typed }],
    })
}

/// Every text of a record and of what it shows a person.
fn texts(record: &OutRecord) -> Vec<String> {
    let mut texts = vec![String::from_utf8(record.key.clone().unwrap_or_default()).unwrap()];
    texts.extend(record.headers.iter().map(|header| String::from_utf8(header.value.clone()).unwrap()));
    collect(&serde_json::from_slice(&record.payload).unwrap(), &mut texts);
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            texts.push(text.clone());
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                collect(&inner, texts);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, texts)),
        Value::Object(map) => map.values().for_each(|inner| collect(inner, texts)),
        _ => {}
    }
}

/// All that goes out for these sign-ins, in every format.
fn written(events: &[Value]) -> Vec<String> {
    let rules = rules();
    let mut config = Config::default();
    config.output.enriched = "enriched".to_owned();
    config.output.raw_event = true;
    let mut shard = Shard::new(&config, Arc::clone(&rules), Arc::new(GeoIp::default()));
    let inputs = (0..).zip(events).map(|(offset, event)| {
        let position = Position { topic: "okta-events".into(), partition: 0, offset, index: 0 };
        let payload = event.to_string().into_bytes();
        Input::Record(RawRecord { position, payload, ..RawRecord::default() })
    });
    let effects = shard.step(inputs.collect());
    assert!(effects.alerts.len() > events.len(), "every rule alerts");
    let mut texts: Vec<String> = Vec::new();
    for format in [Format::Ocsf, Format::Ecs, Format::SplunkHec, Format::Flat] {
        config.output.format = format;
        let renderer = Renderer::new(&config.output);
        let all = |alert: &Alert| [usize::MAX, 1, 0].map(|most| renderer.alert_showing(alert, most));
        effects.alerts.iter().flat_map(all).for_each(|record| texts.extend(self::texts(&record)));
        let enriched = effects.enriched.iter().map(|event| renderer.enriched(event, &rules.table));
        enriched.for_each(|record| texts.extend(self::texts(&record)));
    }
    texts.extend(effects.alerts.iter().map(readable));
    texts.extend(effects.alerts.iter().map(|alert| alert.sentence.clone()));
    texts
}

fn leaks(typed: &str, written: &[String]) -> Option<String> {
    let folded = typed.to_lowercase();
    let leak = written.iter().find(|text| text.to_lowercase().contains(&folded));
    leak.map(|text| format!("{typed:?} in {text:?}"))
}

#[test]
fn awkward_words_stay_out() {
    let long = format!("Secret{}", "x".repeat(3_000));
    for words in [
        ["Winter2026!", "wINTER2026!", "Winter2026!"],
        ["ÄÖÜÄÖÜpass", "äöüäöüPASS", "ÄÖÜäöüPass"],
        ["İstanbul1903", "İSTANBUL1903", "i̇stanbul1903"],
        ["quote\"back\\slash", "QUOTE\"back\\slash", "quote\"back\\slash"],
        ["tab\there\u{7}bell", "tab\there\u{7}bell", "TAB\there\u{7}bell"],
        ["{count}{title}", "{COUNT}{title}", "{count}{title}"],
        [&long, &long, &long],
    ] {
        let events: Vec<Value> = (0..).zip(words).map(|(second, word)| failed(second, word)).collect();
        let written = written(&events);
        for word in words {
            assert_eq!(leaks(word.trim(), &written), None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_word_of_some_length_stays_out(word in "[a-zA-ZÄäßÉé0-9!$%&/()=?#'\"\\\\ {}<>.:-]{8,24}") {
        prop_assume!(word.trim().chars().count() >= 8);
        let events = [failed(0, &word), failed(1, &word.to_uppercase()), failed(2, &word)];
        prop_assert_eq!(leaks(word.trim(), &written(&events)), None);
    }
}

//! What becomes of state whose rule is gone, and comes back?

use std::collections::BTreeMap;
use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::engine::{Member, Placement, Round, Shard, Told};
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Change, Input, Position, RawRecord};
use oktawatch::rule::RuleSet;
use serde_json::json;

use super::events::{START_MS, topic};
use super::story::compile;

const DETECTION: &str = "title: Signed in
id: 00000000-0000-4000-8000-000000000401
name: signed-in
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start}, condition: selection}
";

const THREE: &str = "---
title: Three
id: 00000000-0000-4000-8000-000000000402
name: three
correlation:
  type: event_count
  rules: signed-in
  group-by: [actor.alternateId]
  timespan: 1h
  condition: {gte: 3}
";

const MONTH_MS: i64 = 30 * 24 * 3_600_000;

/// What a compacted topic holds.
type Kept = BTreeMap<Vec<u8>, Vec<u8>>;

fn member(rules: &Arc<RuleSet>, kept: &Kept) -> Member {
    let (config, geoip) = (Config::default(), Arc::new(GeoIp::default()));
    let placement = Placement { shard: 0, shards: 1 };
    let mut shard = Shard::placed(&config, Arc::clone(rules), Arc::clone(&geoip), placement);
    let change = |(key, value): (&Vec<u8>, &Vec<u8>)| Change::new(key.clone(), Some(value.clone()));
    let restored = shard.restore(kept.iter().map(change)).unwrap();
    let mut member = Member::new(&config, Arc::clone(rules), geoip, 1);
    member.set_sources([(topic(), 0)].into());
    member.hold(shard, restored.skipped);
    member
}

fn event(second: i64) -> Told {
    let published = jiff::Timestamp::from_millisecond(START_MS + second * 1_000).unwrap();
    let event = json!({
        "uuid": uuid::Uuid::from_u128(second.unsigned_abs().into()).to_string(),
        "published": published.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "eventType": "user.session.start",
        "actor": { "id": "00u1", "type": "User", "alternateId": "ana@example.com" },
    });
    let position = Position { topic: topic(), partition: 0, offset: second, index: 0 };
    let payload = event.to_string().into_bytes();
    Told::Input(Input::Record(RawRecord { position, payload, ..RawRecord::default() }))
}

fn tick(now_ms: i64) -> Told {
    Told::Input(Input::Tick { now_ms })
}

/// How often the correlation came true; what changed is kept.
fn step(member: &mut Member, batch: Vec<Told>, kept: &mut Kept) -> usize {
    let Round { effects, changes, .. } = member.step(batch);
    for (_, Change { key, value, .. }) in changes {
        match value {
            Some(value) => kept.insert(key, value),
            None => kept.remove(&key),
        };
    }
    effects.alerts.iter().filter(|alert| &*alert.rule.name == "three").count()
}

#[test]
fn what_is_taken_back_is_not_what_a_rule_wrote_since_it_is_back() {
    let (without, with) = (compile(DETECTION, None), compile(&(DETECTION.to_owned() + THREE), None));
    let mut kept = Kept::new();
    let mut first = member(&with, &kept);
    assert_eq!(step(&mut first, vec![tick(START_MS), event(1), event(2)], &mut kept), 0);
    let mut second = member(&without, &kept);
    assert_eq!(step(&mut second, vec![tick(START_MS + 3_000)], &mut kept), 0);
    second.set_rules(&compile(&(DETECTION.to_owned() + THREE), Some(&without)));
    assert_eq!(step(&mut second, vec![event(4), event(5)], &mut kept), 0);
    assert_eq!(step(&mut second, vec![tick(START_MS + MONTH_MS)], &mut kept), 0);
    let mut third = member(&with, &kept);
    assert_eq!(step(&mut third, vec![event(6)], &mut kept), 1);
}

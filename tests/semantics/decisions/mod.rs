//! What does the engine do where Sigma leaves it open?
//!
//! One test at least for each decision, which says what would have been the obvious other choice and
//! fails under it.

mod alerts;
mod bounds;
mod deciding;
mod keys;
mod order;
mod windows;

use std::sync::Arc;

use oktawatch::config::{Config, Duration};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Effects, Input, Position, RawRecord, RuleIndex};
use oktawatch::rule::RuleSet;
use serde_json::{Value, json};

use crate::engine::compile;
use crate::events::{EVENT_TYPES, START_MS, topic};

/// Events may be so late; seconds.
const LATENESS: i64 = 100;

/// `a`, `b` and `c` match one kind of event each; `ab` matches what `a` and `b` match.
const DETECTIONS: &str = "
title: A
id: 00000000-0000-4000-8000-00000000000a
name: a
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start}, condition: selection}
---
title: B
id: 00000000-0000-4000-8000-00000000000b
name: b
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.authentication.auth_via_mfa}, condition: selection}
---
title: C
id: 00000000-0000-4000-8000-00000000000c
name: c
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.authentication.sso}, condition: selection}
---
title: A or B
id: 00000000-0000-4000-8000-0000000000ab
name: ab
status: test
level: low
logsource: {product: okta, service: okta}
detection:
  selection: {eventType: [user.session.start, user.authentication.auth_via_mfa]}
  condition: selection
";

/// An event of Ana's at a second.
#[derive(Clone, Debug)]
struct Plain {
    kind: usize,
    at_ms: i64,
    uuid: u128,
    user: Value,
    targets: Vec<&'static str>,
}

/// `a`, `b` or `c`, so many seconds after the start.
fn at(second: i64, kind: char) -> Plain {
    at_ms(second * 1_000, kind)
}

fn at_ms(at_ms: i64, kind: char) -> Plain {
    let kind = "abc".find(kind).unwrap();
    let uuid = (u128::from(at_ms.unsigned_abs()) << 8) | kind as u128;
    Plain { kind, at_ms, uuid, user: json!("ana@example.com"), targets: Vec::new() }
}

impl Plain {
    fn of(mut self, user: impl Into<Value>) -> Self {
        self.user = user.into();
        self
    }

    fn to(mut self, targets: &[&'static str]) -> Self {
        self.targets = targets.to_vec();
        self
    }

    /// Another event, where two would be the same.
    fn number(mut self, number: u128) -> Self {
        self.uuid = number;
        self
    }

    fn payload(&self) -> Vec<u8> {
        let published = jiff::Timestamp::from_millisecond(START_MS + self.at_ms).unwrap();
        let targets: Vec<Value> = self.targets.iter().map(|id| json!({ "id": id, "type": "User" })).collect();
        let event = json!({
            "uuid": uuid::Uuid::from_u128(self.uuid).to_string(),
            "published": published.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "eventType": EVENT_TYPES[self.kind],
            "actor": { "id": "00u1", "type": "User", "alternateId": self.user },
            "client": { "ipAddress": "203.0.113.7" },
            "outcome": { "result": "SUCCESS" },
            "target": targets,
        });
        event.to_string().into_bytes()
    }
}

/// An engine, and what it says.
struct Told {
    shard: Shard,
    rules: Arc<RuleSet>,
    offset: i64,
}

/// An engine with correlations: each its name, the lines under `correlation`, and its `suppress`.
fn told(correlations: &[(&str, &str, &str)]) -> Told {
    told_within(&Config::default(), correlations)
}

fn told_within(config: &Config, correlations: &[(&str, &str, &str)]) -> Told {
    let mut documents = DETECTIONS.to_owned();
    for (place, (name, lines, suppress)) in correlations.iter().enumerate() {
        let lines = lines.trim().replace('\n', "\n  ");
        documents += &format!(
            "---\ntitle: {name}\nid: 00000000-0000-4000-8000-{place:012}\nname: {name}\nstatus: test\nlevel: high\n\
             correlation:\n  {lines}\noktawatch: {{suppress: {suppress}, update_every: 0s}}\n"
        );
    }
    let rules = compile(&documents).unwrap_or_else(|findings| panic!("{findings}"));
    let mut config = config.clone();
    config.time.allowed_lateness = Duration::secs(LATENESS);
    let shard = Shard::new(&config, Arc::clone(&rules), Arc::new(GeoIp::default()));
    Told { shard, rules, offset: 0 }
}

impl Told {
    fn step(&mut self, events: &[Plain]) -> Effects {
        let records = events.iter().map(|event| self.record(0, event)).collect();
        self.shard.step(records)
    }

    fn record(&mut self, partition: i32, event: &Plain) -> Input {
        self.offset += 1;
        let position = Position { topic: topic(), partition, offset: self.offset, index: 0 };
        Input::Record(RawRecord { position, payload: event.payload(), ..RawRecord::default() })
    }

    /// The alerts that these events raise, as `rule key @second`, updates with a `+`.
    fn says(&mut self, events: &[Plain]) -> Vec<String> {
        let effects = self.step(events);
        shown(&effects)
    }

    /// The alerts that something else than events raises.
    fn says_to(&mut self, input: Input) -> Vec<String> {
        let effects = self.shard.step(vec![input]);
        shown(&effects)
    }

    /// Nothing up to this second comes any more.
    fn complete(&mut self, second: i64) -> Vec<String> {
        self.says_to(Input::Complete { upto_ms: START_MS + second * 1_000 })
    }

    fn count(&self, rule: &str, list: &[(RuleIndex, u64)]) -> u64 {
        let named = |index| self.rules.get(index).is_some_and(|found| *found.info.name == *rule);
        list.iter().filter(|(index, _)| named(*index)).map(|(_, count)| count).sum()
    }
}

fn shown(effects: &Effects) -> Vec<String> {
    let of_correlations = effects.alerts.iter().filter(|alert| alert.window.is_some());
    let shown = of_correlations.map(|alert| {
        let mark = if alert.activity == Activity::Update { "+" } else { "" };
        let key: Vec<&str> = alert.group.iter().map(|(_, value)| value.as_str()).collect();
        let second = (alert.fired_at_ms - START_MS) as f64 / 1_000.0;
        format!("{mark}{} {} @{second}", alert.rule.name, key.join(" "))
    });
    shown.collect()
}

const NOTHING: [&str; 0] = [];

//! What happens at a tenant in half an hour, and which of it must alert?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::alert::Expected;
use super::envelope::Envelope;
use super::events::{Happening, Okta};
use super::random::Random;
use super::topic::Record;

const MINUTE: i64 = 60_000;
const HARMLESS: &[&str] = &[
    "user.session.start",
    "user.authentication.sso",
    "policy.evaluate_sign_on",
    "user.authentication.auth_via_mfa",
    "user.session.end",
    "user.mfa.factor.activate",
];

/// Events with what they must lead to.
pub struct Story {
    /// In the order of their time.
    pub events: Vec<Value>,
    /// Every alert, and no other.
    pub expected: BTreeSet<Expected>,
    okta: Okta,
    random: Random,
    start_ms: i64,
}

impl Story {
    /// Nothing has happened yet; `seed` decides all that chance decides.
    pub fn new(tenant: &str, seed: u64, start_ms: i64) -> Self {
        Self {
            events: Vec::new(),
            expected: BTreeSet::new(),
            okta: Okta::new(tenant, seed),
            random: Random::new(seed),
            start_ms,
        }
    }

    /// A morning: people at work, and among them all that the rules look for, each with a near miss.
    pub fn morning(tenant: &str, seed: u64, start_ms: i64, people: u64) -> Self {
        let mut story = Self::new(tenant, seed, start_ms);
        for _ in 0..people {
            story.someone_at_work();
        }
        for number in 0..10 {
            story.token_created(number);
            story.administrator_granted(number);
        }
        for number in 0..3 {
            story.failures(number, 5);
            story.failures(number + 10, 4);
            story.spray(number, 6);
            story.spray(number + 10, 5);
            story.factor_replaced(number, true);
            story.factor_replaced(number + 10, false);
        }
        story.events.sort_by(|a, b| a["published"].as_str().cmp(&b["published"].as_str()));
        story
    }

    /// So many events, every fifth of which is an alert of a single-event rule.
    pub fn singles(tenant: &str, seed: u64, start_ms: i64, events: u64) -> Self {
        let mut story = Self::new(tenant, seed, start_ms);
        for number in 0..events {
            if number % 5 == 0 {
                story.token_created(number);
            } else {
                story.someone_at_work();
            }
        }
        story
    }

    /// One more sign of life, so long after the start that all that waits for the morning's end is due.
    pub fn later(&mut self, hours: i64) {
        self.add("user.session.end", "person.1@acme.example", "203.0.113.1", hours * 60 * MINUTE, "SUCCESS");
    }

    /// The events in records: envelopes of all kinds, all over the partitions.
    pub fn records(&mut self, partitions: u64) -> Vec<Record> {
        self.scattered(partitions, 0)
    }

    /// The same, one record in five twice, as from a collector that reads again.
    pub fn records_with_copies(&mut self, partitions: u64) -> Vec<Record> {
        self.scattered(partitions, 20)
    }

    fn scattered(&mut self, partitions: u64, copies_percent: u64) -> Vec<Record> {
        let mut records = Vec::new();
        let mut rest = self.events.as_slice();
        let mut kinds = Envelope::ALL.iter().cycle();
        while let Some(kind) = kinds.next().filter(|_| !rest.is_empty()) {
            let (inside, after) = rest.split_at(kind.capacity().min(rest.len()));
            rest = after;
            let payload = kind.wrap(inside);
            let deliveries = if self.random.below(100) < copies_percent { 2 } else { 1 };
            for _ in 0..deliveries {
                let partition = i32::try_from(self.random.below(partitions)).unwrap();
                records.push(Record { partition, payload: payload.clone() });
            }
        }
        records
    }

    fn someone_at_work(&mut self) {
        let person = self.random.below(40);
        let minute = self.random.below(30 * 60_000);
        let kind = *self.random.pick(HARMLESS);
        self.add(
            kind,
            &format!("person.{person}@acme.example"),
            &format!("203.0.113.{person}"),
            minute.cast_signed(),
            "SUCCESS",
        );
    }

    fn token_created(&mut self, number: u64) {
        let actor = format!("admin.{number}@acme.example");
        let at = self.random.below(30 * 60_000).cast_signed();
        let event = self.add("system.api_token.create", &actor, "198.51.100.7", at, "SUCCESS");
        event["target"] = json!([{
            "id": "00T1x9", "type": "Token", "alternateId": "unknown", "displayName": "ci", "detailEntry": null
        }]);
        self.expect_of_last("token-created", &actor);
        self.add("system.api_token.create", &actor, "198.51.100.7", at + 5, "FAILURE");
    }

    fn administrator_granted(&mut self, number: u64) {
        let actor = format!("admin.{number}@acme.example");
        let at = self.random.below(30 * 60_000).cast_signed();
        let kind = "user.account.privilege.grant";
        let event = self.add(kind, &actor, "198.51.100.7", at, "SUCCESS");
        event["debugContext"]["debugData"]["privilegeGranted"] =
            json!("Super administrator, Organization administrator");
        self.expect_of_last("super-administrator-granted", &actor);
        let event = self.add(kind, &actor, "198.51.100.7", at + 5, "SUCCESS");
        event["debugContext"]["debugData"]["privilegeGranted"] = json!("Read-only administrator");
    }

    fn failures(&mut self, number: u64, count: i64) {
        let actor = format!("victim.{number}@acme.example");
        let start = self.random.below(20).cast_signed() * MINUTE;
        for failure in 0..count {
            let ip = format!("192.0.2.{}", 100 + number);
            self.add("user.session.start", &actor, &ip, start + failure * MINUTE + 17, "FAILURE");
        }
        if count >= 5 {
            self.expect("many-failures", &actor);
        }
    }

    fn spray(&mut self, number: u64, users: i64) {
        let ip = format!("192.0.2.{number}");
        let start = self.random.below(20).cast_signed() * MINUTE;
        for user in 0..users {
            let actor = format!("sprayed.{number}.{user}@acme.example");
            self.add("user.session.start", &actor, &ip, start + user * MINUTE + 23, "FAILURE");
        }
        if users >= 6 {
            self.expect("spray", &ip);
        }
    }

    fn factor_replaced(&mut self, number: u64, in_order: bool) {
        let actor = format!("replaced.{number}@acme.example");
        let start = self.random.below(15).cast_signed() * MINUTE;
        let (removed, enrolled) =
            if in_order { (start, start + 3 * MINUTE) } else { (start + MINUTE, start) };
        self.add("user.mfa.factor.deactivate", &actor, "203.0.113.200", removed, "SUCCESS");
        self.add("user.mfa.factor.activate", &actor, "203.0.113.200", enrolled, "SUCCESS");
        if in_order {
            self.expect("factor-replaced", &actor);
        }
    }

    fn add(&mut self, kind: &str, actor: &str, ip: &str, after_ms: i64, result: &str) -> &mut Value {
        let what = Happening { kind, actor, ip, at_ms: self.start_ms + after_ms, result };
        self.events.push(self.okta.event(&what));
        self.events.last_mut().unwrap()
    }

    fn expect_of_last(&mut self, rule: &str, entity: &str) {
        let uuid = self.events.last().unwrap()["uuid"].as_str().unwrap().to_owned();
        self.expected.insert(Expected {
            rule: rule.to_owned(),
            entity: entity.to_owned(),
            event: Some(uuid),
        });
    }

    fn expect(&mut self, rule: &str, entity: &str) {
        self.expected.insert(Expected { rule: rule.to_owned(), entity: entity.to_owned(), event: None });
    }
}

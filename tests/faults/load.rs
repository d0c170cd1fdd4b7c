//! What is in the input topic, whose alerts do not depend on the order in which it is read?
//!
//! Everybody who does something that a rule looks for does it within minutes, with at most one other time
//! an hour later, so that there is one alert for each of those times however the events are read. Events
//! of one key stand in any partition. Time goes on within each, and at its end stands an event of hours
//! later: once all of those are read, all is decided that only time can tell.

use serde_json::Value;

use crate::support::events::{Happening, Okta};
use crate::support::random::Random;
use crate::support::topic::Record;

const MINUTE: i64 = 60_000;
/// Longer than any rule looks back, and than an alert goes on.
const HOUR: i64 = 60 * MINUTE;
/// A story takes two hours, and is judged to its end by what its last events say: none is from the future.
const BEGAN: i64 = 7 * HOUR;
const LAST: i64 = 6 * HOUR;
/// Each kind of attack, and of what only looks like it, so many times.
const ATTACKS: i64 = 8;
const HARMLESS: &[&str] = &[
    "user.authentication.sso",
    "policy.evaluate_sign_on",
    "user.session.end",
    "user.account.update_profile",
    "application.lifecycle.update",
];

/// The configuration under which nothing is too late, and time goes on by events alone.
pub const SETTINGS: &str = "[time]\nallowed_lateness = \"3h\"\nidle_timeout = \"1h\"\n";

/// Events of a seed in the order of their time, and where each goes.
pub struct Load {
    /// What is produced while things go wrong.
    pub records: Vec<Record>,
    /// One for each partition, when all else is produced.
    pub last: Vec<Record>,
}

struct Story {
    okta: Okta,
    random: Random,
    start_ms: i64,
    events: Vec<Value>,
}

impl Load {
    /// So many events over so many partitions.
    pub fn new(seed: u64, events: usize, partitions: i32) -> Self {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut story = Story {
            okta: Okta::new("acme", seed),
            random: Random::new(seed),
            start_ms: now - BEGAN,
            events: Vec::new(),
        };
        for number in 0..ATTACKS {
            story.attack(number);
        }
        while story.events.len() < events {
            story.someone_at_work();
        }
        story.events.sort_by(|a, b| a["published"].as_str().cmp(&b["published"].as_str()));
        let random = &mut story.random;
        let anywhere = |event: &Value| {
            let partition = i32::try_from(random.below(partitions.unsigned_abs().into())).unwrap();
            record(partition, event)
        };
        let records = story.events.iter().map(anywhere).collect();
        let mut at_end = |ms| (0..partitions).map(|partition| story.last(partition, ms)).collect();
        Self { records, last: at_end(LAST) }
    }

    /// All of it, in an order of which nothing is late.
    pub fn all(&self) -> Vec<Record> {
        [self.records.as_slice(), &self.last].concat()
    }
}

impl Story {
    /// One of every kind, with its harmless twin. Some come back.
    fn attack(&mut self, number: i64) {
        for again in 0..1 + number % 2 {
            let hour = again * HOUR;
            self.tokens(number, hour);
            self.guessed(number, hour, 5 + number % 3, false);
            self.guessed(100 + number, hour, 4, false);
            self.guessed(200 + number, hour, 5 + number % 2, true);
            self.hammered(number, hour, 8 + number % 3);
            self.hammered(100 + number, hour, 7);
            self.sprayed(number, hour, 6 + number % 2);
            self.sprayed(100 + number, hour, 5);
            self.replaced(number, hour, true);
            self.replaced(100 + number, hour, false);
            self.locked(number, hour, false);
            self.locked(100 + number, hour, true);
            self.worn_down(number, hour, true);
            self.worn_down(100 + number, hour, false);
        }
    }

    fn tokens(&mut self, number: i64, hour: i64) {
        for token in 0..5 {
            let start = self.start(hour);
            let actor = format!("admin.{number}.{token}@acme.example");
            self.add("system.api_token.create", &actor, "198.51.100.7", start, "SUCCESS");
            self.add("system.api_token.create", &actor, "198.51.100.7", start + 5, "FAILURE");
            self.add("user.session.access_admin_app", &actor, "198.51.100.7", start + 9, "SUCCESS");
        }
    }

    /// From an address for each try; then perhaps a token is made.
    fn guessed(&mut self, number: i64, hour: i64, times: i64, token: bool) {
        let actor = format!("guessed.{number}@acme.example");
        let start = self.start(hour);
        for time in 0..times {
            let ip = format!("10.1.{number}.{time}");
            self.add("user.session.start", &actor, &ip, start + time * MINUTE, "FAILURE");
        }
        if token {
            self.add("system.api_token.create", &actor, "198.51.100.8", start + 9 * MINUTE, "SUCCESS");
        }
    }

    /// Three users in turn: too few tries for each, and too few users.
    fn hammered(&mut self, number: i64, hour: i64, times: i64) {
        let ip = format!("10.2.{number}.1");
        let start = self.start(hour);
        for time in 0..times {
            let actor = format!("hammered.{number}.{}@acme.example", time % 3);
            self.add("user.session.start", &actor, &ip, start + time * MINUTE / 2, "FAILURE");
        }
    }

    fn sprayed(&mut self, number: i64, hour: i64, users: i64) {
        let ip = format!("10.3.{number}.1");
        let start = self.start(hour);
        for user in 0..users {
            let actor = format!("sprayed.{number}.{user}@acme.example");
            self.add("user.session.start", &actor, &ip, start + user * MINUTE, "FAILURE");
        }
    }

    fn replaced(&mut self, number: i64, hour: i64, in_order: bool) {
        let actor = format!("replaced.{number}@acme.example");
        let start = self.start(hour);
        let (off, on) = if in_order { (start, start + 3 * MINUTE) } else { (start + MINUTE, start) };
        self.add("user.mfa.factor.deactivate", &actor, "203.0.113.200", off, "SUCCESS");
        self.add("user.mfa.factor.activate", &actor, "203.0.113.200", on, "SUCCESS");
    }

    fn locked(&mut self, number: i64, hour: i64, unlocked: bool) {
        let actor = format!("locked.{number}@acme.example");
        let start = self.start(hour);
        self.add("user.account.lock", &actor, "203.0.113.201", start, "SUCCESS");
        if unlocked {
            self.add("user.account.unlock", &actor, "203.0.113.201", start + 4 * MINUTE, "SUCCESS");
        }
    }

    fn worn_down(&mut self, number: i64, hour: i64, in_order: bool) {
        let actor = format!("worn.{number}@acme.example");
        let start = self.start(hour) + MINUTE;
        for time in 0..3 {
            let kind = "user.mfa.okta_verify.deny_push";
            self.add(kind, &actor, "203.0.113.202", start + time * MINUTE, "FAILURE");
        }
        let passed = if in_order { start + 4 * MINUTE } else { start - MINUTE };
        self.add("user.authentication.auth_via_mfa", &actor, "203.0.113.202", passed, "SUCCESS");
    }

    fn someone_at_work(&mut self) {
        let person = self.random.below(40);
        let kind = *self.random.pick(HARMLESS);
        let at = self.random.below((2 * HOUR).unsigned_abs()).cast_signed();
        let ip = format!("203.0.113.{person}");
        self.add(kind, &format!("person.{person}@acme.example"), &ip, at, "SUCCESS");
    }

    fn last(&mut self, partition: i32, after_ms: i64) -> Record {
        self.add("user.session.end", "person.1@acme.example", "203.0.113.1", after_ms, "SUCCESS");
        record(partition, self.events.last().unwrap())
    }

    /// Within the first half of an hour: the whole story lies within twenty minutes more.
    fn start(&mut self, hour: i64) -> i64 {
        hour + self.random.below((30 * MINUTE).unsigned_abs()).cast_signed()
    }

    fn add(&mut self, kind: &str, actor: &str, ip: &str, after_ms: i64, result: &str) {
        let what = Happening { kind, actor, ip, at_ms: self.start_ms + after_ms, result };
        self.events.push(self.okta.event(&what));
    }
}

fn record(partition: i32, event: &Value) -> Record {
    Record { partition, payload: event.to_string().into_bytes() }
}

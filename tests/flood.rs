//! Does a flood of names, addresses and sessions cost anybody else's state anything?

#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Alert, Effects, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet, Sources};
use serde_json::{Value, json};

const KEYS: usize = 32;
const SESSIONS: usize = 40;
const USERS: usize = 24;
const UUIDS: usize = 300;
const EVENTS_PER_KEY: usize = 64;

const START_MS: i64 = 1_767_607_200_000;
/// Names of a flood: many times what fits.
const NAMES: usize = 500;

/// What is found of single events; `told` has alerts of its own.
const DETECTIONS: &str = "
title: Failed
id: 10000000-0000-4000-8000-000000000001
name: failed
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start, outcome.result: FAILURE}, condition: selection}
oktawatch: {risk: 30}
---
title: Failed, told
id: 10000000-0000-4000-8000-000000000004
name: told
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start, outcome.result: FAILURE}, condition: selection}
oktawatch: {suppress: 2h}
---
title: Got in
id: 10000000-0000-4000-8000-000000000002
name: got-in
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start, outcome.result: SUCCESS}, condition: selection}
oktawatch: {risk: 30}
---
title: Opened
id: 10000000-0000-4000-8000-000000000003
name: opened
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.authentication.sso}, condition: selection}
";

/// Correlations of every kind of table. The flood goes over all but `busy`.
const CORRELATIONS: [(&str, &str); 9] = [
    (
        "guesses",
        "type: event_count\nrules: [failed]\ngroup-by: [actor.alternateId]\ntimespan: 30m\ncondition: {gte: 4}",
    ),
    (
        "spray",
        "type: value_count\nrules: [failed]\ngroup-by: [client.ipAddress]\ntimespan: 30m\ncondition: {gte: 20, field: actor.alternateId}",
    ),
    (
        "broke-in",
        "type: temporal_ordered\nrules: [failed, got-in]\ngroup-by: [actor.alternateId]\ntimespan: 30m",
    ),
    (
        "steps",
        "type: sequence\ngroup-by: [actor.alternateId]\nwithin: 30m\nsteps: [{rule: failed}, {rule: failed}, {rule: got-in}]",
    ),
    (
        "busy",
        "type: event_count\nrules: [opened]\ngroup-by: [actor.alternateId]\ntimespan: 30m\ncondition: {gte: 3}",
    ),
    (
        "hijacked",
        "type: value_count\nrules: [failed, opened]\ngroup-by: [authenticationContext.externalSessionId]\ntimespan: 30m\ncondition: {gte: 2, field: client.ipAddress}",
    ),
    (
        "new-address",
        "type: new_value\nrules: [failed, got-in]\ngroup-by: [actor.alternateId]\nfield: client.ipAddress\nlearning: 1m\nforget: 10h",
    ),
    (
        "unusual",
        "type: baseline\nrules: [failed]\ngroup-by: [actor.alternateId]\nbucket: 1m\nhistory: 10m\nfloor: 3\nmin_history: 1m",
    ),
    (
        "adds-up",
        "type: risk_score\nrules: [failed, got-in]\ngroup-by: [actor.alternateId]\ntimespan: 30m\nthreshold: 85",
    ),
];

fn rules() -> Arc<RuleSet> {
    let correlations = CORRELATIONS.iter().enumerate().map(|(number, (name, lines))| {
        let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
        format!(
            "---\ntitle: {name}\nid: 20000000-0000-4000-8000-00000000000{number}\nname: {name}\nlevel: high\n\
             correlation:\n{lines}oktawatch: {{suppress: 2h}}\n"
        )
    });
    let text: String = std::iter::once(DETECTIONS.to_owned()).chain(correlations).collect();
    match rule::compile(&Sources::of([("flood.yml", text.as_str())])) {
        Ok(rules) => Arc::new(rules),
        Err(findings) => panic!("{findings:#?}"),
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.input.org = "acme".to_owned();
    config.output.enriched = "enriched".to_owned();
    config.limits.keys_per_rule = KEYS;
    config.limits.events_per_key = EVENTS_PER_KEY;
    config.limits.sessions = SESSIONS;
    config.limits.users = USERS;
    config.limits.uuids = UUIDS;
    config
}

/// How an attacker floods.
#[derive(Clone, Copy, Debug)]
struct Flood {
    many_addresses: bool,
    sessions: bool,
    /// Okta knows every name, but none gets in.
    known: bool,
    each: usize,
}

/// Who does what, from where.
struct Happens<'a> {
    kind: &'a str,
    id: &'a str,
    login: &'a str,
    ip: &'a str,
    session: &'a str,
    result: &'a str,
}

const ANA: Happens<'_> = Happens {
    kind: "user.session.start",
    id: "00uana",
    login: "ana@example.com",
    ip: "203.0.113.1",
    session: "unknown",
    result: "FAILURE",
};

impl Happens<'_> {
    fn json(&self, number: usize, at_ms: i64) -> Value {
        json!({
            "uuid": format!("u{number}"),
            "eventType": self.kind,
            "published": at_ms,
            "actor": { "id": self.id, "type": "User", "alternateId": self.login },
            "authenticationContext": { "externalSessionId": self.session },
            "client": { "ipAddress": self.ip },
            "outcome": { "result": self.result },
        })
    }
}

/// A run of two shards: one that stays, and one that is moved now and then. Both say the same.
struct Run {
    stays: Shard,
    moves: Shard,
    held: BTreeMap<Vec<u8>, Vec<u8>>,
    rules: Arc<RuleSet>,
    number: usize,
    now_ms: i64,
    alerts: Vec<Alert>,
    /// What was dropped, by table and by rule.
    evicted: BTreeMap<String, u64>,
    /// Enriched events of those who are no attackers.
    told: Vec<(u64, u64)>,
}

fn shard(rules: &Arc<RuleSet>) -> Shard {
    Shard::new(&config(), Arc::clone(rules), Arc::new(GeoIp::default()))
}

impl Run {
    fn new() -> Self {
        let rules = rules();
        let (stays, mut moves) = (shard(&rules), shard(&rules));
        moves.keep_changes(true);
        let (held, alerts, evicted, told) = Default::default();
        Self { stays, moves, held, rules, number: 0, now_ms: START_MS, alerts, evicted, told }
    }

    fn event(&mut self, happens: &Happens<'_>) {
        self.now_ms += 250;
        self.number += 1;
        let offset = i64::try_from(self.number).unwrap();
        let position = Position { topic: "okta-events".into(), partition: 0, offset, index: 0 };
        let payload = happens.json(self.number, self.now_ms).to_string().into_bytes();
        self.step(Input::Record(RawRecord { position, payload, ..RawRecord::default() }));
        if self.number.is_multiple_of(300) {
            self.move_on();
        }
    }

    fn step(&mut self, input: Input) {
        let effects = self.stays.step(vec![input.clone()]);
        let mut of_moved = self.moves.step(vec![input]);
        for change in std::mem::take(&mut of_moved.changes) {
            match change.value {
                Some(value) => drop(self.held.insert(change.key, value)),
                None => drop(self.held.remove(&change.key)),
            }
        }
        let said = |effects: &Effects| format!("{:?}{:?}", effects.alerts, effects.tally);
        assert_eq!(said(&of_moved), said(&effects));
        self.check_sizes();
        self.note(effects);
    }

    fn check_sizes(&self) {
        let figures = self.stays.figures();
        assert_eq!(figures, self.moves.figures());
        assert!(figures.sessions <= SESSIONS && figures.users <= USERS && figures.uuids <= UUIDS);
        for (rule, keys) in figures.keys {
            assert!(keys <= KEYS, "{keys} keys of {}", self.rules.rules[rule.0 as usize].info.name);
        }
    }

    fn note(&mut self, effects: Effects) {
        let tally = effects.tally;
        assert_eq!((tally.invariants, effects.dead_letters.len()), (0, 0));
        for (table, count) in tally.evicted_state {
            *self.evicted.entry(table.to_owned()).or_default() += count;
        }
        for (rule, count) in tally.evicted {
            let name = self.rules.rules[rule.0 as usize].info.name.to_string();
            *self.evicted.entry(name).or_default() += count;
        }
        let of_users =
            effects.enriched.iter().filter(|one| one.user.as_ref().is_some_and(|u| u.id == "00uben"));
        let told = |count: Option<u64>| count.unwrap_or_default();
        self.told.extend(of_users.map(|one| {
            (told(one.user.as_ref().map(|user| user.events)), told(one.session.as_ref().map(|s| s.events)))
        }));
        self.alerts.extend(effects.alerts);
    }

    /// Another process goes on with what the changes say.
    fn move_on(&mut self) {
        let held = self.held.iter();
        let changes =
            held.map(|(key, value)| oktawatch::model::Change::new(key.clone(), Some(value.clone())));
        let mut next = shard(&self.rules);
        next.restore(changes.collect::<Vec<_>>()).unwrap();
        next.keep_changes(true);
        self.moves = next;
    }

    /// The attacker's part from one name to another.
    fn flood(&mut self, flood: Flood, names: std::ops::Range<usize>) {
        for name in names {
            let ip = if flood.many_addresses {
                format!("198.51.{}.{}", name / 250, name % 250)
            } else {
                "198.51.100.1".into()
            };
            let session = if flood.sessions { format!("idx{name}") } else { "unknown".into() };
            let id = if flood.known { format!("00u{name}") } else { "unknown".into() };
            let login = format!("{:x}@example.com", name.wrapping_mul(0x9E37_79B9));
            let one = Happens { id: &id, login: &login, ip: &ip, session: &session, ..ANA };
            (0..flood.each).for_each(|_| self.event(&one));
        }
    }

    /// Time passes until everything is decided.
    fn end(&mut self) {
        self.step(Input::Complete { upto_ms: self.now_ms });
    }

    /// The alerts of a rule about a value, by id: how many were raised.
    fn raised(&self, rule: &str, value: &str) -> usize {
        let of = self.alerts.iter().filter(|alert| {
            let is_about = alert.entity.value == value || alert.group.iter().any(|(_, of)| of == value);
            &*alert.rule.name == rule && is_about && alert.activity == Activity::Create
        });
        let ids: BTreeSet<_> = of.map(|alert| alert.id).collect();
        ids.len()
    }
}

/// Every pair of ways.
fn floods() -> Vec<Flood> {
    let mut floods = Vec::new();
    for many_addresses in [false, true] {
        for known in [false, true] {
            let sessions = many_addresses != known;
            floods.extend([1, 2].map(|each| Flood { many_addresses, sessions, known, each }));
        }
    }
    floods
}

/// What users do before the flood: windows that lack one event each.
fn before(run: &mut Run) {
    run.event(&Happens { result: "SUCCESS", ..ANA });
    (0..3).for_each(|_| run.event(&ANA));
    let ben = Happens { id: "00uben", login: "ben@example.com", session: "idxben", ip: "203.0.113.2", ..ANA };
    run.event(&ben);
    run.event(&ben);
    run.event(&Happens { kind: "user.session.start", result: "SUCCESS", session: "idxben", ..ben });
    let opens = Happens { kind: "user.authentication.sso", result: "SUCCESS", ..ben };
    (0..2).for_each(|_| run.event(&opens));
}

/// The events that they lack.
fn after(run: &mut Run) {
    (0..10).for_each(|_| run.event(&ANA));
    run.event(&Happens { result: "SUCCESS", ip: "203.0.113.8", ..ANA });
    let opens = Happens {
        kind: "user.authentication.sso",
        id: "00uben",
        login: "ben@example.com",
        ip: "203.0.113.9",
        session: "idxben",
        result: "SUCCESS",
    };
    run.event(&opens);
}

#[test]
fn a_flood_stays_within_every_bound_and_costs_no_user_a_window() {
    for flood in floods() {
        let mut run = Run::new();
        before(&mut run);
        run.flood(flood, 0..NAMES);
        after(&mut run);
        run.end();
        for rule in ["told", "guesses", "broke-in", "steps", "new-address", "unusual"] {
            assert_eq!(run.raised(rule, "ana@example.com"), 1, "{rule}: {flood:?}");
        }
        assert_eq!(run.raised("adds-up", "ana@example.com"), 1, "{flood:?}");
        assert_eq!(run.raised("busy", "ben@example.com"), 1, "{flood:?}");
        assert_eq!(run.raised("hijacked", "idxben"), 1, "{flood:?}");
        assert_eq!(run.told.last(), Some(&(6, 6)), "the user and the session go on: {flood:?}");
        let sprayed = run.raised("spray", "198.51.100.1");
        assert_eq!(sprayed, usize::from(!flood.many_addresses), "{flood:?}");
        // Whatever came and is no longer held was counted as it went.
        let gone = |held: usize, came: usize| Some((came - held) as u64);
        assert_eq!(run.evicted.get("guesses").copied(), gone(KEYS, NAMES + 2), "{flood:?}");
        let sessions = run.evicted.get("sessions").copied();
        assert_eq!(sessions, gone(SESSIONS, NAMES + 1).filter(|_| flood.sessions), "{flood:?}");
        let users = run.evicted.get("users").copied();
        assert_eq!(users, gone(USERS, NAMES + 2).filter(|_| flood.known), "{flood:?}");
        assert_eq!(run.evicted.get("busy"), None, "another rule: {flood:?}");
        let ids = gone(UUIDS, run.number);
        assert_eq!(run.evicted.get("uuids").copied(), ids, "{flood:?}");
    }
}

#[test]
fn a_second_attacker_is_seen_in_the_midst_of_a_flood() {
    let flood = Flood { many_addresses: true, sessions: false, known: false, each: 1 };
    let mut run = Run::new();
    for part in 0..20 {
        let login = format!("victim{part}@example.com");
        let slow = Happens { id: "unknown", ip: "192.0.2.1", login: &login, ..ANA };
        run.event(&slow);
        run.flood(flood, part * 50..part * 50 + if part == 0 { 5 } else { 50 });
    }
    run.end();
    assert_eq!(run.raised("spray", "192.0.2.1"), 1);
}

#[test]
fn in_a_table_full_of_users_strangers_get_a_sixteenth_of_the_room() {
    let flood = Flood { many_addresses: true, sessions: true, known: false, each: 2 };
    let mut run = Run::new();
    let logins: Vec<String> = (0..KEYS).map(|user| format!("user{user}@example.com")).collect();
    for _ in 0..3 {
        for (user, login) in logins.iter().enumerate() {
            let id = format!("00user{user}");
            run.event(&Happens { id: &id, login, ip: "203.0.113.7", ..ANA });
        }
    }
    run.flood(flood, 0..NAMES);
    for (user, login) in logins.iter().enumerate().rev() {
        let id = format!("00user{user}");
        run.event(&Happens { id: &id, login, ip: "203.0.113.7", ..ANA });
    }
    run.end();
    let raised = logins.iter().filter(|login| run.raised("guesses", login) == 1).count();
    assert_eq!(raised, KEYS - KEYS / 16);
}

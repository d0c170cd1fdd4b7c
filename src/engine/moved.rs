//! Does a shard do the same when it is moved at any step? Tests of [`super::durable`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Intake, Restored, Shard};
use crate::config::{Config, Duration};
use crate::enrich::GeoIp;
use crate::model::{Change, Effects, FieldTable, Header, Input, Position, RawRecord};
use crate::rule::{RuleSet, Sources, compile_onto};

const START_MS: i64 = 1_767_607_200_000;
const DAY_S: i64 = 86_400;
const KINDS: [&str; 3] =
    ["user.session.start", "user.authentication.auth_via_mfa", "user.session.access_admin_app"];

const RULES: &str = "title: Signed in
id: 3f0a1c6e-5d0e-4b8f-9f6e-0c8d1d1f0a01
name: signed-in
logsource: {product: okta, service: okta}
oktawatch: {suppress: 5m, update_every: 30s}
detection: {sel: {eventType: user.session.start}, condition: sel}
---
title: Administers
id: 3f0a1c6e-5d0e-4b8f-9f6e-0c8d1d1f0a02
name: administers
logsource: {product: okta, service: okta}
oktawatch: {suppress: 2h, update_every: 0s, evidence: {max: 3}}
detection: {sel: {eventType: user.session.access_admin_app}, condition: sel}
---
title: Passed a factor
id: 3f0a1c6e-5d0e-4b8f-9f6e-0c8d1d1f0a03
name: factor
logsource: {product: okta, service: okta}
detection: {sel: {eventType: user.authentication.auth_via_mfa}, condition: sel}
";

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Event(Plain),
    Tick,
    Assigned(i32),
    Idle(i32),
    Revoked(i32),
    /// The next input is of another batch; whether the shard is moved between the two.
    Cut(bool),
}

#[derive(Clone, Debug)]
struct Plain {
    id: u8,
    partition: i32,
    org: usize,
    /// How far time goes before it, and where the event lies then; s.
    wait_s: i64,
    ago_s: i64,
    kind: usize,
    user: u8,
    session: u8,
    place: usize,
    failed: bool,
}

fn plain() -> impl Strategy<Value = Plain> {
    let wait = prop_oneof![12 => 0..40_i64, 2 => 40..900_i64, 1 => Just(8 * DAY_S), 1 => Just(91 * DAY_S)];
    let ago = prop_oneof![6 => 0..30_i64, 2 => 30..200_i64, 1 => Just(400), 1 => Just(-900)];
    let whose = (0_usize..3, 0_u8..5, 0_u8..6, 0_usize..4);
    (0_u8..60, 0..2_i32, wait, ago, 0_usize..3, whose, proptest::bool::weighted(0.1)).prop_map(
        |(id, partition, wait_s, ago_s, kind, (org, user, session, place), failed)| Plain {
            id,
            partition,
            org,
            wait_s,
            ago_s,
            kind,
            user,
            session,
            place,
            failed,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        16 => plain().prop_map(Step::Event),
        1 => Just(Step::Tick),
        1 => (0..3_i32).prop_map(Step::Assigned),
        1 => (0..3_i32).prop_map(Step::Idle),
        1 => (0..3_i32).prop_map(Step::Revoked),
        6 => any::<bool>().prop_map(Step::Cut),
    ]
}

impl Plain {
    /// The event as Okta writes it. The same id is the same event only if all else is, too; the first
    /// that comes is the one that counts.
    fn json(&self, at_s: i64) -> Value {
        let (ip, country, point, system) = [
            ("203.0.113.1", "Portugal", (38.72, -9.14), 64_500),
            ("203.0.113.2", "Portugal", (41.15, -8.61), 64_501),
            ("198.51.100.1", "Germany", (52.52, 13.4), 64_502),
            ("192.0.2.1", "United States", (40.71, -74.01), 64_503),
        ][self.place];
        let os = if self.place < 2 { "Mac OS" } else { "Windows" };
        json!({
            "uuid": uuid::Uuid::from_u128(self.id.into()).to_string(),
            "published": crate::text::rfc3339(START_MS + at_s * 1_000).unwrap(),
            "eventType": KINDS[self.kind],
            "displayMessage": "what happened",
            "actor": {
                "id": format!("00u{}", self.user),
                "type": "User",
                "alternateId": format!("user{}@example.com", self.user),
            },
            "outcome": { "result": if self.failed { "FAILURE" } else { "SUCCESS" } },
            "authenticationContext": { "externalSessionId": format!("idx{}", self.session) },
            "client": {
                "ipAddress": ip,
                "userAgent": { "rawUserAgent": format!("Mozilla/5.0 ({os})"), "os": os },
                "geographicalContext": {
                    "country": country,
                    "geolocation": { "lat": point.0, "lon": point.1 },
                },
            },
            "securityContext": { "asNumber": system },
        })
    }

    fn record(&self, offset: i64, at_s: i64) -> RawRecord {
        let orgs: [&[u8]; 3] = [b"", b"acme.okta.com", b"other.okta.com"];
        let header = Header { name: "org".to_owned(), value: orgs[self.org].to_vec() };
        let topic = Arc::from("okta-events");
        RawRecord {
            position: Position { topic, partition: self.partition, offset, index: 0 },
            headers: vec![header],
            payload: self.json(at_s).to_string().into_bytes(),
            ..RawRecord::default()
        }
    }
}

/// The steps as batches, each with whether the shard is moved after it.
fn batches(steps: &[Step]) -> Vec<(Vec<Input>, bool)> {
    let (mut batches, mut batch, mut now_s) = (Vec::new(), Vec::new(), 0);
    let topic: Arc<str> = Arc::from("okta-events");
    for (offset, step) in steps.iter().enumerate() {
        let topic = Arc::clone(&topic);
        batch.push(match step {
            Step::Event(event) => {
                now_s += event.wait_s;
                let offset = i64::try_from(offset).unwrap();
                Input::Record(event.record(offset, now_s - event.ago_s))
            }
            Step::Tick => Input::Tick { now_ms: START_MS + now_s * 1_000 },
            Step::Assigned(partition) => {
                Input::Assigned { topic, partition: *partition, next: 0, highest_ms: None }
            }
            Step::Idle(partition) => Input::Idle { topic, partition: *partition },
            Step::Revoked(partition) => Input::Revoked { topic, partition: *partition },
            Step::Cut(moved) => {
                batches.push((std::mem::take(&mut batch), *moved));
                continue;
            }
        });
    }
    batches.push((batch, true));
    batches
}

/// Shards of one configuration.
struct Home {
    config: Config,
    rules: Arc<RuleSet>,
}

impl Home {
    fn new() -> Self {
        let mut config = Config::default();
        config.input.org_header = "org".to_owned();
        config.output.enriched = "enriched".to_owned();
        config.time.allowed_lateness = Duration::secs(60);
        config.time.dedup_window = Duration::secs(600);
        config.limits.keys_per_rule = 3;
        config.limits.sessions = 7;
        config.limits.users = 4;
        config.limits.uuids = 12;
        match compile_onto(&Sources::of([("rules.yml", RULES)]), &FieldTable::default()) {
            Ok(rules) => Self { config, rules: Arc::new(rules) },
            Err(found) => panic!("{found:#?}"),
        }
    }

    fn shard(&self) -> Shard {
        Shard::new(&self.config, Arc::clone(&self.rules), Arc::new(GeoIp::default()))
    }

    fn intake(&self) -> Intake {
        Intake::new(&self.config, &self.rules, Arc::new(GeoIp::default()), 1)
    }

    fn restored(&self, changes: impl IntoIterator<Item = Change>) -> (Shard, Restored) {
        let mut shard = self.shard();
        let restored = shard.restore(changes).unwrap();
        shard.keep_changes(true);
        (shard, restored)
    }
}

/// A batch as the shard gets it from whoever reads the input: records as what is known of their events.
fn opened(intake: &mut Intake, batch: Vec<Input>) -> Vec<Input> {
    let opened = batch.into_iter().flat_map(|input| {
        let parcels = match &input {
            Input::Record(_) | Input::Tick { .. } => intake.step(vec![input.clone()]).parcels,
            _ => Vec::new(),
        };
        let own = (!matches!(input, Input::Record(_))).then_some(input);
        own.into_iter().chain(parcels.into_iter().map(|parcel| Input::Parcel(parcel.cargo)))
    });
    opened.collect()
}

/// What a compacted topic holds.
type Held = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn compact(held: &mut Held, changes: Vec<Change>) {
    let mut keys = BTreeSet::new();
    for Change { key, value, .. } in changes {
        assert!(keys.insert(key.clone()), "told twice: {}", key.escape_ascii());
        match value {
            Some(value) => drop(held.insert(key, value)),
            None => drop(held.remove(&key)),
        }
    }
}

fn last_of_each(held: &Held) -> impl Iterator<Item = Change> {
    held.iter().map(|(key, value)| Change::new(key.clone(), Some(value.clone())))
}

/// All that a step says but the changes.
fn said(effects: &Effects) -> String {
    format!("{:#?}", (&effects.enriched, &effects.alerts, &effects.dead_letters, &effects.tally))
}

/// What is held, but for how ids of events are put together and how keys are numbered, which depend on
/// what was there before, and for time and the journal, with which the wall clock is written.
fn meaning(held: &Held) -> BTreeMap<&[u8], &[u8]> {
    let unnumbered = |key: &[u8], value: &'_ [u8]| match key[0] {
        b's' | b'u' | b'p' | b'g' | b'r' | b'h' | b'k' | b'n' | b't' => {
            3 + value[2..].iter().take_while(|byte| **byte >= 0x80).count()
        }
        _ => 0,
    };
    let kept = held.iter().filter(|(key, _)| !b"dwj".contains(&key[0]));
    kept.map(|(key, value)| (key.as_slice(), &value[unnumbered(key, value)..])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_shard_that_is_moved_does_what_one_that_stays_does(
        steps in proptest::collection::vec(step(), 1..160),
        sent in any::<bool>(),
        checkpoint_inputs in prop_oneof![1 => Just(0), 3 => 1..60_usize],
    ) {
        let mut home = Home::new();
        home.config.state.checkpoint_inputs = checkpoint_inputs;
        let mut intake = home.intake();
        let (mut plain, mut stays, mut moves) = (home.shard(), home.shard(), home.shard());
        stays.keep_changes(true);
        moves.keep_changes(true);
        let (mut of_stays, mut of_moves, mut log) = (Held::new(), Held::new(), Vec::new());
        // The wall clock is told with other news of time alone: after a tick without any, only the next tick
        // makes another process know it.
        let mut knows_now = true;
        for (batch, moved) in batches(&steps) {
            let batch = if sent { opened(&mut intake, batch) } else { batch };
            let ticks = batch.iter().any(|input| matches!(input, Input::Tick { .. }));
            let expected = plain.step(batch.clone());
            prop_assert_eq!(&expected.changes, &[]);
            let of = stays.step(batch.clone());
            prop_assert_eq!(said(&of), said(&expected));
            compact(&mut of_stays, of.changes);
            let of = moves.step(batch);
            prop_assert_eq!(said(&of), said(&expected));
            let tells_now = |change: &Change| [b'w', b'j'].contains(&change.key[0]);
            knows_now = of.changes.iter().any(tells_now) || (knows_now && !ticks);
            log.extend_from_slice(&of.changes);
            compact(&mut of_moves, of.changes);
            if moved && knows_now {
                let (shard, restored) = home.restored(last_of_each(&of_moves));
                moves = shard;
                prop_assert_eq!(restored.skipped, Vec::<Vec<u8>>::new());
            }
            prop_assert_eq!(moves.figures(), plain.figures());
            prop_assert_eq!(moves.seen.held(), plain.seen.held());
            prop_assert_eq!(meaning(&of_moves), meaning(&of_stays));
        }
        let (all, restored) = home.restored(log);
        prop_assert_eq!((all.figures(), all.seen.held()), (plain.figures(), plain.seen.held()));
        prop_assert_eq!(restored, home.restored(last_of_each(&of_moves)).1);
    }
}

/// What a shard holds after events of five users, one a second.
fn some(home: &Home) -> Held {
    let mut shard = home.shard();
    shard.keep_changes(true);
    let mut held = Held::new();
    for n in 0..10_u8 {
        let event = Plain {
            id: n,
            partition: 0,
            org: 1,
            wait_s: 1,
            ago_s: 0,
            kind: 0,
            user: n % 5,
            session: n,
            place: 0,
            failed: false,
        };
        let record = event.record(n.into(), n.into());
        compact(&mut held, shard.step(vec![Input::Record(record)]).changes);
    }
    held
}

#[test]
fn what_was_taken_in_is_counted_and_what_no_rule_means_is_named() {
    let home = Home::new();
    let mut held = some(&home);
    let of_another_rule = [b"c", [7; 16].as_slice()].concat();
    held.insert(of_another_rule.clone(), vec![0, crate::state::codec::VERSION, 0]);
    held.insert(b"zzz".to_vec(), vec![1]);
    let (shard, restored) = home.restored(last_of_each(&held));
    let skipped = vec![b"zzz".to_vec(), of_another_rule];
    let expected = Restored {
        sessions: 7,
        users: 4,
        uuids: 10,
        subjects: 3,
        correlations: 0,
        time: true,
        steps: 0,
        skipped,
    };
    assert_eq!(restored, expected);
    assert_eq!(shard.figures().watermark_ms, Some(START_MS + 9_000 - 60_000));
}

#[test]
fn what_is_too_much_under_lower_limits_goes_as_more_comes() {
    let mut home = Home::new();
    let held = some(&home);
    (home.config.limits.sessions, home.config.limits.users, home.config.limits.uuids) = (2, 2, 2);
    let (mut shard, _) = home.restored(last_of_each(&held));
    let mut events = batches(&[Step::Event(Plain {
        id: 50,
        partition: 0,
        org: 1,
        wait_s: 20,
        ago_s: 0,
        kind: 0,
        user: 9,
        session: 99,
        place: 0,
        failed: false,
    })]);
    let effects = shard.step(events.remove(0).0);
    assert_eq!(effects.tally.evicted_state, [("uuids", 9), ("habits", 3), ("users", 3), ("sessions", 6)]);
    let figures = shard.figures();
    assert_eq!((figures.sessions, figures.users, figures.uuids), (2, 2, 2));
}

#[test]
fn a_record_that_is_not_what_a_shard_writes_is_named() {
    let home = Home::new();
    // Of a part that is alone nobody can say what it should be.
    for (key, value) in some(&home).into_iter().filter(|(key, _)| key[0] != b'a') {
        for value in [value[..value.len() - 1].to_vec(), [&value[..], &[0]].concat(), vec![9]] {
            let change = Change::new(key.clone(), Some(value));
            let error = home.shard().restore([change]).unwrap_err();
            assert_eq!(error.key, key);
            let text = error.to_string();
            assert!(text.starts_with(&format!("state of {} under the key ", error.table)), "{text}");
        }
    }
}

//! Does a shard go on from its last checkpoint? Tests of [`super`].

use super::super::{Placement, Shard};
use super::*;
use crate::enrich::GeoIp;
use crate::model::{Alert, Cargo, Effects, Event, Fields, Observation, Position, Value, core};
use crate::rule::{Sources, compile};

const START_MS: i64 = 1_767_607_200_000;

fn rules(counts: &[(&str, u32)]) -> Arc<RuleSet> {
    let detection = "title: Denied\nid: 3f0a1c6e-5d0e-4b8f-9f6e-0c8d1d1f0b00\nname: denied\n\
        logsource: {product: okta, service: okta}\ndetection: {sel: {eventType: denied}, condition: sel}\n";
    let documents = counts.iter().map(|(name, least)| {
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
        format!(
            "---\ntitle: Many\nid: {id}\nname: {name}\ncorrelation:\n  type: event_count\n  rules: denied\n  \
             group-by: [actor.id]\n  timespan: 10m\n  condition: {{gte: {least}}}\n"
        )
    });
    let text = std::iter::once(detection.to_owned()).chain(documents).collect::<String>();
    match compile(&Sources::of([("rules.yml", text.as_str())])) {
        Ok(rules) => Arc::new(rules),
        Err(found) => panic!("{found:#?}"),
    }
}

fn shard(rules: &Arc<RuleSet>, checkpoint_inputs: usize) -> Shard {
    let mut config = Config::default();
    config.state.checkpoint_inputs = checkpoint_inputs;
    let geoip = Arc::new(GeoIp::default());
    Shard::placed(&config, Arc::clone(rules), geoip, Placement { shard: 0, shards: 1 })
}

fn denied(second: i64) -> Input {
    let rules = rules(&[]);
    let mut fields = Fields::new(rules.table.len());
    fields.set_list(core::EVENT_TYPE, [Some(Value::Text("denied"))]);
    fields.set_list(core::ACTOR_ID, [Some(Value::Text("00u1"))]);
    let event = Event {
        position: Position { topic: "okta-events".into(), partition: 0, offset: second, index: 0 },
        uuid: uuid::Uuid::from_u128(u128::try_from(second).unwrap()).to_string().into(),
        published_ms: START_MS + second * 1_000,
        org: Some("acme".into()),
        envelope: "raw".into(),
        lossy: false,
        fields,
        raw: None,
    };
    Input::Parcel(Cargo::Observation(Box::new(Observation { event, place: None })))
}

/// What a compacted topic holds after these steps of one event each.
fn log(shard: &mut Shard, seconds: Range<i64>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut held = BTreeMap::new();
    shard.keep_changes(true);
    for second in seconds {
        let Effects { changes, .. } = shard.step(vec![denied(second)]);
        take(&mut held, changes);
    }
    held
}

fn take(held: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: Vec<Change>) {
    for Change { key, value, .. } in changes {
        match value {
            Some(value) => drop(held.insert(key, value)),
            None => drop(held.remove(&key)),
        }
    }
}

fn restored(rules: &Arc<RuleSet>, held: &BTreeMap<Vec<u8>, Vec<u8>>) -> (Shard, usize) {
    let mut shard = shard(rules, 100);
    let changes = held.iter().map(|(key, value)| Change::new(key.clone(), Some(value.clone())));
    let steps = shard.restore(changes).unwrap().steps;
    shard.keep_changes(true);
    (shard, steps)
}

fn entries(held: &BTreeMap<Vec<u8>, Vec<u8>>) -> usize {
    held.keys().filter(|key| key[0] == NAME && key.len() > 1).count()
}

fn names(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|alert| &*alert.rule.name).filter(|name| *name != "denied").collect()
}

#[test]
fn keys_are_written_at_checkpoints_and_steps_in_between() {
    let rules = rules(&[("three", 3)]);
    let of_steps = |count| {
        let held = log(&mut shard(&rules, 4), 0..count);
        (entries(&held), held.keys().filter(|key| key[0] == b'c').count())
    };
    // The first step writes what rules there are, and so all it has.
    assert_eq!([1, 2, 5, 6, 7].map(of_steps), [(0, 1), (1, 1), (4, 1), (0, 1), (1, 1)]);
    let mut home = shard(&rules, 0);
    let mut each = log(&mut home, 0..7);
    take(&mut each, home.step(vec![Input::Complete { upto_ms: START_MS + 90_000 }]).changes);
    let topic: Arc<str> = "okta-events".into();
    home.step(vec![Input::Idle { topic, partition: 0 }]);
    take(&mut each, home.step(vec![Input::Tick { now_ms: START_MS + 9_000_000 }]).changes);
    assert!(!each.keys().any(|key| key[0] == NAME), "with 0 there is no journal");
}

#[test]
fn steps_since_the_checkpoint_are_done_again_without_a_word() {
    let rules = rules(&[("three", 3)]);
    let held = log(&mut shard(&rules, 100), 0..2);
    let (mut other, steps) = restored(&rules, &held);
    assert_eq!(steps, 1);
    let told = other.step(vec![denied(1), denied(2)]);
    assert_eq!((names(&told.alerts), told.tally.duplicates), (vec!["three"], 1));
    assert_eq!(told.changes.len(), 1, "it goes on with the journal");
}

#[test]
fn a_rule_that_was_not_there_takes_no_part_in_steps_that_are_done_again() {
    let before = rules(&[("three", 3)]);
    let held = log(&mut shard(&before, 100), 0..3);
    let both = rules(&[("three", 3), ("two", 2)]);
    let (mut other, steps) = restored(&both, &held);
    assert_eq!(steps, 2);
    let told = other.step(vec![denied(3)]);
    assert_eq!(names(&told.alerts), Vec::<&str>::new(), "told already, and one event so far");
    let mut now = held;
    take(&mut now, told.changes);
    assert_eq!(entries(&now), 0, "the journal of other rules ends with a checkpoint");
    assert_eq!(names(&other.step(vec![denied(4)]).alerts), ["two"]);
}

#[test]
fn new_rules_begin_with_a_checkpoint() {
    let mut home = shard(&rules(&[("three", 3)]), 100);
    let mut held = log(&mut home, 0..2);
    home.set_rules(&Config::default(), rules(&[("three", 3), ("two", 2)]));
    take(&mut held, home.step(vec![denied(2)]).changes);
    assert_eq!(entries(&held), 0);
    let (mut other, _) = restored(&rules(&[("three", 3), ("two", 2)]), &held);
    assert_eq!(names(&other.step(vec![denied(3)]).alerts), ["two"]);
}

#[test]
fn the_wall_clock_alone_is_not_written_but_known_to_who_does_the_steps_again() {
    let rules = rules(&[("three", 3)]);
    let mut home = shard(&rules, 100);
    let mut held = log(&mut home, 0..1);
    let tick = |second: i64| Input::Tick { now_ms: START_MS + second * 1_000 };
    for second in 1..4 {
        assert_eq!(home.step(vec![tick(second)]).changes, []);
    }
    take(&mut held, home.step(vec![denied(4)]).changes);
    let (other, _) = restored(&rules, &held);
    assert_eq!(other.watermark.now_ms(), Some(START_MS + 3_000));
}

#[test]
fn a_long_step_is_several_entries() {
    let rules = rules(&[("three", 3)]);
    let mut home = shard(&rules, 100_000);
    let mut held = log(&mut home, 0..1);
    take(&mut held, home.step((1..5_000).map(denied).collect()).changes);
    assert!((2..30).contains(&entries(&held)), "{}", entries(&held));
    assert_eq!(restored(&rules, &held).0.figures(), home.figures());
}

#[test]
fn an_entry_that_is_none_is_told() {
    let rules = rules(&[("three", 3)]);
    let mut held = log(&mut shard(&rules, 100), 0..2);
    let last = held.range_mut(key(0)..).next().unwrap().1;
    last.pop();
    let changes = held.into_iter().map(|(key, value)| Change::new(key, Some(value)));
    let error = shard(&rules, 100).restore(changes).unwrap_err();
    assert_eq!((error.table, error.key), ("steps since the last checkpoint", key(0)));
}

#[test]
fn a_tick_that_was_written_is_not_written_again() {
    let rules = rules(&[("three", 3)]);
    let mut home = shard(&rules, 100);
    let mut held = log(&mut home, 0..1);
    let tick = |second: i64| Input::Tick { now_ms: START_MS + second * 1_000 };
    take(&mut held, home.step(vec![tick(1), denied(1)]).changes);
    take(&mut held, home.step(vec![denied(2)]).changes);
    assert_eq!(home.step(vec![tick(3)]).changes, []);
    take(&mut held, home.step(vec![tick(4), denied(4)]).changes);
    let mut journal = Journal::new(&rules, 100);
    let mut ticks = |number| {
        let inputs = journal.read(number, &held[&key(number)]).unwrap();
        inputs.iter().filter(|input| !is_news(input)).count()
    };
    assert_eq!([0, 1, 2].map(&mut ticks), [1, 0, 2]);
}

//! Which events happen under which rules, and what does a single shard say to them?

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use oktawatch::config::{Config, Duration};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Alert, FieldTable, Input, Position, RawRecord};
use oktawatch::rule::{self, RuleSet, Sources};
use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config as Draws, RngAlgorithm, TestRng, TestRunner};

use super::events::{Clock, Delivery, START_MS, arrivals, delivery, payload, topic};
use super::kinds::TYPES;
use super::programs::{Program, chain};
use super::random::Random;
use super::reference::event::Event;
use super::yaml::documents;

/// So many neighbouring seeds have the same rules.
const SEEDS_OF_A_PROGRAM: u64 = 16;

/// So many sets of rules are kept.
const MOST_COMPILED: usize = 64;

/// How long nothing happens, in stories that have a pause.
const PAUSE_MS: i64 = 2 * 3_600_000;

/// What happens in its second half happens after the pause.
const HALF_MS: i64 = START_MS + 25_000;

/// How many versions of the rules there are; all mean the same.
pub const VERSIONS: usize = 3;

/// Detections that raise alerts of their own: one by one, and held together by an address.
const SINGLE: &str = "---
title: Single
id: 00000000-0000-4000-8000-000000000101
name: single-event
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.authentication.sso}, condition: selection}
---
title: Elsewhere
id: 00000000-0000-4000-8000-000000000102
name: elsewhere
status: test
level: low
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.session.start}, condition: selection}
oktawatch: {suppress: 3s, entity: ip}
";

/// How many correlations the last version has beside those of the others.
pub const ADDED: usize = 2;

/// Rules that nothing matches; one of them needs another round between shards.
const MORE: &str = "title: First
id: 00000000-0000-4000-8000-000000000201
name: a-first
logsource: {product: okta, service: okta}
detection: {selection: {debugContext.debugData.first: x}, condition: selection}
---
title: Second
id: 00000000-0000-4000-8000-000000000202
name: b-second
correlation:
  type: event_count
  rules: a-first
  group-by: [client.ipAddress]
  timespan: 10s
  condition: {gte: 2}
---
title: Third
id: 00000000-0000-4000-8000-000000000203
name: c-third
correlation:
  type: event_count
  rules: b-second
  timespan: 10s
  condition: {gte: 2}
---
";

/// Rules and events, and the size of the service.
#[derive(Clone)]
pub struct Story {
    pub program: Program,
    pub deliveries: Vec<Delivery>,
    pub has_pause: bool,
    pub shards: u32,
    pub partitions: u32,
    pub slots: usize,
    pub takes_short_ways: bool,
    /// How much a shard takes in between two checkpoints.
    pub checkpoint_inputs: usize,
    /// Events come at once, and once.
    pub is_calm: bool,
}

/// A record of the input, before it has come.
#[derive(Clone, Debug)]
pub struct Coming {
    pub at_ms: i64,
    pub partition: u32,
    pub payload: Vec<u8>,
    /// It is the first after a pause.
    pub is_after: bool,
}

impl Story {
    /// The story of a seed.
    pub fn drawn(seed: u64) -> Self {
        let program = drawn_program(seed / SEEDS_OF_A_PROGRAM);
        let mut random = Random::new(seed);
        let most = 6 + random.below(26) as usize;
        let deliveries = draw(&mut random, vec(delivery(), 1..most));
        Self {
            program,
            deliveries,
            has_pause: random.below(3) == 0,
            shards: [1, 2, 2, 3, 3, 4][random.below(6) as usize],
            partitions: 1 + random.below(3) as u32,
            slots: 1 + random.below(3) as usize,
            takes_short_ways: random.below(3) > 0,
            checkpoint_inputs: [0, 4, 30, 1_000][random.below(4) as usize],
            is_calm: false,
        }
    }

    /// The same events in one partition, in the order of time, for a service of one shard.
    pub fn calm(self) -> Self {
        Self { is_calm: true, has_pause: false, shards: 1, partitions: 1, slots: 1, ..self }
    }

    /// The events, each once, in the order of time.
    pub fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> = self.deliveries.iter().map(|delivery| self.event(delivery)).collect();
        events.sort_by(|one, other| one.place().cmp(&other.place()));
        events
    }

    /// The records in the order in which they come.
    pub fn coming(&self) -> VecDeque<Coming> {
        if self.is_calm {
            let at_once = |event: &Event| Coming {
                at_ms: event.time_ms,
                partition: 0,
                payload: payload(event),
                is_after: false,
            };
            return self.events().iter().map(at_once).collect();
        }
        let partitions = i32::try_from(self.partitions).unwrap();
        let coming = |arrival: super::events::Arrival<'_>| {
            let event = self.event(arrival.delivery);
            let is_after = self.has_pause && event.time_ms >= HALF_MS;
            Coming {
                at_ms: arrival.at_ms + if is_after { PAUSE_MS } else { 0 },
                partition: u32::try_from(arrival.partition).unwrap(),
                payload: payload(&event),
                is_after,
            }
        };
        let mut all: Vec<Coming> =
            arrivals(&self.deliveries, Clock::Seconds, partitions).into_iter().map(coming).collect();
        all.sort_by_key(|coming| coming.at_ms);
        all.into()
    }

    /// When everything of the first half has come, with the longest delay there is.
    pub fn pause_ms(&self) -> i64 {
        START_MS + 100_000
    }

    /// An event of no rule, with which every partition begins again after the pause.
    pub fn wake(&self, partition: u32) -> Coming {
        let at_ms = HALF_MS + PAUSE_MS - 1_000;
        let event = Event {
            time_ms: at_ms,
            uuid: uuid::Uuid::from_u128(1 + u128::from(partition)).to_string(),
            kind: 0,
            fields: ["actor.alternateId", "client.ipAddress", "target.id", "target.detailEntry.amount"]
                .map(|field| (field, Vec::new()))
                .into(),
        };
        let payload = String::from_utf8(payload(&event)).unwrap();
        let payload = payload.replace("user.session.start", "system.wake").into_bytes();
        Coming { at_ms, partition, payload, is_after: true }
    }

    pub fn config(&self) -> Config {
        let mut config = Config::default();
        config.time.allowed_lateness = Duration::millis(Clock::Seconds.lateness_ms());
        config.engine.local_fast_path = self.takes_short_ways;
        config.state.checkpoint_inputs = self.checkpoint_inputs;
        config
    }

    /// The text of a version of the rules.
    pub fn text(&self, version: usize) -> String {
        let text = text_of(&self.program);
        match version {
            0 => text,
            1 => text.replace("title: Rule", "title: What was called"),
            _ => MORE.to_owned() + &text,
        }
    }

    /// What a single shard says to the events in the order of time.
    pub fn plainly(&self) -> Vec<Alert> {
        self.said_under(&self.text(0))
    }

    /// What it says with every match and every satisfying window as an alert.
    pub fn unsuppressed(&self) -> Vec<Alert> {
        let mut every = self.clone();
        every.program.rules.iter_mut().for_each(|rule| rule.suppress_ms = 0);
        let all = self.said_under(&every.text(0).replace("suppress: 3s, ", ""));
        if !every.text(0).contains("type: risk_score") {
            return all;
        }
        // What a risk score counts depends on what its detections hold together.
        let windows = self.said_under(&text_of(&self.program.clone().suppressing(0)));
        let windows = windows.into_iter().filter(|alert| alert.window.is_some());
        windows.chain(all.into_iter().filter(|alert| alert.window.is_none())).collect()
    }

    fn said_under(&self, text: &str) -> Vec<Alert> {
        let records =
            self.events().iter().zip(0..).map(|(event, offset)| self.record(event, offset)).collect();
        self.alone(&compile(text, None), vec![records])
    }

    fn alone(&self, rules: &Arc<RuleSet>, batches: Vec<Vec<Input>>) -> Vec<Alert> {
        let mut shard = Shard::new(&self.config(), Arc::clone(rules), Arc::new(GeoIp::default()));
        let last_ms = self.events().last().map_or(START_MS, |event| event.time_ms);
        let end = vec![Input::Complete { upto_ms: last_ms + 3_600_000 }];
        let steps = batches.into_iter().chain([end]).map(|batch| shard.step(batch));
        steps.flat_map(|effects| effects.alerts).collect()
    }

    fn record(&self, event: &Event, offset: i64) -> Input {
        let position = Position { topic: topic(), partition: 0, offset, index: 0 };
        Input::Record(RawRecord { position, payload: payload(event), ..RawRecord::default() })
    }

    fn event(&self, delivery: &Delivery) -> Event {
        let mut event = delivery.event(Clock::Seconds, self.program.bears_negatives());
        if self.has_pause && event.time_ms >= HALF_MS {
            event.time_ms += PAUSE_MS;
        }
        if self.is_calm {
            // A key is shown as it was first written, and how long that is known depends on ticks.
            let values = event.fields.values_mut().flatten();
            values.for_each(|value| value.make_ascii_lowercase());
        }
        event
    }
}

impl fmt::Debug for Story {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shards, partitions, slots, .. } = self;
        writeln!(
            out,
            "{shards} shards, {partitions} partitions, {slots} workers, pause: {}",
            self.has_pause
        )?;
        writeln!(out, "short ways: {}, checkpoint: {}", self.takes_short_ways, self.checkpoint_inputs)?;
        writeln!(out, "{:?}", self.program)?;
        self.deliveries.iter().try_for_each(|delivery| writeln!(out, "  {delivery:?}"))
    }
}

fn text_of(program: &Program) -> String {
    documents(&program.rules) + SINGLE
}

/// The rules of some neighbouring seeds.
fn drawn_program(seed: u64) -> Program {
    DRAWN.with_borrow_mut(|drawn| match drawn {
        Some((of, program)) if *of == seed => program.clone(),
        _ => drawn.insert((seed, drawn_anew(seed))).1.clone(),
    })
}

fn drawn_anew(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let words: Vec<&str> = (0..1 + random.below(3)).map(|_| *random.pick(&TYPES)).collect();
    let suppress_s = if words.len() == 1 && random.below(2) == 0 { 1 + random.below(11) } else { 0 };
    draw(&mut random, chain(words)).suppressing(i64::try_from(suppress_s).unwrap() * 1_000)
}

fn draw<T: fmt::Debug>(random: &mut Random, strategy: impl Strategy<Value = T>) -> T {
    let bytes: Vec<u8> = (0..4).flat_map(|_| random.bits().to_le_bytes()).collect();
    let mut runner =
        TestRunner::new_with_rng(Draws::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    strategy.new_tree(&mut runner).unwrap().current()
}

/// A text and the rules that a process had before, if it had any.
type Compiled = BTreeMap<(String, Option<usize>), (Option<Arc<RuleSet>>, Arc<RuleSet>)>;

thread_local! {
    /// To compile rules takes longer than to run a schedule.
    static COMPILED: RefCell<Compiled> = RefCell::default();
    static DRAWN: RefCell<Option<(u64, Program)>> = RefCell::default();
}

/// The rules of a text, for a process that may have had others before.
pub fn compile(text: &str, before: Option<&Arc<RuleSet>>) -> Arc<RuleSet> {
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() > MOST_COMPILED {
            compiled.clear();
        }
        let place = before.map(|before| Arc::as_ptr(before).addr());
        let known = compiled.entry((text.to_owned(), place));
        let (_, rules) = known.or_insert_with(|| (before.cloned(), compiled_onto(text, before)));
        Arc::clone(rules)
    })
}

fn compiled_onto(text: &str, before: Option<&Arc<RuleSet>>) -> Arc<RuleSet> {
    let none = FieldTable::default();
    let table = before.map_or(&none, |before| &before.table);
    match rule::compile_onto(&Sources::of([("sim.yml", text)]), table) {
        Ok(rules) => Arc::new(rules),
        Err(found) => panic!("{found:#?}\n{text}"),
    }
}

//! What do several shards say, to which everything comes at its own pace?
//!
//! Whoever reads the input and every shard send each other parcels, as bytes. Those from one to another keep
//! their order, as in a partition of a topic; which is delivered next, the seed says.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::engine::{Intake, Placement, Shard, Wire};
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Alert, Cargo, Change, Effects, Input};
use oktawatch::rule::RuleSet;

/// Enough for every decision there can be to reach all others, and enough for the first of them.
const TICKS: i64 = 2_000;
const FEW: i64 = 9;
const READERS: usize = 2;
/// How much a shard may take in between two checkpoints.
const CHECKPOINTS: [usize; 3] = [0, 5, 40];

/// Who sends to which shard.
type Way = (Sender, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sender {
    Reader(usize),
    Shard(u32),
}

/// Readers and shards, with what is under way between them.
pub struct Cluster {
    readers: Vec<Intake>,
    shards: Vec<Shard>,
    /// How a shard begins: empty.
    anew: Box<dyn Fn(u32) -> Shard>,
    /// What a compacted topic holds of each shard.
    held: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// How many times a shard went on in another process.
    pub moves: u64,
    wire: Wire,
    under_way: BTreeMap<Way, VecDeque<Vec<u8>>>,
    /// All that was raised, updates too.
    pub alerts: Vec<Alert>,
    /// Events read, and of those the ones that were there before.
    pub events: (u64, u64),
    /// Parcels sent, by what is in them, and their bytes.
    pub sent: BTreeMap<&'static str, (u64, u64)>,
    /// What each shard said last: how far it is, by level, and what it waits for.
    decided: BTreeMap<u32, (Vec<Option<i64>>, Option<i64>)>,
    now_ms: Option<i64>,
    seed: u64,
}

impl Cluster {
    /// Shards that wait for all these partitions of a topic.
    pub fn new(
        config: &Config,
        rules: &Arc<RuleSet>,
        geoip: &Arc<GeoIp>,
        (topic, partitions): (&Arc<str>, i32),
        shards: u32,
        seed: u64,
    ) -> Self {
        let assigned =
            |partition| Input::Assigned { topic: Arc::clone(topic), partition, next: 0, highest_ms: None };
        let (mut own_config, own_rules, own_geoip) = (config.clone(), Arc::clone(rules), Arc::clone(geoip));
        own_config.state.checkpoint_inputs = CHECKPOINTS[seed as usize % CHECKPOINTS.len()];
        let anew = move |shard| {
            let placement = Placement { shard, shards };
            Shard::placed(&own_config, Arc::clone(&own_rules), Arc::clone(&own_geoip), placement)
        };
        let reader = |_| Intake::new(config, rules, Arc::clone(geoip), shards);
        let mut cluster = Self {
            readers: (0..READERS).map(reader).collect(),
            shards: (0..shards).map(&anew).collect(),
            anew: Box::new(anew),
            held: vec![BTreeMap::new(); shards as usize],
            moves: 0,
            wire: Wire::new(Arc::clone(rules)),
            under_way: BTreeMap::new(),
            alerts: Vec::new(),
            events: (0, 0),
            sent: BTreeMap::new(),
            decided: BTreeMap::new(),
            now_ms: None,
            seed: seed | 1,
        };
        let sources: Vec<Input> = (0..partitions).map(assigned).collect();
        for shard in 0..shards {
            cluster.shards[shard as usize].keep_changes(true);
            cluster.step(shard, sources.clone());
        }
        sources.into_iter().for_each(|source| cluster.input(source));
        cluster
    }

    /// One of the shards, or none, goes on in another process: from what a topic holds of it. The process
    /// knows what time it is and says so before all else, as `Member::hold` does: the wall clock alone is not
    /// written, and to a shard whose clock stands still all that comes is from the future.
    pub fn move_one(&mut self) {
        let shard = self.random(self.shards.len() as u64 * 3) as usize;
        let Some(held) = self.held.get(shard) else { return };
        let change = |(key, value): (&Vec<u8>, &Vec<u8>)| Change::new(key.clone(), Some(value.clone()));
        let mut anew = (self.anew)(shard as u32);
        let restored = anew.restore(held.iter().map(change)).unwrap();
        assert!(restored.skipped.is_empty(), "{restored:?}");
        anew.keep_changes(true);
        self.shards[shard] = anew;
        self.moves += 1;
        if let Some(now_ms) = self.now_ms {
            self.step(shard as u32, vec![Input::Tick { now_ms }]);
        }
    }

    fn step(&mut self, shard: u32, inputs: Vec<Input>) {
        let mut effects = self.shards[shard as usize].step(inputs);
        let held = &mut self.held[shard as usize];
        for Change { key, value, .. } in effects.changes.drain(..) {
            match value {
                Some(value) => held.insert(key, value),
                None => held.remove(&key),
            };
        }
        self.take(Sender::Shard(shard), effects);
    }

    /// What comes in goes to whoever reads the partition; the time is told to all.
    pub fn input(&mut self, input: Input) {
        let partition = match &input {
            Input::Record(record) => record.position.partition,
            Input::Assigned { partition, .. } | Input::Idle { partition, .. } => *partition,
            Input::Tick { now_ms } => {
                self.now_ms = Some(*now_ms);
                return self.tick(&input);
            }
            Input::Complete { .. } => return self.tell_shards(&input),
            other => panic!("a story holds no {other:?}"),
        };
        let reader = partition as usize % READERS;
        let effects = self.readers[reader].step(vec![input]);
        self.take(Sender::Reader(reader), effects);
    }

    /// Delivers a few parcels, or none.
    pub fn deliver_some(&mut self) {
        for _ in 0..self.random(4) {
            self.deliver();
        }
    }

    /// Delivers all that is under way.
    pub fn deliver_all(&mut self) {
        while self.deliver() {}
    }

    /// Time goes on until nothing waits: a decision may bring the next.
    pub fn settle(&mut self, now_ms: i64) {
        for tick in 1..=TICKS {
            self.input(Input::Tick { now_ms: now_ms + tick });
            self.deliver_all();
            if tick > FEW && self.decided.values().all(|(_, waits_until_ms)| waits_until_ms.is_none()) {
                return;
            }
        }
        panic!("something waits for ever at {now_ms}: {:#?}", self.decided);
    }

    /// Enough ticks for what is decided to be known everywhere.
    pub fn tick_a_little(&mut self, now_ms: i64) {
        for _ in 0..FEW {
            self.input(Input::Tick { now_ms });
            self.deliver_all();
        }
    }

    fn tick(&mut self, tick: &Input) {
        for reader in 0..READERS {
            let effects = self.readers[reader].step(vec![tick.clone()]);
            self.take(Sender::Reader(reader), effects);
        }
        self.tell_shards(tick);
    }

    fn tell_shards(&mut self, input: &Input) {
        for shard in 0..self.shards.len() {
            self.step(shard as u32, vec![input.clone()]);
        }
    }

    fn take(&mut self, sender: Sender, effects: Effects) {
        assert!(effects.dead_letters.is_empty(), "{:?}", effects.dead_letters);
        let tally = &effects.tally;
        assert_eq!((tally.late, tally.from_the_future, tally.invariants), (0, 0, 0));
        assert!(tally.evicted.is_empty() && tally.evicted_state.is_empty());
        self.events.0 += tally.events;
        self.events.1 += tally.duplicates;
        self.alerts.extend(effects.alerts);
        for parcel in effects.parcels {
            let bytes = self.wire.write(&parcel.cargo);
            let what = match &parcel.cargo {
                Cargo::Observation(_) => "observation",
                Cargo::Notice(_) => "notice",
                Cargo::Match { .. } => "match",
                Cargo::Read { .. } => "read",
                Cargo::Decided { shard, upto_ms, waits_until_ms } => {
                    self.decided.insert(*shard, (upto_ms.clone(), *waits_until_ms));
                    "decided"
                }
            };
            let sent = self.sent.entry(what).or_default();
            *sent = (sent.0 + 1, sent.1 + bytes.len() as u64);
            self.under_way.entry((sender, parcel.to)).or_default().push_back(bytes);
        }
    }

    /// Delivers the next parcels of one way.
    fn deliver(&mut self) -> bool {
        self.under_way.retain(|_, parcels| !parcels.is_empty());
        let ways: Vec<Way> = self.under_way.keys().copied().collect();
        let Some(place) = ways.len().checked_sub(1) else { return false };
        let way = ways[self.random(place as u64 + 1) as usize];
        let many = 1 + self.random(3) as usize;
        let parcels = self.under_way.get_mut(&way).unwrap();
        let bytes: Vec<Vec<u8>> = parcels.drain(..many.min(parcels.len())).collect();
        let mut read = |bytes: &Vec<u8>| Input::Parcel(self.wire.read(bytes).unwrap().unwrap());
        let cargo = bytes.iter().map(&mut read).collect();
        self.step(way.1, cargo);
        true
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }
}

//! What do several shards say, to which everything comes at its own pace?
//!
//! Whoever reads the input and every shard send each other parcels. Those from one to another keep their
//! order, as in a partition of a topic; which is delivered next, the seed says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use oktawatch::config::{Config, Duration};
use oktawatch::engine::{Intake, Placement, Shard};
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Alert, Cargo, Effects, Input};
use oktawatch::rule::RuleSet;

use crate::events::{Clock, topic};

/// Far enough after the last event for everything to be decided.
const LATER_MS: i64 = 3_600_000;
/// Enough for every decision there can be to reach all others, and enough for the first of them.
const TICKS: i64 = 2_000;
const FEW: i64 = 9;
const PARTITIONS: i32 = 3;
const READERS: usize = 2;

/// Who sends to which shard.
type Way = (Sender, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sender {
    Reader(usize),
    Shard(u32),
}

struct Cluster {
    readers: Vec<Intake>,
    shards: Vec<Shard>,
    under_way: BTreeMap<Way, VecDeque<Cargo>>,
    alerts: Vec<Alert>,
    /// What each shard said last: how far it is, by level, and what it waits for.
    decided: BTreeMap<u32, (Vec<Option<i64>>, Option<i64>)>,
    seed: u64,
}

/// All alerts that are raised, updates too.
pub fn alerts(
    rules: &Arc<RuleSet>,
    clock: Clock,
    batches: Vec<Vec<Input>>,
    last_ms: i64,
    shards: u32,
    seed: u64,
) -> Vec<Alert> {
    let mut config = Config::default();
    config.time.allowed_lateness = Duration::millis(clock.lateness_ms());
    let mut cluster = Cluster::new(&config, rules, shards, seed);
    for input in batches.into_iter().flatten() {
        cluster.input(input);
        cluster.deliver_some();
    }
    for partition in 0..PARTITIONS {
        cluster.input(Input::Idle { topic: topic(), partition });
    }
    // A decision may bring the next: time goes on until nothing waits.
    for tick in 1..=TICKS {
        cluster.input(Input::Tick { now_ms: last_ms + LATER_MS + tick });
        cluster.deliver_all();
        if tick > FEW && !cluster.waits() {
            break;
        }
    }
    assert!(!cluster.waits(), "something waits for ever; the last is {last_ms}: {:#?}", cluster.decided);
    cluster.alerts
}

impl Cluster {
    fn new(config: &Config, rules: &Arc<RuleSet>, shards: u32, seed: u64) -> Self {
        let geoip = Arc::new(GeoIp::default());
        let reader = |_| Intake::new(config, rules, Arc::clone(&geoip), shards);
        let sources = || {
            (0..PARTITIONS).map(|partition| Input::Assigned { topic: topic(), partition }).collect::<Vec<_>>()
        };
        let shard = |shard| {
            let placement = Placement { shard, shards };
            let mut shard = Shard::placed(config, Arc::clone(rules), Arc::clone(&geoip), placement);
            shard.step(sources());
            shard
        };
        let mut readers: Vec<Intake> = (0..READERS).map(reader).collect();
        for (place, source) in (0..).zip(sources()) {
            readers[place % READERS].step(vec![source]);
        }
        Self {
            readers,
            shards: (0..shards).map(shard).collect(),
            under_way: BTreeMap::new(),
            alerts: Vec::new(),
            decided: BTreeMap::new(),
            seed: seed | 1,
        }
    }

    /// What comes in goes to whoever reads the partition; the time is told to all.
    fn input(&mut self, input: Input) {
        let partition = match &input {
            Input::Record(record) => record.position.partition,
            Input::Assigned { partition, .. } | Input::Idle { partition, .. } => *partition,
            Input::Tick { .. } => return self.tick(&input),
            other => panic!("a story holds no {other:?}"),
        };
        let reader = partition as usize % READERS;
        let effects = self.readers[reader].step(vec![input]);
        self.take(Sender::Reader(reader), effects);
    }

    fn tick(&mut self, tick: &Input) {
        for reader in 0..READERS {
            let effects = self.readers[reader].step(vec![tick.clone()]);
            self.take(Sender::Reader(reader), effects);
        }
        for shard in 0..self.shards.len() {
            let effects = self.shards[shard].step(vec![tick.clone()]);
            self.take(Sender::Shard(shard as u32), effects);
        }
    }

    fn take(&mut self, sender: Sender, effects: Effects) {
        assert!(effects.dead_letters.is_empty(), "{:?}", effects.dead_letters);
        let tally = &effects.tally;
        assert_eq!((tally.late, tally.from_the_future, tally.invariants), (0, 0, 0));
        assert!(tally.evicted.is_empty() && tally.evicted_state.is_empty());
        self.alerts.extend(effects.alerts);
        for parcel in effects.parcels {
            if let Cargo::Decided { shard, upto_ms, waits_until_ms } = &parcel.cargo {
                self.decided.insert(*shard, (upto_ms.clone(), *waits_until_ms));
            }
            self.under_way.entry((sender, parcel.to)).or_default().push_back(parcel.cargo);
        }
    }

    fn waits(&self) -> bool {
        self.decided.values().any(|(_, waits_until_ms)| waits_until_ms.is_some())
    }

    fn deliver_some(&mut self) {
        for _ in 0..self.random(4) {
            self.deliver();
        }
    }

    fn deliver_all(&mut self) {
        while self.deliver() {}
    }

    /// Delivers the next parcels of one way.
    fn deliver(&mut self) -> bool {
        self.under_way.retain(|_, parcels| !parcels.is_empty());
        let ways: Vec<Way> = self.under_way.keys().copied().collect();
        let Some(place) = ways.len().checked_sub(1) else { return false };
        let way = ways[self.random(place as u64 + 1) as usize];
        let many = 1 + self.random(3) as usize;
        let parcels = self.under_way.get_mut(&way).unwrap();
        let cargo: Vec<Cargo> = parcels.drain(..many.min(parcels.len())).collect();
        let effects = self.shards[way.1 as usize].step(cargo.into_iter().map(Input::Parcel).collect());
        self.take(Sender::Shard(way.1), effects);
        true
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }
}

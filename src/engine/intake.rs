//! What becomes of records before any shard has seen them?
//!
//! Whoever reads an input partition decodes its records and says of each event what can be said of it
//! alone; the event then goes to the shard of its actor. How far each partition is read goes to all
//! shards, after the events that came before: a shard's time is that of the slowest of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reading;
use super::route::Placement;
use super::watermark::{Progress, is_ahead};
use crate::config::Config;
use crate::enrich::{GeoIp, Observer, actor_key, notices};
use crate::model::{Cargo, Effects, Event, Input, Parcel, Position, RawRecord, Tally};
use crate::rule::RuleSet;
use crate::source::{Read, Reader, Room};

/// Reads records of some input partitions for so many shards.
#[derive(Debug)]
pub struct Intake {
    reader: Reader,
    room: Room,
    observer: Observer,
    placement: Placement,
    read: BTreeMap<(Arc<str>, i32), Told>,
    now_ms: Option<i64>,
    skew_ms: i64,
}

/// How far a partition is read, and what of that the shards were told.
#[derive(Debug, Default)]
struct Told {
    progress: Progress,
    told: Option<Progress>,
}

impl Intake {
    /// Nothing is read yet.
    pub fn new(config: &Config, rules: &RuleSet, geoip: Arc<GeoIp>, shards: u32) -> Self {
        let table = &rules.table;
        Self {
            reader: Reader::new(Arc::clone(table), reading(config)),
            room: Room::default(),
            observer: Observer::new(Arc::clone(table), geoip),
            placement: Placement { shard: 0, shards },
            read: BTreeMap::new(),
            now_ms: None,
            skew_ms: config.time.max_clock_skew.as_millis(),
        }
    }

    /// Takes a batch in its order; what it leads to is in the parcels. How far the partitions are is told
    /// at ticks, so that it costs as much as there are shards once a second, and not at every record.
    pub fn step(&mut self, batch: Vec<Input>) -> Effects {
        let mut effects = Effects::default();
        for input in batch {
            match input {
                Input::Record(record) => self.record(&record, &mut effects),
                Input::Tick { now_ms } => {
                    self.now_ms = Some(now_ms);
                    self.tell(&mut effects);
                }
                Input::Assigned { topic, partition, next, highest_ms } => {
                    self.told(topic, partition).progress = Progress { highest_ms, idle: false, next };
                }
                Input::Idle { topic, partition } => self.told(topic, partition).progress.idle = true,
                Input::Revoked { topic, partition } => {
                    self.read.remove(&(topic, partition));
                }
                Input::Event(_) | Input::Parcel(_) | Input::Complete { .. } => effects.tally.invariants += 1,
            }
        }
        effects
    }

    /// Replaces the GeoIP databases between two steps.
    pub fn set_geoip(&mut self, geoip: Arc<GeoIp>) {
        self.observer.set_geoip(geoip);
    }

    /// Replaces the rules between two steps: they say which fields are read.
    pub fn set_rules(&mut self, config: &Config, rules: &RuleSet) {
        self.reader = Reader::new(Arc::clone(&rules.table), reading(config));
        self.observer.set_table(Arc::clone(&rules.table));
    }

    /// Each partition that is read, and the highest `published` of it, ms.
    pub fn newest_ms(&self) -> impl Iterator<Item = (&Arc<str>, i32, i64)> {
        self.read
            .iter()
            .filter_map(|((topic, partition), told)| Some((topic, *partition, told.progress.highest_ms?)))
    }

    fn record(&mut self, record: &RawRecord, effects: &mut Effects) {
        self.wake(&record.position, effects);
        let events = taken(self.reader.read_in(record, &mut self.room), effects);
        let mut latest_ms = None;
        for event in events {
            let tally = &mut effects.tally;
            count(&event, tally);
            if is_ahead(event.published_ms, self.now_ms, self.skew_ms) {
                tally.from_the_future += 1;
            } else {
                latest_ms = latest_ms.max(Some(event.published_ms));
            }
            let observation = self.observer.observe(event, tally);
            let to = self.placement.of_actor(&actor_key(&observation));
            let told = notices(&observation).map(|notice| self.placement.told(notice));
            effects.parcels.push(Parcel { to, cargo: Cargo::Observation(Box::new(observation)) });
            effects.parcels.extend(told);
        }
        let position = &record.position;
        let progress = &mut self.told(Arc::clone(&position.topic), position.partition).progress;
        progress.record(latest_ms);
        progress.next = progress.next.max(position.offset + 1);
    }

    /// Shards that take a partition to be idle, or know nothing of it, are told otherwise before the first
    /// event of it gets anywhere: one of them might think that nothing is to come.
    fn wake(&mut self, position: &Position, effects: &mut Effects) {
        let shards = self.placement.shards;
        let told = self.told(Arc::clone(&position.topic), position.partition);
        if told.told.is_none_or(|told| told.idle) {
            told.progress.idle = false;
            told.progress.next = told.progress.next.max(position.offset + 1);
            told.told = Some(told.progress);
            tell(&position.topic, position.partition, told.progress, shards, effects);
        }
    }

    fn told(&mut self, topic: Arc<str>, partition: i32) -> &mut Told {
        self.read.entry((topic, partition)).or_default()
    }

    fn tell(&mut self, effects: &mut Effects) {
        for ((topic, partition), Told { progress, told }) in &mut self.read {
            if told.replace(*progress) == Some(*progress) {
                continue;
            }
            tell(topic, *partition, *progress, self.placement.shards, effects);
        }
    }
}

/// Says to all shards how far a partition is read.
fn tell(topic: &Arc<str>, partition: i32, progress: Progress, shards: u32, effects: &mut Effects) {
    let Progress { highest_ms, idle, next } = progress;
    for to in 0..shards {
        let cargo = Cargo::Read { topic: Arc::clone(topic), partition, highest_ms, idle, next };
        effects.parcels.push(Parcel { to, cargo });
    }
}

/// The events of a record in the order of time; the rest of what was read goes to the effects.
pub(super) fn taken(mut read: Read, effects: &mut Effects) -> Vec<Event> {
    effects.tally.records += 1;
    effects.tally.skipped += read.skipped;
    effects.dead_letters.extend(read.dead_letters);
    read.events.sort_by_key(|event| event.published_ms);
    read.events
}

/// Counts an event.
pub(super) fn count(event: &Event, tally: &mut Tally) {
    tally.events += 1;
    tally.lossy += u64::from(event.lossy);
}

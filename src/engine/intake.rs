//! What becomes of records before any shard has seen them?
//!
//! Whoever reads an input partition decodes its records and says of each event what can be said of it
//! alone; the event then goes to the shard of its actor. How far each partition is read goes to all
//! shards, after the events that came before: a shard's time is that of the slowest of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reading;
use super::route::Placement;
use crate::config::Config;
use crate::enrich::{GeoIp, Observer, actor_key};
use crate::model::{Cargo, Effects, Input, Parcel, RawRecord};
use crate::rule::RuleSet;
use crate::source::Reader;

/// Reads records of some input partitions for so many shards.
#[derive(Debug)]
pub struct Intake {
    reader: Reader,
    observer: Observer,
    placement: Placement,
    read: BTreeMap<(Arc<str>, i32), Progress>,
    now_ms: Option<i64>,
    skew_ms: i64,
}

#[derive(Debug, Default)]
struct Progress {
    highest_ms: Option<i64>,
    idle: bool,
    /// It differs from what the shards were told.
    news: bool,
}

impl Intake {
    /// Nothing is read yet.
    pub fn new(config: &Config, rules: &RuleSet, geoip: Arc<GeoIp>, shards: u32) -> Self {
        let table = &rules.table;
        Self {
            reader: Reader::new(Arc::clone(table), reading(config)),
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
                Input::Assigned { topic, partition } => {
                    self.change(topic, partition, |read| read.idle = false)
                }
                Input::Idle { topic, partition } => self.change(topic, partition, |read| read.idle = true),
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

    fn record(&mut self, record: &RawRecord, effects: &mut Effects) {
        let mut read = self.reader.read(record);
        read.events.sort_by_key(|event| event.published_ms);
        let tally = &mut effects.tally;
        tally.records += 1;
        tally.skipped += read.skipped;
        effects.dead_letters.extend(read.dead_letters);
        let latest_ms =
            read.events.iter().map(|event| event.published_ms).filter(|ms| !self.is_ahead(*ms)).max();
        for event in read.events {
            tally.events += 1;
            tally.lossy += u64::from(event.lossy);
            tally.from_the_future += u64::from(self.is_ahead(event.published_ms));
            let observation = self.observer.observe(event, tally);
            let to = self.placement.of_actor(&actor_key(&observation));
            effects.parcels.push(Parcel { to, cargo: Cargo::Observation(Box::new(observation)) });
        }
        let (topic, partition) = (Arc::clone(&record.position.topic), record.position.partition);
        self.change(topic, partition, |progress| {
            progress.highest_ms = progress.highest_ms.max(latest_ms);
            // A partition that has only had records without events (of another source, say) holds nothing
            // back.
            progress.idle = latest_ms.is_none() && (progress.idle || progress.highest_ms.is_none());
        });
    }

    /// Further ahead of the wall clock than clocks differ.
    fn is_ahead(&self, published_ms: i64) -> bool {
        self.now_ms.is_some_and(|now_ms| published_ms > now_ms.saturating_add(self.skew_ms))
    }

    fn change(&mut self, topic: Arc<str>, partition: i32, change: impl FnOnce(&mut Progress)) {
        let progress =
            self.read.entry((topic, partition)).or_insert(Progress { news: true, ..Progress::default() });
        let before = (progress.highest_ms, progress.idle);
        change(progress);
        progress.news |= before != (progress.highest_ms, progress.idle);
    }

    fn tell(&mut self, effects: &mut Effects) {
        for ((topic, partition), progress) in &mut self.read {
            if !std::mem::take(&mut progress.news) {
                continue;
            }
            for to in 0..self.placement.shards {
                let Progress { highest_ms, idle, .. } = *progress;
                let cargo = Cargo::Read { topic: Arc::clone(topic), partition: *partition, highest_ms, idle };
                effects.parcels.push(Parcel { to, cargo });
            }
        }
    }
}

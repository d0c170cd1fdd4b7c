//! What happens to an event, from its bytes to the alerts it completes?
//!
//! [`Shard::step`] is the whole way, and nothing else is: it reads no clock, no file and no
//! environment, and does the same with the same input, however that is cut into batches.

mod chunks;
mod dedup;
mod durable;
mod entity;
mod intake;
mod invariants;
mod journal;
mod judge;
mod levels;
mod member;
#[cfg(test)]
mod moved;
mod raise;
mod reload;
mod route;
mod shelf;
mod single;
mod watermark;
mod wire;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Config;
use crate::correlate::Correlator;
use crate::enrich::{Context, GeoIp, Observer, notices};
use crate::model::{
    Cargo, Effects, Enriched, Event, Input, Measured, Notice, Observation, Parcel, RawRecord, RuleIndex,
    Shared, Tally, core,
};
use crate::rule::{Body, Memo, Rule, RuleSet};
use crate::source::{self, Reader, Room};
use dedup::Seen;
pub use durable::{Restored, Unreadable, comes_last};
pub use intake::Intake;
use journal::{Journal, Noted};
use levels::Levels;
pub use member::{Member, Round, Source, Told};
use raise::Now;
pub use route::Placement;
use route::Routes;
use shelf::Shelf;
use single::Singles;
use watermark::{Progress, Watermark};
pub use wire::Wire;

/// State is looked through for what has expired whenever the watermark has gone this far; ms.
const EXPIRE_EVERY_MS: i64 = 10_000;

/// One shard: all state of some keys, changed by [`Shard::step`] and nothing else.
#[derive(Debug)]
pub struct Shard {
    rules: Arc<RuleSet>,
    reader: Reader,
    room: Room,
    observer: Observer,
    context: Context,
    seen: Seen,
    watermark: Watermark,
    singles: Singles,
    correlator: Correlator,
    placement: Placement,
    routes: Routes,
    levels: Levels,
    /// Every event goes out enriched, not only those that matched.
    wants_enriched: bool,
    expired_upto_ms: i64,
    /// Stands for the files of a replay in the watermark.
    recording: Arc<str>,
    /// What is known of the event at hand, for all rules.
    memo: Memo,
    /// Rules that the event at hand matched; kept to be used again.
    matched: Vec<RuleIndex>,
    /// What was last told of time, if changes are told.
    told_time: Option<Vec<u8>>,
    /// What values in the changelog share.
    shelf: Shelf,
    /// What was taken in since the tables were written.
    journal: Journal,
    /// Tables keep in mind which of their keys change.
    tracks: bool,
    /// Something that waited was decided in this step.
    has_decided: bool,
    /// Rules that take no part now: what they would find was never told.
    muted: BTreeSet<RuleIndex>,
}

/// What a shard holds, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Events before it are late, ms; `None` before the first event.
    pub watermark_ms: Option<i64>,
    /// Each input partition.
    pub partitions: Vec<PartitionFigures>,
    /// Okta sessions.
    pub sessions: usize,
    /// Users.
    pub users: usize,
    /// What else is known of users, principals and tokens, by table.
    pub entries: Vec<(&'static str, usize)>,
    /// Event ids remembered for deduplication.
    pub uuids: usize,
    /// Keys of each correlation.
    pub keys: Vec<(RuleIndex, usize)>,
}

/// How far one input partition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionFigures {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Its own watermark, ms; `None` before its first event.
    pub watermark_ms: Option<i64>,
    /// It is quiet and holds nothing back.
    pub idle: bool,
}

impl Shard {
    /// An empty shard. It reads no clock, no file and no environment: all comes through `step`.
    pub fn new(config: &Config, rules: Arc<RuleSet>, geoip: Arc<GeoIp>) -> Self {
        Self::placed(config, rules, geoip, Placement::ALONE)
    }

    /// An empty shard, one of several.
    pub fn placed(config: &Config, rules: Arc<RuleSet>, geoip: Arc<GeoIp>, placement: Placement) -> Self {
        let table = &rules.table;
        let routes = Routes::new(&rules, placement);
        let limits = placement.share(&config.limits);
        let mut context = Context::new(Arc::clone(table), &limits).with_keepalive(&config.keepalive);
        context.list(&config.principals);
        let mut correlator = Correlator::new(Arc::clone(&rules), &limits);
        correlator.set_levels(routes.levels(), |rule| routes.level(rule));
        Self {
            reader: Reader::new(Arc::clone(table), reading(config)),
            room: Room::default(),
            observer: Observer::new(Arc::clone(table), geoip),
            context,
            seen: Seen::new(config.time.dedup_window.as_millis(), limits.uuids),
            watermark: Watermark::new(&config.time),
            singles: Singles::new(limits.keys_per_rule),
            correlator,
            placement,
            levels: Levels::new(placement, routes.levels()),
            routes,
            wants_enriched: !config.output.enriched.is_empty(),
            expired_upto_ms: i64::MIN,
            recording: Arc::from("recording"),
            memo: rules.memo(),
            matched: Vec::new(),
            told_time: None,
            shelf: Shelf::default(),
            journal: Journal::new(&rules, journal::most(config)),
            tracks: false,
            has_decided: false,
            muted: BTreeSet::new(),
            rules,
        }
    }

    /// Takes a batch in its order and says what is to be done, all of it in one transaction.
    pub fn step(&mut self, batch: Vec<Input>) -> Effects {
        let mut effects = Effects::default();
        let mut ticked = false;
        self.has_decided = false;
        let noted = match self.told_time {
            Some(_) => self.journal.note(&batch, self.watermark.now_ms()),
            None => Noted::Checkpoint,
        };
        for input in batch {
            let before_ms = self.watermark.reached_ms();
            match input {
                Input::Record(record) => self.record(&record, &mut effects),
                Input::Event(event) => self.recorded(event, &mut effects),
                Input::Parcel(cargo) => self.parcel(cargo, &mut effects),
                Input::Tick { now_ms } => {
                    let waits_until_ms = self.levels.waits_until_ms(self.correlator.waits_until_ms());
                    self.watermark.tick(now_ms, waits_until_ms);
                    ticked = true;
                }
                Input::Complete { upto_ms } => self.watermark.complete(upto_ms),
                Input::Assigned { topic, partition, .. } => self.watermark.assigned(&topic, partition),
                Input::Idle { topic, partition } => self.watermark.idle(&topic, partition),
                Input::Revoked { topic, partition } => self.watermark.revoked(&topic, partition),
            }
            invariants::watermark(before_ms, self.watermark.reached_ms(), &mut effects.tally);
            self.settle(&mut effects);
            self.expire(&mut effects.tally);
        }
        if ticked {
            self.tell(&mut effects);
        }
        effects.changes = self.changes(noted);
        effects
    }

    /// Whether it runs this very set of rules.
    pub fn runs(&self, rules: &Arc<RuleSet>) -> bool {
        Arc::ptr_eq(&self.rules, rules)
    }

    /// Replaces the GeoIP databases between two steps.
    pub fn set_geoip(&mut self, geoip: Arc<GeoIp>) {
        self.observer.set_geoip(geoip);
    }

    /// What the shard holds.
    pub fn figures(&self) -> Figures {
        let partitions = self.watermark.partitions().map(|(topic, partition, watermark_ms, idle)| {
            PartitionFigures { topic: Arc::clone(topic), partition, watermark_ms, idle }
        });
        let (sessions, users) = self.context.held();
        Figures {
            watermark_ms: self.watermark.reached_ms(),
            partitions: partitions.collect(),
            sessions,
            users,
            entries: self.context.entries(),
            uuids: self.seen.len(),
            keys: self.correlator.keys().collect(),
        }
    }

    /// The figures of the window of a correlation that came nearest to what it asks, whether it came
    /// true or not; `None` for a detection.
    pub fn nearest(&self, rule: RuleIndex) -> Option<Vec<Measured>> {
        self.correlator.nearest(rule)
    }

    /// One record with any number of events. They are judged as one instant, in the order of time:
    /// the watermark moves after them. An envelope may hold the newest event first, and a window is
    /// judged again for every event that comes out of order.
    fn record(&mut self, record: &RawRecord, effects: &mut Effects) {
        let events = intake::taken(self.reader.read_in(record, &mut self.room), effects);
        let mut latest_ms = None;
        for event in events {
            if self.watermark.is_from_the_future(event.published_ms) {
                effects.tally.from_the_future += 1;
            } else {
                latest_ms = latest_ms.max(Some(event.published_ms));
            }
            self.event(event, effects);
        }
        self.watermark.record(&record.position.topic, record.position.partition, latest_ms);
    }

    /// One event of a replay: whichever file it stood in, all of them are one source, in order.
    fn recorded(&mut self, event: Event, effects: &mut Effects) {
        let published_ms = event.published_ms;
        self.event(event, effects);
        let source = Arc::clone(&self.recording);
        self.watermark.record(&source, 0, Some(published_ms));
    }

    fn event(&mut self, event: Event, effects: &mut Effects) {
        let tally = &mut effects.tally;
        intake::count(&event, tally);
        if self.is_new(&event, tally) {
            let observation = self.observer.observe(event, tally);
            let notices = notices(&observation);
            self.observation(observation, effects);
            for notice in notices {
                self.notice(notice, effects);
            }
        }
    }

    /// What an event says to a user: of this shard or of another.
    fn notice(&mut self, notice: Notice, effects: &mut Effects) {
        let parcel = self.placement.told(notice);
        match parcel.cargo {
            Cargo::Notice(notice) if parcel.to == self.placement.shard => {
                self.context.notice(&notice, &mut effects.tally);
            }
            _ => effects.parcels.push(parcel),
        }
    }

    /// Whether the event was not here before; it is not new the next time.
    fn is_new(&mut self, event: &Event, tally: &mut Tally) -> bool {
        let mut evicted = 0;
        let org = event.org.as_deref().unwrap_or_default();
        // A clock that is far ahead must not keep what it says longer than other clocks do.
        let ahead = self.watermark.is_from_the_future(event.published_ms);
        let known_ms = self.watermark.now_ms().filter(|_| ahead).unwrap_or(event.published_ms);
        let new = self.seen.is_new(org, &event.uuid, known_ms, &mut evicted);
        tally.evict("uuids", evicted);
        tally.duplicates += u64::from(!new);
        new
    }

    /// An event that is new, with all that can be said of it alone.
    fn observation(&mut self, observation: Observation, effects: &mut Effects) {
        let (published_ms, tally) = (observation.event.published_ms, &mut effects.tally);
        let ahead = self.watermark.is_from_the_future(published_ms);
        let late = self.watermark.reached_ms().is_some_and(|watermark_ms| published_ms < watermark_ms);
        tally.late += u64::from(late);
        let mut enriched = if ahead {
            self.context.apart(observation, late)
        } else {
            self.context.enrich(observation, late, tally)
        };
        self.rules.derive(&mut enriched.observation.event.fields);
        self.judge(enriched, late || ahead, effects);
    }

    /// What another shard sent, or whoever reads the input.
    fn parcel(&mut self, cargo: Cargo, effects: &mut Effects) {
        match cargo {
            Cargo::Observation(observation) => {
                self.watermark.sent(&observation.event.position);
                if self.is_new(&observation.event, &mut effects.tally) {
                    self.observation(*observation, effects);
                }
            }
            Cargo::Notice(notice) => self.context.notice(&notice, &mut effects.tally),
            Cargo::Match { consumer, matched } => self.received(consumer, *matched, effects),
            Cargo::Read { topic, partition, highest_ms, idle, next } => {
                self.watermark.read(&topic, partition, Progress { highest_ms, idle, next });
            }
            Cargo::Decided { shard, upto_ms, waits_until_ms } => {
                self.levels.hear(shard, upto_ms, waits_until_ms);
            }
        }
    }

    /// Tells the others how far this shard is, if it is further.
    fn tell(&mut self, effects: &mut Effects) {
        let Some(cargo) = self.levels.tell(self.correlator.waits_until_ms()) else { return };
        let others = (0..self.placement.shards).filter(|shard| *shard != self.placement.shard);
        effects.parcels.extend(others.map(|to| Parcel { to, cargo: cargo.clone() }));
    }

    /// Asks every rule that could match. Nothing is allocated for an event that none does. An event
    /// that stands `apart` (late, or ahead of every clock) is judged by single-event rules alone.
    fn judge(&mut self, enriched: Enriched, apart: bool, effects: &mut Effects) {
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        self.memo.begin();
        let fields = &enriched.event().fields;
        let candidates = self.rules.candidates(fields.text(core::EVENT_TYPE).unwrap_or_default());
        matched.extend(candidates.filter(|index| match self.rules.get(*index) {
            Some(Rule { body: Body::Detection(detection), .. }) => {
                detection.matches_with(fields, &mut self.memo)
            }
            _ => false,
        }));
        let unused = if self.wants_enriched || !matched.is_empty() {
            let enriched = Shared::new(enriched);
            if self.wants_enriched {
                effects.enriched.push(enriched.clone());
            }
            let facts = OnceCell::new();
            for index in &matched {
                self.matched(*index, &enriched, &facts, apart, effects);
            }
            enriched.into_inner()
        } else {
            Some(enriched)
        };
        if let Some(enriched) = unused {
            self.room.give_back(enriched.observation.event.fields);
        }
        self.matched = matched;
    }

    fn now(&self) -> Now {
        Now { tick_ms: self.watermark.now_ms(), watermark_ms: self.watermark.reached_ms() }
    }

    /// Forgets what no event in time can need. It depends on the watermark alone, so that batches
    /// of any size forget the same at the same event.
    fn expire(&mut self, tally: &mut Tally) {
        let Some(watermark_ms) = self.watermark.reached_ms() else { return };
        if watermark_ms < self.expired_upto_ms.saturating_add(EXPIRE_EVERY_MS) {
            return;
        }
        self.expired_upto_ms = watermark_ms;
        self.seen.expire(watermark_ms);
        if let Some(come_ms) = self.singles_come_ms(watermark_ms) {
            self.singles.expire(come_ms);
        }
        self.correlator.expire(|level| self.levels.settled_ms(level));
        self.context.expire(watermark_ms, tally);
    }

    /// Up to when the matches of single-event rules have come: other shards send some.
    fn singles_come_ms(&self, watermark_ms: i64) -> Option<i64> {
        match self.placement.has_others() {
            true => self.levels.reached_ms(1, Some(watermark_ms)),
            false => Some(watermark_ms),
        }
    }
}

/// How records are read under a configuration.
pub fn reading(config: &Config) -> source::Options {
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    source::Options {
        org: named(&config.input.org).map(Arc::from),
        org_header: named(&config.input.org_header),
        keep_raw: config.output.raw_event || !config.output.enriched.is_empty(),
        max_record_bytes: config.input.max_record_bytes.as_bytes(),
    }
}

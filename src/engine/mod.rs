//! What happens to an event, from its bytes to the alerts it completes?
//!
//! [`Shard::step`] is the whole way, and nothing else is: it reads no clock, no file and no
//! environment, and does the same with the same input, however that is cut into batches.

mod chunks;
mod dedup;
mod durable;
mod entity;
mod invariants;
#[cfg(test)]
mod moved;
mod raise;
mod reload;
mod single;
mod watermark;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::alert;
use crate::config::Config;
use crate::correlate::{Correlator, Firing, Moment, Verdict, suppression};
use crate::enrich::{Context, GeoIp, Observer};
use crate::model::{
    Effects, Enriched, Event, Evidence, Input, Match, Measured, RawRecord, RuleIndex, RuleKind, Tally, core,
};
use crate::rule::{Body, Rule, RuleSet};
use crate::source::{self, Reader, Room};
use dedup::Seen;
pub use durable::{Restored, Unreadable};
use raise::Now;
use single::Singles;
use watermark::Watermark;

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
    /// The watermark up to which every correlation has decided what it could.
    settled_ms: Option<i64>,
    /// Every event goes out enriched, not only those that matched.
    wants_enriched: bool,
    expired_upto_ms: i64,
    /// Stands for the files of a replay in the watermark.
    recording: Arc<str>,
    /// Rules that the event at hand matched; kept to be used again.
    matched: Vec<RuleIndex>,
    /// What was last told of time, if changes are told.
    told_time: Option<Vec<u8>>,
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
        let table = &rules.table;
        Self {
            reader: Reader::new(Arc::clone(table), reading(config)),
            room: Room::default(),
            observer: Observer::new(Arc::clone(table), geoip),
            context: Context::new(Arc::clone(table), &config.limits),
            seen: Seen::new(config.time.dedup_window.as_millis(), config.limits.uuids),
            watermark: Watermark::new(&config.time),
            singles: Singles::new(config.limits.keys_per_rule),
            correlator: Correlator::new(Arc::clone(&rules), &config.limits),
            settled_ms: None,
            wants_enriched: !config.output.enriched.is_empty(),
            expired_upto_ms: i64::MIN,
            recording: Arc::from("recording"),
            matched: Vec::new(),
            told_time: None,
            rules,
        }
    }

    /// Takes a batch in its order and says what is to be done, all of it in one transaction.
    pub fn step(&mut self, batch: Vec<Input>) -> Effects {
        let mut effects = Effects::default();
        for input in batch {
            let before_ms = self.watermark.reached_ms();
            match input {
                Input::Record(record) => self.record(&record, &mut effects),
                Input::Event(event) => self.recorded(event, &mut effects),
                Input::Tick { now_ms } => {
                    self.watermark.tick(now_ms, self.correlator.waits_until_ms());
                }
                Input::Complete { upto_ms } => self.watermark.complete(upto_ms),
                Input::Assigned { topic, partition } => self.watermark.assigned(&topic, partition),
                Input::Idle { topic, partition } => self.watermark.idle(&topic, partition),
                Input::Revoked { topic, partition } => self.watermark.revoked(&topic, partition),
            }
            invariants::watermark(before_ms, self.watermark.reached_ms(), &mut effects.tally);
            self.settle(&mut effects);
            self.expire(&mut effects.tally);
        }
        effects.changes = self.changes();
        effects
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
        let mut read = self.reader.read_in(record, &mut self.room);
        read.events.sort_by_key(|event| event.published_ms);
        effects.tally.records += 1;
        effects.tally.skipped += read.skipped;
        effects.dead_letters.extend(read.dead_letters);
        let mut latest_ms = None;
        for event in read.events {
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
        tally.events += 1;
        tally.lossy += u64::from(event.lossy);
        let mut evicted = 0;
        let org = event.org.as_deref().unwrap_or_default();
        // A clock that is far ahead must not keep what it says longer than other clocks do.
        let ahead = self.watermark.is_from_the_future(event.published_ms);
        let known_ms = self.watermark.now_ms().filter(|_| ahead).unwrap_or(event.published_ms);
        let new = self.seen.is_new(org, &event.uuid, known_ms, &mut evicted);
        tally.evict("uuids", evicted);
        if !new {
            tally.duplicates += 1;
            return;
        }
        let late = self.watermark.reached_ms().is_some_and(|watermark_ms| event.published_ms < watermark_ms);
        tally.late += u64::from(late);
        let observation = self.observer.observe(event, tally);
        let mut enriched = if ahead {
            Enriched { observation, session: None, user: None, travel: None, late }
        } else {
            self.context.enrich(observation, late, tally)
        };
        self.rules.derive(&mut enriched.observation.event.fields);
        self.judge(enriched, late || ahead, effects);
    }

    /// Asks every rule that could match. Nothing is allocated for an event that none does. An event
    /// that stands `apart` (late, or ahead of every clock) is judged by single-event rules alone.
    fn judge(&mut self, enriched: Enriched, apart: bool, effects: &mut Effects) {
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        let fields = &enriched.event().fields;
        let candidates = self.rules.candidates(fields.text(core::EVENT_TYPE).unwrap_or_default());
        matched.extend(candidates.iter().copied().filter(|index| match self.rules.get(*index) {
            Some(Rule { body: Body::Detection(detection), .. }) => detection.matches(fields),
            _ => false,
        }));
        let unused = if self.wants_enriched || !matched.is_empty() {
            let enriched = Arc::new(enriched);
            if self.wants_enriched {
                effects.enriched.push(Arc::clone(&enriched));
            }
            for index in &matched {
                self.matched(*index, &enriched, apart, effects);
            }
            Arc::into_inner(enriched)
        } else {
            Some(enriched)
        };
        if let Some(enriched) = unused {
            self.room.give_back(enriched.observation.event.fields);
        }
        self.matched = matched;
    }

    /// A detection matched: its own alert, then the correlations that take it.
    fn matched(&mut self, index: RuleIndex, event: &Arc<Enriched>, apart: bool, effects: &mut Effects) {
        let rules = Arc::clone(&self.rules);
        let Some(rule) = rules.get(index) else { return };
        if rule.excepts(event.event()) {
            return Tally::add(&mut effects.tally.excepted, index, 1);
        }
        Tally::add(&mut effects.tally.matches, index, 1);
        let Body::Detection(detection) = &rule.body else { return };
        let feeds = !apart && !rule.feeds.is_empty();
        if !feeds && !rule.info.generates {
            return;
        }
        let listed = detection.listed(&rules.table, &event.event().fields);
        let evidence = alert::evidence(&rules.table, detection.reads(), event);
        let evidence = Arc::new(Evidence { listed, ..evidence });
        if rule.info.generates {
            self.raise_single(index, rule, event, &evidence, effects);
        }
        if feeds {
            let matched = Match {
                rule: index,
                time_ms: event.event().published_ms,
                uuid: event.event().uuid.clone(),
                event: Arc::clone(event),
                key: self.own_key(rule, event, &evidence),
                evidence: vec![evidence],
                group: Vec::new(),
            };
            self.correlate(&rules, matched, effects);
        }
    }

    /// What a detection's alerts are held together by, where a risk score asks.
    fn own_key(&self, rule: &Rule, event: &Enriched, evidence: &Evidence) -> u128 {
        let kind = |consumer: &RuleIndex| self.rules.get(*consumer).map(|rule| rule.info.kind);
        let is_asked = || rule.feeds.iter().any(|consumer| kind(consumer) == Some(RuleKind::RiskScore));
        if rule.info.suppress_ms == 0 || !is_asked() {
            return 0;
        }
        let entity = entity::of_event(rule.info.entity, evidence, &event.event().fields);
        let org = event.event().org.as_deref().unwrap_or_default();
        single::subject(&rule.info.digest, org, &entity.value).1
    }

    fn raise_single(
        &mut self,
        index: RuleIndex,
        rule: &Rule,
        event: &Enriched,
        evidence: &Arc<Evidence>,
        effects: &mut Effects,
    ) {
        let alert = raise::single(rule, event, evidence, self.now());
        let org = alert.org.as_deref().unwrap_or_default();
        let subject = single::subject(&rule.info.digest, org, &alert.entity.value);
        let (time_ms, tally) = (alert.fired_at_ms, &mut effects.tally);
        let (verdict, evicted) =
            self.singles.offer(subject, suppression(&rule.info), time_ms, alert.made_at_ms);
        if evicted > 0 {
            Tally::add(&mut tally.evicted, index, evicted);
        }
        let (of_ms, of) = match verdict {
            Verdict::New => (time_ms, None),
            Verdict::Update { of_ms, .. } => (of_ms, self.singles.id(subject, of_ms)),
            Verdict::Covered { of_ms } => {
                self.singles.tell(subject, of_ms, evidence, rule.info.evidence_max);
                return Tally::add(&mut tally.suppressed, index, 1);
            }
            Verdict::Silent => return,
        };
        let story = self.singles.tell(subject, of_ms, evidence, rule.info.evidence_max);
        let alert = raise::finish(raise::with_story(alert, story), &verdict, of);
        if verdict == Verdict::New {
            self.singles.identify(subject, time_ms, alert.id);
        }
        effects.alerts.push(alert);
    }

    /// Gives a match to the correlations that take it, and what comes true to those that take that.
    /// It ends because rules that take each other are refused at load.
    fn correlate(&mut self, rules: &RuleSet, matched: Match, effects: &mut Effects) {
        let moment = Moment { watermark_ms: self.settled_ms, now_ms: self.watermark.now_ms() };
        let mut fired = Vec::new();
        let mut waiting = VecDeque::from([matched]);
        while let Some(matched) = waiting.pop_front() {
            let Some(source) = rules.get(matched.rule) else { continue };
            for consumer in &source.feeds {
                if rules.get(*consumer).is_some_and(|rule| rule.excepts(matched.event.event())) {
                    Tally::add(&mut effects.tally.excepted, *consumer, 1);
                    continue;
                }
                self.correlator.feed(*consumer, &matched, moment, &mut fired, &mut effects.tally);
                for firing in fired.drain(..) {
                    self.raise_correlated(rules, &firing, effects);
                    waiting.extend(firing.chained());
                }
            }
        }
    }

    /// Decides what has waited for the watermark to come so far. Rules are asked after those they
    /// take, which see the watermark from before until then: what comes true below is not late.
    fn settle(&mut self, effects: &mut Effects) {
        let reached_ms = self.watermark.reached_ms();
        if reached_ms.is_some_and(|reached_ms| self.correlator.is_due(reached_ms)) {
            let rules = Arc::clone(&self.rules);
            let moment = Moment { watermark_ms: reached_ms, now_ms: self.watermark.now_ms() };
            let mut fired = Vec::new();
            for rule in &rules.order {
                self.correlator.decide(*rule, moment, &mut fired, &mut effects.tally);
                for firing in fired.drain(..) {
                    self.raise_correlated(&rules, &firing, effects);
                    if let Some(matched) = firing.chained() {
                        self.correlate(&rules, matched, effects);
                    }
                }
            }
            self.correlator.decided();
        }
        self.settled_ms = reached_ms;
    }

    fn raise_correlated(&mut self, rules: &RuleSet, firing: &Firing, effects: &mut Effects) {
        invariants::firing(firing, &mut effects.tally);
        let Some(rule) = rules.get(firing.rule) else { return };
        let Body::Correlation(correlation) = &rule.body else { return };
        let now = self.now();
        // A key of the same event may have had to make room for its next one; the alert stands.
        let mut episodes = self.correlator.episodes(firing);
        let of = match firing.verdict {
            Verdict::New => None,
            Verdict::Update { of_ms, .. } => episodes.as_ref().and_then(|episodes| episodes.id(of_ms)),
            Verdict::Covered { .. } | Verdict::Silent => return,
        };
        let alert = raise::correlated(rule, correlation, firing, &rules.table, now);
        let alert = raise::finish(alert, &firing.verdict, of);
        if let (Verdict::New, Some(episodes)) = (&firing.verdict, &mut episodes) {
            episodes.identify(firing.last_ms, alert.id);
        }
        effects.alerts.push(alert);
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
        self.singles.expire(watermark_ms);
        self.correlator.expire(watermark_ms);
        self.context.expire(watermark_ms, tally);
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

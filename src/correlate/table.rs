//! Which window of which key of one correlation comes true?

use std::sync::Arc;

use super::early::{Arrival, Stage, is_early};
use super::episode::{Episodes, Suppression, Verdict};
use super::fire::Fire;
use super::firing::{Feed, Firing};
use super::kept::{Keep, Lost};
use super::key::{Key, keys_here};
use super::measure::{Measure, Reading, Timespan};
use super::series::Stamp;
use super::store::{Agenda, Store};
use crate::model::{Enriched, FieldId, Measured, RuleIndex, RuleInfo, Shared, Tally};
use crate::rule::Correlation;

/// What a table needs to know of its rule besides the measure.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) rule: RuleIndex,
    pub(super) info: Arc<RuleInfo>,
    pub(super) suppression: Suppression,
    /// Other correlations take its matches.
    pub(super) feeds: bool,
    /// The fields that those read of the event that a match came true at.
    pub(super) passes: Vec<FieldId>,
    pub(super) keys: usize,
    pub(super) events_per_key: usize,
}

impl Spec {
    /// What is kept of an event for the correlations that take the matches, if any do.
    pub(super) fn passed(&self, event: &Enriched) -> Option<Shared<Enriched>> {
        self.feeds.then(|| Shared::new(event.only(&self.passes)))
    }

    /// What is to be told of something that came true at `last_ms`; `None` if it is only counted.
    pub(super) fn verdict(
        &self,
        episodes: &mut Episodes,
        last_ms: i64,
        now_ms: Option<i64>,
        tally: &mut Tally,
    ) -> Option<Verdict> {
        let was_full = episodes.is_full();
        let verdict = if self.info.generates {
            episodes.offer(self.suppression, last_ms, now_ms.unwrap_or(last_ms))
        } else {
            Verdict::Silent
        };
        if was_full && verdict == Verdict::New {
            Tally::add(&mut tally.evicted, self.rule, 1);
        }
        if matches!(verdict, Verdict::Covered { .. }) {
            Tally::add(&mut tally.suppressed, self.rule, 1);
        }
        let is_told = matches!(verdict, Verdict::New | Verdict::Update { .. });
        (is_told || self.feeds).then_some(verdict)
    }
}

/// All keys of one correlation.
#[derive(Debug)]
pub(super) struct Table<M: Measure> {
    pub(super) measure: M,
    spec: Spec,
    pub(super) store: Store<Stage<M>>,
    /// Keys with windows that wait to be decided.
    pub(super) agenda: Agenda,
    /// Windows that start before this may lack events of a key that was evicted.
    pub(super) lost: Lost,
    judged: Vec<(usize, Reading)>,
    /// The reading that came nearest so far.
    nearest: Option<Reading>,
}

/// What every table can do, whatever it measures.
pub(super) trait Correlate: Keep + std::fmt::Debug {
    /// Takes a match of one of the rule's branches, and adds what came true by it.
    fn feed(
        &mut self,
        correlation: &Correlation,
        feed: &Feed<'_>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    );
    /// Decides what can be decided at a watermark, and adds what came true.
    fn decide(
        &mut self,
        correlation: &Correlation,
        watermark_ms: i64,
        now_ms: Option<i64>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    );
    /// The first and the last watermark at which something can be decided.
    fn waiting(&self) -> Option<(i64, i64)>;
    /// How long after the matches it takes its own come at most, ms.
    fn waits_ms(&self) -> i64;
    /// Forgets what no event at or after the watermark can need.
    fn expire(&mut self, correlation: &Correlation, watermark_ms: i64);
    /// How many keys are held.
    fn keys(&self) -> usize;
    /// The figures that came nearest to what is asked, of all windows so far; before the first, all
    /// are zero.
    fn nearest(&self) -> Vec<Measured>;
    /// The alerts of a key.
    fn episodes(&mut self, key: u128) -> Option<&mut Episodes>;
    /// Goes on for a rule that means the same, with another place, other options or other names.
    fn adopt(&mut self, correlation: &Correlation, spec: Spec);
}

impl<M: Measure> Table<M> {
    pub(super) fn new(measure: M, spec: Spec) -> Self {
        Self {
            measure,
            store: Store::new(spec.keys),
            spec,
            agenda: Agenda::default(),
            lost: Lost::default(),
            judged: Vec::new(),
            nearest: None,
        }
    }

    fn wait_ms(&self) -> i64 {
        self.measure.waits_ms().unwrap_or_default()
    }

    fn make_room(&mut self, hash: u128, tally: &mut Tally) {
        for (gone, mut stage) in self.store.make_room(hash) {
            self.agenda.plan(gone, &mut stage.planned_ms, None);
            self.lost.upto(stage.newest_ms());
            Tally::add(&mut tally.evicted, self.spec.rule, 1);
        }
    }

    fn feed_key(
        &mut self,
        key: Key,
        mark: M::Mark,
        correlation: &Correlation,
        feed: &Feed<'_>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let (timespan, hash, wait_ms) = (Timespan(correlation.timespan_ms), key.hash, self.wait_ms());
        self.make_room(hash, tally);
        let time_ms = feed.matched.time_ms();
        let is_early = is_early(&self.measure, &mark);
        let span_ms = if is_early { 1 } else { timespan.0 };
        let due_ms = time_ms.saturating_add(span_ms).saturating_add(wait_ms);
        let stage = self.store.touch(hash, feed.touch(), due_ms, || Stage::new(key));
        let settled_ms = feed.watermark_ms.map(|watermark_ms| watermark_ms.saturating_sub(wait_ms));
        stage.prune(&self.measure, timespan, settled_ms);
        let arrived = Stamp::new(time_ms, feed.matched.uuid());
        let arrival = Arrival::new(arrived, mark, &self.spec, feed);
        if is_early && stage.has_room(self.spec.events_per_key) {
            return stage.set_down(arrival);
        }
        let (key, state) = stage.begin(&self.measure);
        let place = state.take(&self.measure, arrival);
        if self.measure.waits_ms().is_some() {
            let due_ms = state.next_due_ms(wait_ms);
            state.shrink(&self.measure, &self.spec, tally);
            return self.agenda.plan(hash, &mut stage.planned_ms, due_ms);
        }
        let mut judged = std::mem::take(&mut self.judged);
        judged.clear();
        if let Some(place) = place {
            state.judge(&self.measure, place, &mut self.nearest, &mut judged);
        }
        let (spec, lost_upto_ms) = (&self.spec, self.lost.upto_ms);
        let mut firing = Fire { spec, key, timespan, arrived, now_ms: feed.now_ms, lost_upto_ms };
        for (place, reading) in &judged {
            Tally::add(&mut tally.matches, spec.rule, 1);
            fired.extend(firing.fire(&self.measure, state, correlation, *place, reading, tally));
        }
        state.shrink(&self.measure, spec, tally);
        self.judged = judged;
    }
}

impl<M: Measure> Correlate for Table<M> {
    fn feed(
        &mut self,
        correlation: &Correlation,
        feed: &Feed<'_>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let Some(mark) = self.measure.mark(feed.branch, feed.matched) else {
            return Tally::add(&mut tally.ungrouped, self.spec.rule, 1);
        };
        let (keys, left_out) = keys_here(&correlation.group_by, feed.branch, feed.matched);
        if keys.is_empty() {
            return Tally::add(&mut tally.ungrouped, self.spec.rule, 1);
        }
        if left_out > 0 {
            Tally::add(&mut tally.evicted, self.spec.rule, left_out);
        }
        for key in keys {
            self.feed_key(key, mark.clone(), correlation, feed, fired, tally);
        }
    }

    fn decide(
        &mut self,
        correlation: &Correlation,
        watermark_ms: i64,
        now_ms: Option<i64>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    ) {
        let (timespan, wait_ms) = (Timespan(correlation.timespan_ms), self.wait_ms());
        while let Some(hash) = self.agenda.reached(watermark_ms) {
            let Some(stage) = self.store.get_mut(hash) else { break };
            let (spec, lost_upto_ms, arrived) = (&self.spec, self.lost.upto_ms, Stamp::LAST);
            let (key, state) = stage.begin(&self.measure);
            let mut firing = Fire { spec, key, timespan, arrived, now_ms, lost_upto_ms };
            if let Some((place, reading)) = state.decide(&self.measure, &mut self.nearest) {
                Tally::add(&mut tally.matches, spec.rule, 1);
                fired.extend(firing.fire(&self.measure, state, correlation, place, &reading, tally));
            }
            let due_ms = state.next_due_ms(wait_ms);
            state.shrink(&self.measure, spec, tally);
            self.agenda.plan(hash, &mut stage.planned_ms, due_ms);
        }
    }

    fn waiting(&self) -> Option<(i64, i64)> {
        self.agenda.span()
    }

    fn waits_ms(&self) -> i64 {
        self.wait_ms()
    }

    fn expire(&mut self, correlation: &Correlation, watermark_ms: i64) {
        let (timespan, wait_ms) = (Timespan(correlation.timespan_ms), self.wait_ms());
        let settled_ms = watermark_ms.saturating_sub(wait_ms);
        let (measure, suppression) = (&self.measure, self.spec.suppression);
        self.store.expire(watermark_ms, |stage| {
            stage.prune(measure, timespan, Some(settled_ms));
            let events = stage.needed_ms(measure, timespan);
            let alerts = stage.begun().and_then(|state| {
                state.episodes.forget(suppression, settled_ms);
                state.episodes.until(suppression)
            });
            Some(events.max(alerts)?.saturating_add(wait_ms))
        });
    }

    fn keys(&self) -> usize {
        self.store.len()
    }

    fn nearest(&self) -> Vec<Measured> {
        self.measure.measured(self.nearest.as_ref().unwrap_or(&Reading::default()))
    }

    fn episodes(&mut self, key: u128) -> Option<&mut Episodes> {
        Some(&mut self.store.get_mut(key)?.begun()?.episodes)
    }

    fn adopt(&mut self, _correlation: &Correlation, spec: Spec) {
        self.spec = spec;
    }
}

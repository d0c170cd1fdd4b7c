//! Which keys of one correlation are held, and which window of theirs comes true?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use super::episode::{Episodes, Suppression};
use super::fire::Fire;
use super::firing::{Feed, Firing};
use super::key::{Key, keys};
use super::measure::{Measure, Timespan};
use super::series::Stamp;
use super::state::{State, Touch};
use crate::model::{RuleIndex, RuleInfo, Tally};
use crate::rule::Correlation;

/// What a table needs to know of its rule besides the measure.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) rule: RuleIndex,
    pub(super) info: Arc<RuleInfo>,
    pub(super) suppression: Suppression,
    /// Other correlations take its matches.
    pub(super) feeds: bool,
    pub(super) keys: usize,
    pub(super) events_per_key: usize,
}

/// All keys of one correlation.
#[derive(Debug)]
pub(super) struct Table<M: Measure> {
    measure: M,
    spec: Spec,
    keys: HashMap<u128, State<M>, foldhash::fast::FixedState>,
    /// Keys by when they were last touched, those that only strangers made first.
    recent: BTreeMap<Touch, u128>,
    touches: u64,
    /// Keys by an instant before which they are needed; they may be needed longer.
    due: BTreeSet<(i64, u128)>,
    /// Windows that start before this may lack events of a key that was evicted.
    lost_upto_ms: i64,
    judged: Vec<(usize, f64)>,
    /// The highest figure so far.
    highest: f64,
}

/// What every table can do, whatever it measures.
pub(super) trait Correlate: std::fmt::Debug {
    /// Takes a match of one of the rule's branches, and adds what came true by it.
    fn feed(
        &mut self,
        correlation: &Correlation,
        feed: &Feed<'_>,
        fired: &mut Vec<Firing>,
        tally: &mut Tally,
    );
    /// Forgets what no event at or after the watermark can need.
    fn expire(&mut self, timespan: Timespan, watermark_ms: i64);
    /// How many keys are held.
    fn keys(&self) -> usize;
    /// The highest figure any window has had.
    fn highest(&self) -> f64;
    /// The alerts of a key.
    fn episodes(&mut self, key: u128) -> Option<&mut Episodes>;
}

impl<M: Measure> Table<M> {
    pub(super) fn new(measure: M, spec: Spec) -> Self {
        Self {
            measure,
            spec,
            keys: HashMap::default(),
            recent: BTreeMap::new(),
            touches: 0,
            due: BTreeSet::new(),
            lost_upto_ms: i64::MIN,
            judged: Vec::new(),
            highest: 0.0,
        }
    }

    /// The state of a key, made if it is not there, and marked as the latest touched.
    fn touch(&mut self, key: Key, proven: bool, timespan: Timespan, time_ms: i64, tally: &mut Tally) {
        let hash = key.hash;
        if !self.keys.contains_key(&hash) {
            self.make_room(tally);
            self.due.insert((timespan.end(time_ms), hash));
        }
        self.touches += 1;
        let count = self.touches;
        let state = self.keys.entry(hash).or_insert_with(|| State::new(key, timespan.end(time_ms)));
        self.recent.remove(&state.touched);
        state.touched = Touch { proven: proven || state.touched.proven, count };
        self.recent.insert(state.touched, hash);
        debug_assert_eq!(self.keys.len(), self.recent.len(), "a key is not in the order of touches");
        debug_assert_eq!(self.keys.len(), self.due.len(), "a key is not in the order of expiry");
    }

    fn make_room(&mut self, tally: &mut Tally) {
        while self.keys.len() >= self.spec.keys {
            let Some((_, hash)) = self.recent.pop_first() else { return };
            let Some(state) = self.keys.remove(&hash) else { continue };
            self.due.remove(&(state.due_ms, hash));
            self.lost_upto_ms = self.lost_upto_ms.max(state.series.newest().unwrap_or(i64::MIN));
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
        let timespan = Timespan(correlation.timespan_ms);
        let hash = key.hash;
        self.touch(key, feed.proven(), timespan, feed.matched.time_ms, tally);
        let Some(state) = self.keys.get_mut(&hash) else { return };
        state.prune(&self.measure, timespan, feed.watermark_ms);
        let mut judged = std::mem::take(&mut self.judged);
        judged.clear();
        let arrived = Stamp::new(feed.matched.time_ms, &feed.matched.uuid);
        if let Some(place) = state.take(&self.measure, &self.spec, arrived, mark, feed) {
            self.highest = self.highest.max(state.judge(&self.measure, correlation, place, &mut judged));
        }
        for (place, figure) in &judged {
            Tally::add(&mut tally.matches, self.spec.rule, 1);
            let mut firing =
                Fire { spec: &self.spec, timespan, feed, arrived, lost_upto_ms: self.lost_upto_ms };
            fired.extend(firing.fire(state, correlation, *place, *figure, tally));
        }
        state.shrink(&self.measure, &self.spec, tally);
        self.judged = judged;
    }
}

impl<M: Measure> Correlate for Table<M>
where
    M::Mark: Clone,
{
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
        let (keys, left_out) = keys(&correlation.group_by, feed.branch, feed.matched);
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

    fn expire(&mut self, timespan: Timespan, watermark_ms: i64) {
        while let Some((due_ms, hash)) = self.due.first().copied() {
            if due_ms > watermark_ms {
                return;
            }
            self.due.pop_first();
            let Some(state) = self.keys.get_mut(&hash) else { continue };
            state.prune(&self.measure, timespan, Some(watermark_ms));
            state.episodes.forget(self.spec.suppression, watermark_ms);
            let events = state.series.newest().map(|newest_ms| timespan.end(newest_ms));
            match events.max(state.episodes.until(self.spec.suppression)) {
                Some(needed_ms) => {
                    state.due_ms = needed_ms;
                    self.due.insert((needed_ms, hash));
                }
                None => {
                    self.recent.remove(&state.touched);
                    self.keys.remove(&hash);
                }
            }
        }
    }

    fn keys(&self) -> usize {
        self.keys.len()
    }

    fn highest(&self) -> f64 {
        self.highest
    }

    fn episodes(&mut self, key: u128) -> Option<&mut Episodes> {
        self.keys.get_mut(&key).map(|state| &mut state.episodes)
    }
}

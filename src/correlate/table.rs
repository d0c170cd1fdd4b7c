//! Which keys of one correlation are held, and which window of theirs comes true?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use super::episode::{Episodes, Suppression, Verdict};
use super::firing::{Feed, Firing};
use super::key::{Key, keys};
use super::measure::{Measure, Timespan, holds};
use super::series::{Occurrence, Series, Stamp};
use super::shown::{Gallery, select};
use crate::model::{RuleIndex, RuleInfo, Tally, Window};
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
}

/// What decides which key goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    /// An actor who had signed in made at least one of its events.
    proven: bool,
    /// When it was touched, as a count of touches.
    count: u64,
}

/// One key.
#[derive(Debug)]
struct State<M: Measure> {
    key: Key,
    series: Series<M::Mark>,
    tally: M::Tally,
    gallery: Gallery,
    episodes: Episodes,
    touched: Touch,
    lost_upto_ms: i64,
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
        let state = self.keys.entry(hash).or_insert_with(|| State::new(key));
        self.recent.remove(&state.touched);
        state.touched = Touch { proven: proven || state.touched.proven, count };
        self.recent.insert(state.touched, hash);
    }

    fn make_room(&mut self, tally: &mut Tally) {
        while self.keys.len() >= self.spec.keys {
            let Some((_, hash)) = self.recent.pop_first() else { return };
            let Some(state) = self.keys.remove(&hash) else { continue };
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
            state.judge(&self.measure, correlation, place, &mut judged);
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

    fn episodes(&mut self, key: u128) -> Option<&mut Episodes> {
        self.keys.get_mut(&key).map(|state| &mut state.episodes)
    }
}

impl<M: Measure> State<M> {
    fn new(key: Key) -> Self {
        Self {
            key,
            series: Series::default(),
            tally: M::Tally::default(),
            gallery: Gallery::default(),
            episodes: Episodes::default(),
            touched: Touch { proven: false, count: 0 },
            lost_upto_ms: i64::MIN,
        }
    }

    /// Takes out what is in no window that ends at or after the watermark.
    fn prune(&mut self, measure: &M, timespan: Timespan, watermark_ms: Option<i64>) {
        let Some(watermark_ms) = watermark_ms else { return };
        while self.series.oldest().is_some_and(|time_ms| timespan.end(time_ms) <= watermark_ms) {
            if let Some(gone) = self.series.pop_oldest() {
                measure.removed(&gone, &mut self.tally);
            }
        }
        self.gallery.forget(timespan.start(watermark_ms));
    }

    /// Puts the event to its place, which is given if anything changed by it.
    fn take(
        &mut self,
        measure: &M,
        spec: &Spec,
        stamp: Stamp,
        mark: M::Mark,
        feed: &Feed<'_>,
    ) -> Option<usize> {
        let place = match self.series.find(stamp) {
            Ok(place) => {
                if !measure.merged(&mut self.series, place, mark, &mut self.tally) {
                    return None;
                }
                place
            }
            Err(place) => {
                let event = spec.feeds.then(|| Arc::clone(&feed.matched.event));
                self.series.insert(place, Occurrence { stamp, mark, satisfied: false, event });
                measure.inserted(&self.series, place, &mut self.tally);
                place
            }
        };
        self.gallery.add(stamp, feed.matched);
        Some(place)
    }

    /// Judges the windows that an event at `place` changed; those that came true are marked so.
    fn judge(
        &mut self,
        measure: &M,
        correlation: &Correlation,
        place: usize,
        judged: &mut Vec<(usize, f64)>,
    ) {
        measure.judge(&self.series, place, &mut self.tally, &mut |last, figure| {
            if holds(&correlation.conditions, figure) {
                judged.push((last, figure));
            }
        });
        judged.retain(|(last, _)| {
            let Some(occurrence) = self.series.get_mut(*last) else { return false };
            !std::mem::replace(&mut occurrence.satisfied, true)
        });
    }

    /// Goes back to the bounds.
    fn shrink(&mut self, measure: &M, spec: &Spec, tally: &mut Tally) {
        self.gallery.thin();
        while self.series.len() > spec.events_per_key {
            let Some(gone) = self.series.pop_oldest() else { return };
            measure.removed(&gone, &mut self.tally);
            self.lost_upto_ms = self.lost_upto_ms.max(gone.stamp.time_ms);
            Tally::add(&mut tally.evicted, spec.rule, 1);
        }
    }
}

/// What is the same for all windows that one event completes.
struct Fire<'a> {
    spec: &'a Spec,
    timespan: Timespan,
    feed: &'a Feed<'a>,
    arrived: Stamp,
    lost_upto_ms: i64,
}

impl Fire<'_> {
    /// What is to be told of a window that came true; `None` if it is only counted.
    fn fire<M: Measure>(
        &mut self,
        state: &mut State<M>,
        correlation: &Correlation,
        place: usize,
        figure: f64,
        tally: &mut Tally,
    ) -> Option<Firing> {
        let last = state.series.get(place)?;
        let (stamp, event) = (last.stamp, last.event.clone());
        // The middle of a long window is not kept to be shown; the event that arrived always is.
        let decided = state.gallery.get(stamp).or_else(|| state.gallery.get(self.arrived))?;
        let verdict = self.verdict(&mut state.episodes, stamp.time_ms);
        if verdict == Verdict::Covered {
            Tally::add(&mut tally.suppressed, self.spec.rule, 1);
        }
        if matches!(verdict, Verdict::Covered | Verdict::Silent) && !self.spec.feeds {
            return None;
        }
        let timespan_ms = self.timespan.0;
        let window =
            Window { start_ms: self.timespan.start(stamp.time_ms), end_ms: stamp.time_ms, timespan_ms };
        let first = state.series.first_after(window.start_ms);
        let names = correlation.group_by.iter().map(|field| field.name.clone());
        Some(Firing {
            rule: self.spec.rule,
            key: state.key.hash,
            org: self.feed.matched.event.event().org.clone(),
            group: names.zip(state.key.values.iter().map(ToString::to_string)).collect(),
            uuid: decided.uuid.clone(),
            fired_at_ms: decided.stamp.time_ms,
            event: event.or_else(|| (stamp == self.arrived).then(|| Arc::clone(&self.feed.matched.event))),
            decided: decided.evidence.last().cloned(),
            figure,
            count: (place + 1 - first) as u64,
            first_seen_ms: state.series.time(first).unwrap_or(stamp.time_ms),
            evidence: select(state.gallery.window(window.start_ms, stamp), self.spec.info.evidence_max),
            window,
            may_be_low: window.start_ms < state.lost_upto_ms.max(self.lost_upto_ms),
            verdict,
        })
    }

    fn verdict(&self, episodes: &mut Episodes, last_ms: i64) -> Verdict {
        if !self.spec.info.generates {
            return Verdict::Silent;
        }
        let made_at_ms = self.feed.now_ms.unwrap_or(last_ms);
        episodes.offer(self.spec.suppression, last_ms, made_at_ms)
    }
}

//! What is held of one key, and what does one more event change?

use std::sync::Arc;

use super::episode::Episodes;
use super::firing::Feed;
use super::key::Key;
use super::measure::{Measure, Timespan, holds};
use super::series::{Occurrence, Series, Stamp};
use super::shown::Gallery;
use super::table::Spec;
use crate::model::Tally;
use crate::rule::Correlation;

/// What decides which key goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Touch {
    /// An actor who had signed in made at least one of its events.
    pub(super) proven: bool,
    /// When it was touched, as a count of touches.
    pub(super) count: u64,
}

/// One key.
#[derive(Debug)]
pub(super) struct State<M: Measure> {
    pub(super) key: Key,
    pub(super) series: Series<M::Mark>,
    pub(super) tally: M::Tally,
    pub(super) gallery: Gallery,
    pub(super) episodes: Episodes,
    pub(super) touched: Touch,
    /// When it is looked at next, whether it is still needed.
    pub(super) due_ms: i64,
    pub(super) lost_upto_ms: i64,
}

impl<M: Measure> State<M> {
    pub(super) fn new(key: Key, due_ms: i64) -> Self {
        Self {
            key,
            series: Series::default(),
            tally: M::Tally::default(),
            gallery: Gallery::default(),
            episodes: Episodes::default(),
            touched: Touch { proven: false, count: 0 },
            due_ms,
            lost_upto_ms: i64::MIN,
        }
    }

    /// Takes out what is in no window that ends at or after the watermark.
    pub(super) fn prune(&mut self, measure: &M, timespan: Timespan, watermark_ms: Option<i64>) {
        let Some(watermark_ms) = watermark_ms else { return };
        while self.series.oldest().is_some_and(|time_ms| timespan.end(time_ms) <= watermark_ms) {
            if let Some(gone) = self.series.pop_oldest() {
                measure.removed(&gone, &mut self.tally);
            }
        }
        self.gallery.forget(timespan.start(watermark_ms));
    }

    /// Puts the event to its place, which is given if anything changed by it.
    pub(super) fn take(
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

    /// Judges the windows that an event at `place` changed, and adds those that came true by it.
    /// Gives the highest figure among all of them.
    pub(super) fn judge(
        &mut self,
        measure: &M,
        correlation: &Correlation,
        place: usize,
        came_true: &mut Vec<(usize, f64)>,
    ) -> f64 {
        let mut highest = 0.0_f64;
        measure.judge(&self.series, place, &mut self.tally, &mut |last, figure| {
            highest = highest.max(figure);
            if holds(&correlation.conditions, figure) {
                came_true.push((last, figure));
            }
        });
        came_true.retain(|(last, _)| {
            let Some(occurrence) = self.series.get_mut(*last) else { return false };
            !std::mem::replace(&mut occurrence.satisfied, true)
        });
        highest
    }

    /// Goes back to the bounds.
    pub(super) fn shrink(&mut self, measure: &M, spec: &Spec, tally: &mut Tally) {
        self.gallery.thin();
        while self.series.len() > spec.events_per_key {
            let Some(gone) = self.series.pop_oldest() else { return };
            measure.removed(&gone, &mut self.tally);
            self.lost_upto_ms = self.lost_upto_ms.max(gone.stamp.time_ms);
            Tally::add(&mut tally.evicted, spec.rule, 1);
        }
    }
}

//! What is told of a window that came true?

use std::sync::Arc;

use super::episode::{Episodes, Verdict};
use super::firing::{Feed, Firing};
use super::measure::{Measure, Timespan};
use super::series::Stamp;
use super::shown::select;
use super::state::State;
use super::table::Spec;
use crate::model::{Tally, Window};
use crate::rule::Correlation;

/// What is the same for all windows that one event completes.
pub(super) struct Fire<'a> {
    pub(super) spec: &'a Spec,
    pub(super) timespan: Timespan,
    pub(super) feed: &'a Feed<'a>,
    pub(super) arrived: Stamp,
    pub(super) lost_upto_ms: i64,
}

impl Fire<'_> {
    /// What is to be told of a window that came true; `None` if it is only counted.
    pub(super) fn fire<M: Measure>(
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
        if matches!(verdict, Verdict::Covered { .. }) {
            Tally::add(&mut tally.suppressed, self.spec.rule, 1);
        }
        if matches!(verdict, Verdict::Covered { .. } | Verdict::Silent) && !self.spec.feeds {
            return None;
        }
        let timespan_ms = self.timespan.0;
        let window =
            Window { start_ms: self.timespan.start(stamp.time_ms), end_ms: stamp.time_ms, timespan_ms };
        let first = state.series.first_after(window.start_ms);
        let kept = state.gallery.window(window.start_ms, stamp);
        let shown = select(kept, &decided.uuid, self.spec.info.evidence_max);
        let names = correlation.group_by.iter().map(|field| field.name.clone());
        Some(Firing {
            rule: self.spec.rule,
            key: state.key.hash,
            org: self.feed.matched.event.event().org.clone(),
            group: names.zip(state.key.values.iter().map(ToString::to_string)).collect(),
            uuid: decided.uuid.clone(),
            fired_at_ms: decided.stamp.time_ms,
            event: event.or_else(|| (stamp == self.arrived).then(|| Arc::clone(&self.feed.matched.event))),
            decided: decided.own().cloned(),
            figure,
            count: (place + 1 - first) as u64,
            first_seen_ms: state.series.time(first).unwrap_or(stamp.time_ms),
            shown,
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

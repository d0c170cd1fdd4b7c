//! What is told of a window that came true?

use super::firing::Firing;
use super::key::Key;
use super::measure::{Measure, Reading, Timespan};
use super::series::Stamp;
use super::shown::select;
use super::state::State;
use super::table::Spec;
use crate::model::{Tally, Window};
use crate::rule::Correlation;

/// What is the same for all windows that one event completes.
pub(super) struct Fire<'a> {
    pub(super) spec: &'a Spec,
    pub(super) key: &'a Key,
    pub(super) timespan: Timespan,
    /// The event that arrived; where windows wait, none does.
    pub(super) arrived: Stamp,
    pub(super) now_ms: Option<i64>,
    pub(super) lost_upto_ms: i64,
}

impl Fire<'_> {
    /// What is to be told of a window that came true; `None` if it is only counted.
    pub(super) fn fire<M: Measure>(
        &mut self,
        measure: &M,
        state: &mut State<M>,
        correlation: &Correlation,
        place: usize,
        reading: &Reading,
        tally: &mut Tally,
    ) -> Option<Firing> {
        let last = state.series.get(place)?;
        let (stamp, event) = (last.stamp, last.event.clone());
        // The middle of a long window is not kept to be shown; the event that arrived always is.
        let decided = state.gallery.get(stamp).or_else(|| state.gallery.get(self.arrived))?;
        let verdict = self.spec.verdict(&mut state.episodes, stamp.time_ms, self.now_ms, tally)?;
        let (start_ms, end_ms) = measure.window(self.timespan, stamp.time_ms);
        let shown_after_ms = measure.shown_after_ms(self.timespan, stamp.time_ms);
        let first = state.series.first_after(shown_after_ms);
        let begin = begin(measure, state, first, place);
        // More is kept to be shown than to be counted.
        let from = state.series.get(begin).filter(|_| begin > first).map(|begin| begin.stamp);
        let window = state.gallery.window(shown_after_ms, stamp);
        let kept = window.filter(|shown| Some(shown.stamp) >= from);
        let shown = select(kept, decided.uuid(), self.spec.info.evidence_max);
        let shown_groups = correlation.group_by.iter().filter(|field| !field.hidden);
        let names = shown_groups.map(|field| field.name.clone());
        let own = decided.own().cloned();
        Some(Firing {
            rule: self.spec.rule,
            key: self.key.hash,
            org: own.as_ref().and_then(|own| own.org.clone()),
            group: names.zip(self.key.values.iter().map(ToString::to_string)).collect(),
            uuid: decided.uuid().clone(),
            fired_at_ms: decided.stamp.time_ms,
            last_ms: stamp.time_ms,
            event,
            decided: own,
            measured: measure.measured(reading),
            count: (place + 1 - begin) as u64,
            first_seen_ms: state.series.time(begin).unwrap_or(stamp.time_ms),
            shown,
            window: Window { start_ms, end_ms, timespan_ms: self.timespan.0 },
            may_be_low: start_ms < state.lost_upto_ms.max(self.lost_upto_ms),
            verdict,
        })
    }
}

/// The place of the first event that counts of those from one place to another.
fn begin<M: Measure>(measure: &M, state: &State<M>, first: usize, last: usize) -> usize {
    let begins = |at: &usize| state.series.get(*at).is_some_and(|event| measure.begins(&event.mark));
    (first..=last).find(begins).unwrap_or(first)
}

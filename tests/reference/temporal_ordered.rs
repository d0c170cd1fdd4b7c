//! `temporal_ordered`: which events end a run of the rules in their order?

use super::event::Occurrence;
use super::window::{silent_around, window};

#[derive(Clone, Debug)]
pub struct TemporalOrdered {
    pub timespan_ms: i64,
    /// In the order of the run.
    pub run: Vec<usize>,
    /// Rules of which nothing may be less than the timespan before or after the last event.
    pub without: Vec<usize>,
}

impl TemporalOrdered {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let satisfied = |place: &usize| {
            let window = window(events, self.timespan_ms, *place);
            ends(&window, &events[*place], &self.run)
                && silent_around(events, self.timespan_ms, *place, &self.without)
        };
        (0..events.len()).filter(satisfied).collect()
    }
}

/// Whether the event ends such a run, each rule of which has an event of its own that is later, in
/// milliseconds, than the one before.
fn ends(window: &[&Occurrence<'_>], last: &Occurrence<'_>, run: &[usize]) -> bool {
    let Some((rule, before)) = run.split_last() else { return true };
    let earlier = |other: &&&Occurrence<'_>| other.time_ms() < last.time_ms();
    last.is_of(&[*rule])
        && (before.is_empty() || window.iter().filter(earlier).any(|other| ends(window, other, before)))
}

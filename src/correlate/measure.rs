//! What does a correlation type have to know, and what is the same for all of them?

use std::fmt::Debug;

use smallvec::{SmallVec, smallvec};

use super::series::{Occurrence, Series};
use crate::model::{Match, Measured};
use crate::rule::Threshold;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// The length of a window: it holds what is after `last - timespan` and up to `last`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timespan(pub(super) i64);

impl Timespan {
    /// The instant a window ending at `last_ms` starts after.
    pub(super) fn start(self, last_ms: i64) -> i64 {
        last_ms.saturating_sub(self.0)
    }

    /// The first instant at which a window no longer holds an event at `time_ms`.
    pub(super) fn end(self, time_ms: i64) -> i64 {
        time_ms.saturating_add(self.0)
    }
}

/// What one window shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The figures, the one that tells how near it came first.
    pub(super) figures: SmallVec<[f64; 1]>,
    /// The rule is satisfied.
    pub(super) holds: bool,
}

impl Reading {
    /// Of one figure.
    pub(super) fn new(figure: f64, holds: bool) -> Self {
        Self { figures: smallvec![figure], holds }
    }

    /// The figure that tells how near it came.
    pub(super) fn headline(&self) -> f64 {
        self.figures.first().copied().unwrap_or_default()
    }
}

/// One correlation type: what it measures of a window, kept up to date event by event.
///
/// Every event is the last of one window. A type is judged *at once*, with every event, if what
/// satisfied the rule once still does when a late event joins it; else it *waits*, and each window is
/// decided once, in the order of time, when nothing can come any more that would change it.
pub(super) trait Measure: Debug {
    /// What one event adds.
    type Mark: Clone + Debug + Durable + Send + Sync + 'static;
    /// What is kept of a key besides its events, so that the next in order is cheap.
    type Tally: Default + Debug;

    /// How long after its event a window is decided, ms; `None` if it is judged at once.
    fn waits_ms(&self) -> Option<i64> {
        None
    }

    /// What a match of the rule at place `branch` of the document's list adds; `None` when a
    /// field it needs is missing.
    fn mark(&self, branch: usize, matched: &Match) -> Option<Self::Mark>;

    /// An event was put to a place of the series.
    fn inserted(&self, series: &Series<Self::Mark>, place: usize, tally: &mut Self::Tally);

    /// Another rule matched an event that is there already. Whether that changed anything.
    fn merged(
        &self,
        series: &mut Series<Self::Mark>,
        place: usize,
        more: Self::Mark,
        tally: &mut Self::Tally,
    ) -> bool;

    /// The oldest event was taken out of the series.
    fn removed(&self, gone: &Occurrence<Self::Mark>, tally: &mut Self::Tally);

    /// Measures the windows that end with the event at `place` and those after it which hold it,
    /// in the order of time. Only for a type that is judged at once.
    fn judge(
        &self,
        series: &Series<Self::Mark>,
        place: usize,
        tally: &mut Self::Tally,
        judged: &mut dyn FnMut(usize, Reading),
    );

    /// Measures the window that ends with the event at `place`, when everything that could change
    /// it is there. Events come in the order of time, each once. Only for a type that waits.
    fn decide(&self, series: &Series<Self::Mark>, place: usize, tally: &mut Self::Tally) -> Reading;

    /// Writes what is kept of a key besides its events, as far as it does not follow from them.
    fn write(&self, tally: &Self::Tally, out: &mut Writer<'_>);

    /// Reads it again, for a key with these events.
    fn read(&self, series: &Series<Self::Mark>, from: &mut Reader<'_>) -> Result<Self::Tally, Corrupt>;

    /// What an alert tells of a reading: each figure against what is asked.
    fn measured(&self, reading: &Reading) -> Vec<Measured>;

    /// The window of the event at a time, start excluded, end included; ms.
    fn window(&self, timespan: Timespan, time_ms: i64) -> (i64, i64) {
        (timespan.start(time_ms), time_ms)
    }

    /// Whether the event can be the first that counts of a window that satisfies the rule. What stands
    /// before the first such event is of no use.
    fn begins(&self, _mark: &Self::Mark) -> bool {
        true
    }

    /// After which instant the events that an alert shows come; ms.
    fn shown_after_ms(&self, timespan: Timespan, time_ms: i64) -> i64 {
        timespan.start(time_ms)
    }
}

/// Whether a figure satisfies all of a rule's thresholds.
pub(super) fn holds(conditions: &[Threshold], figure: f64) -> bool {
    conditions.iter().all(|threshold| threshold.holds(figure))
}

/// Whether the window that ends at `place` holds the event at `of` (which is not after it).
pub(super) fn reaches<M>(series: &Series<M>, timespan: Timespan, of: usize, place: usize) -> bool {
    match (series.time(of), series.time(place)) {
        (Some(event), Some(last)) => last < timespan.end(event),
        _ => false,
    }
}

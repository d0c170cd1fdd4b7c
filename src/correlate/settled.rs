//! Does a figure that only rises stay below a bound, once nothing more can join it?
//!
//! What bounds it from above has to hold of every window that shares the event: five events in a
//! burst never are "at most three", whichever of them one looks at.

use std::collections::VecDeque;

use super::gauge::Gauge;
use super::measure::{Measure, Reading, Timespan};
use super::own::measured;
use super::series::{Occurrence, Series};
use crate::durable;
use crate::model::{Match, Measured};
use crate::rule::Threshold;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// Each window with the highest figure among those that share its last event.
#[derive(Debug)]
pub(super) struct Settled<G> {
    pub(super) gauge: G,
    pub(super) timespan: Timespan,
    pub(super) conditions: Vec<Threshold>,
}

/// The figures of the events that have been measured but not decided.
#[derive(Debug, Default)]
pub(super) struct Ahead<F> {
    frame: F,
    peaks: Peaks,
}

/// The figures of a stretch of events, and their highest.
#[derive(Debug, Default)]
pub(super) struct Peaks {
    /// How many events have been taken out of the series.
    removed: u64,
    /// Number of the next event to be measured, counted from the first there ever was.
    next: u64,
    /// Figures of the events from some number on; the number of the last is `next - 1`.
    own: VecDeque<f64>,
    /// Numbers and figures, each figure higher than all after it.
    falling: VecDeque<(u64, f64)>,
}

durable!(Peaks { removed, next, own, falling });

impl Peaks {
    /// Measures every event up to those that share no window with the one at `place`; gives the
    /// event's own figure and the highest of those that share one with it.
    pub(super) fn measure<M>(
        &mut self,
        series: &Series<M>,
        timespan: Timespan,
        place: usize,
        mut figure: impl FnMut(usize) -> f64,
    ) -> (f64, f64) {
        let number = self.removed + place as u64;
        self.next = self.next.max(number);
        let end_ms = series.time(place).map_or(i64::MAX, |time_ms| timespan.end(time_ms));
        while let Some(at) = self.place_of_next().filter(|at| series.time(*at).is_some_and(|at| at < end_ms))
        {
            self.push(figure(at));
        }
        while self.falling.front().is_some_and(|(before, _)| *before < number) {
            self.falling.pop_front();
        }
        while (self.next - self.own.len() as u64) < number {
            self.own.pop_front();
        }
        let own = self.own.front().copied().unwrap_or_default();
        (own, self.falling.front().map_or(own, |(_, peak)| *peak))
    }

    fn place_of_next(&self) -> Option<usize> {
        usize::try_from(self.next.checked_sub(self.removed)?).ok()
    }

    fn push(&mut self, figure: f64) {
        while self.falling.back().is_some_and(|(_, lower)| *lower <= figure) {
            self.falling.pop_back();
        }
        self.falling.push_back((self.next, figure));
        self.own.push_back(figure);
        self.next += 1;
    }

    /// The oldest event was taken out of the series.
    pub(super) fn removed(&mut self) {
        self.removed += 1;
    }
}

impl<G: Gauge> Measure for Settled<G> {
    type Mark = G::Mark;
    type Tally = Ahead<G::Frame>;

    fn waits_ms(&self) -> Option<i64> {
        Some(self.timespan.0.saturating_sub(1))
    }

    fn mark(&self, branch: usize, matched: &Match) -> Option<G::Mark> {
        self.gauge.mark(branch, matched)
    }

    fn inserted(&self, series: &Series<G::Mark>, place: usize, ahead: &mut Ahead<G::Frame>) {
        self.gauge.inserted(series, place, &mut ahead.frame);
    }

    fn merged(
        &self,
        series: &mut Series<G::Mark>,
        place: usize,
        more: G::Mark,
        ahead: &mut Ahead<G::Frame>,
    ) -> bool {
        self.gauge.merged(series, place, more, &mut ahead.frame)
    }

    fn removed(&self, gone: &Occurrence<G::Mark>, ahead: &mut Ahead<G::Frame>) {
        self.gauge.removed(gone, &mut ahead.frame);
        ahead.peaks.removed();
    }

    fn judge(
        &self,
        _series: &Series<G::Mark>,
        _place: usize,
        _ahead: &mut Ahead<G::Frame>,
        _judged: &mut dyn FnMut(usize, Reading),
    ) {
        debug_assert!(false, "it waits");
    }

    fn decide(&self, series: &Series<G::Mark>, place: usize, ahead: &mut Ahead<G::Frame>) -> Reading {
        let Ahead { frame, peaks } = ahead;
        let figure = |at| self.gauge.figure(series, self.timespan, at, frame);
        let (own, peak) = peaks.measure(series, self.timespan, place, figure);
        let holds = self.conditions.iter().all(|threshold| threshold.holds_to_the_end(own, peak));
        Reading::new(own, holds)
    }

    fn write(&self, ahead: &Ahead<G::Frame>, out: &mut Writer<'_>) {
        let Ahead { frame, peaks } = ahead;
        self.gauge.write(frame, out);
        peaks.write(out);
    }

    fn read(&self, series: &Series<G::Mark>, from: &mut Reader<'_>) -> Result<Ahead<G::Frame>, Corrupt> {
        Ok(Ahead { frame: self.gauge.read(series, from)?, peaks: Peaks::read(from)? })
    }

    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        measured(&self.gauge, &self.conditions, reading)
    }
}

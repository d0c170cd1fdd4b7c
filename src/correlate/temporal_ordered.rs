//! `temporal_ordered`: how many of the rules matched one after the other, as listed?
//!
//! For each step, the run that reached it and started last is all that matters: any other run
//! leaves the window sooner. So an event in order costs one comparison for each step it can be.

use smallvec::SmallVec;

use super::distinct::Values;
use super::measure::{Measure, Reading, Timespan, reaches};
use super::nearby::Nearby;
use super::series::{Occurrence, Series};
use crate::durable;
use crate::model::{Match, Measured};
use crate::state::{Corrupt, Durable, Reader, Writer};

/// No run has reached the step.
const NEVER: i64 = i64::MIN;

/// Counts the steps, from the first, that the window's last event completes: each by an event of
/// its own, strictly later in milliseconds than the one before.
///
/// An event is the last of a satisfying window only if it is the last step itself. One that follows
/// a completed run without completing another does not fire again. Where some rules must not match
/// near the last step, each window is decided when none of them can come any more.
#[derive(Debug)]
pub(super) struct TemporalOrdered {
    /// Length of the window.
    pub(super) timespan: Timespan,
    /// For each step its rule, by its place in the document.
    pub(super) order: Vec<usize>,
    /// Rules that must not match within a timespan of the last step.
    pub(super) unwanted: Vec<usize>,
}

/// What is kept of a key.
#[derive(Debug, Default)]
pub(super) struct Progress {
    runs: Runs,
    nearby: Nearby,
}

/// When the latest run that reached each step started.
#[derive(Debug, Default)]
struct Runs {
    /// Counting every event up to `now_ms`.
    upto: SmallVec<[i64; 3]>,
    /// Counting only events before `now_ms`: what a step at `now_ms` may follow.
    before: SmallVec<[i64; 3]>,
    /// The newest event's time.
    now_ms: i64,
}

durable!(Progress { runs, nearby });
durable!(Runs { upto, before, now_ms });

impl Runs {
    fn reset(&mut self, steps: usize) {
        self.upto.clear();
        self.upto.resize(steps, NEVER);
        self.before.clone_from(&self.upto);
        self.now_ms = NEVER;
    }

    /// Takes the next event, and says how many steps it completes.
    fn advance(&mut self, timespan: Timespan, time_ms: i64, steps: &[usize]) -> usize {
        if time_ms > self.now_ms {
            self.before.clone_from(&self.upto);
            self.now_ms = time_ms;
        }
        let mut completed = 0;
        for step in steps.iter().copied() {
            let started = match step.checked_sub(1) {
                None => time_ms,
                Some(previous) => self.before.get(previous).copied().unwrap_or(NEVER),
            };
            if started == NEVER || time_ms >= timespan.end(started) {
                continue;
            }
            if let Some(latest) = self.upto.get_mut(step) {
                *latest = started.max(*latest);
            }
            completed = completed.max(step + 1);
        }
        completed
    }
}

impl TemporalOrdered {
    /// The steps that an event can be.
    fn steps_of(&self, mark: &Values) -> SmallVec<[usize; 2]> {
        let branches = mark.iter().filter_map(|branch| usize::try_from(*branch).ok());
        let step = |branch: usize| self.order.iter().position(|ordered| *ordered == branch);
        branches.filter_map(step).collect()
    }
}

impl Measure for TemporalOrdered {
    type Mark = Values;
    type Tally = Progress;

    fn waits_ms(&self) -> Option<i64> {
        (!self.unwanted.is_empty()).then_some(self.timespan.0.saturating_sub(1))
    }

    /// Where rules are unwanted, they are so before the first step too.
    fn begins(&self, mark: &Values) -> bool {
        !self.unwanted.is_empty() || self.order.first().is_some_and(|first| mark.contains(&(*first as u64)))
    }

    fn mark(&self, branch: usize, _matched: &Match) -> Option<Values> {
        Some(Values::from_slice(&[branch as u64]))
    }

    fn inserted(&self, series: &Series<Values>, place: usize, progress: &mut Progress) {
        progress.nearby.inserted(series, place, &self.unwanted);
    }

    fn merged(
        &self,
        series: &mut Series<Values>,
        place: usize,
        more: Values,
        progress: &mut Progress,
    ) -> bool {
        let Some(occurrence) = series.get_mut(place) else { return false };
        let new: Values = more.into_iter().filter(|branch| !occurrence.mark.contains(branch)).collect();
        occurrence.mark.extend_from_slice(&new);
        progress.nearby.merged(occurrence.stamp.time_ms, &new, &self.unwanted);
        !new.is_empty()
    }

    /// A run that started with the event stays: its start is outside every window to come.
    fn removed(&self, gone: &Occurrence<Values>, progress: &mut Progress) {
        progress.nearby.removed(gone);
    }

    fn judge(
        &self,
        series: &Series<Values>,
        place: usize,
        progress: &mut Progress,
        judged: &mut dyn FnMut(usize, Reading),
    ) {
        let runs = &mut progress.runs;
        let Some(time_ms) = series.time(place) else { return };
        // Events of one instant make nothing of each other, whatever their order.
        let is_latest = series.newest() == Some(time_ms) && time_ms >= runs.now_ms;
        let places = if is_latest && runs.upto.len() == self.order.len() {
            place..place + 1
        } else {
            runs.reset(self.order.len());
            series.first_after(self.timespan.start(time_ms))..series.len()
        };
        for at in places {
            let Some(occurrence) = series.get(at) else { break };
            let steps = self.steps_of(&occurrence.mark);
            let completed = runs.advance(self.timespan, occurrence.stamp.time_ms, &steps);
            if at >= place && reaches(series, self.timespan, place, at) {
                judged(at, Reading::new(completed as f64, completed == self.order.len()));
            }
        }
    }

    fn decide(&self, series: &Series<Values>, place: usize, progress: &mut Progress) -> Reading {
        let Some(occurrence) = series.get(place) else { return Reading::default() };
        let time_ms = occurrence.stamp.time_ms;
        if progress.runs.upto.len() != self.order.len() {
            progress.runs.reset(self.order.len());
        }
        let steps = self.steps_of(&occurrence.mark);
        let completed = progress.runs.advance(self.timespan, time_ms, &steps);
        let alone = || {
            let is_near = |branch: &usize| progress.nearby.holds(*branch, self.timespan, time_ms);
            !self.unwanted.iter().any(is_near)
        };
        Reading::new(completed as f64, completed == self.order.len() && alone())
    }

    fn write(&self, progress: &Progress, out: &mut Writer<'_>) {
        progress.write(out);
    }

    fn read(&self, _series: &Series<Values>, from: &mut Reader<'_>) -> Result<Progress, Corrupt> {
        Progress::read(from)
    }

    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        let required = match self.unwanted.len() {
            0 => format!(">= {}", self.order.len()),
            unwanted => format!(">= {} and none of {unwanted} others near", self.order.len()),
        };
        vec![Measured { what: "rules in order".to_owned(), observed: reading.headline(), required }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    fn three() -> Fed<TemporalOrdered> {
        Fed::new(TemporalOrdered { timespan: Timespan(10), order: vec![0, 1, 2], unwanted: Vec::new() })
    }

    fn step(step: u64) -> Values {
        Values::from_slice(&[step])
    }

    #[test]
    fn each_step_completes_the_run_that_started_last() {
        let mut fed = three();
        assert_eq!(fed.take(100, 1, step(0)), [(100, 1.0)]);
        assert_eq!(fed.take(103, 2, step(1)), [(103, 2.0)]);
        assert_eq!(fed.take(104, 3, step(0)), [(104, 1.0)]);
        assert_eq!(fed.take(109, 4, step(2)), [(109, 3.0)]);
        // The run from 100 has left the window, and none from 104 has reached the second step.
        assert_eq!(fed.take(110, 5, step(2)), [(110, 0.0)]);
        assert_eq!(fed.take(111, 6, step(1)), [(111, 2.0)]);
        assert_eq!(fed.take(113, 7, step(2)), [(113, 3.0)]);
    }

    #[test]
    fn events_of_one_instant_are_judged_alone_whatever_their_order() {
        let mut fed = three();
        fed.take(100, 5, step(0));
        assert_eq!(fed.take(101, 9, step(1)), [(101, 2.0)]);
        assert_eq!(fed.take(101, 3, step(1)), [(101, 2.0)]);
        assert_eq!(fed.take(101, 4, step(2)), [(101, 0.0)]);
        assert_eq!(fed.take(101, 4, step(0)), [(101, 1.0)]);
        assert_eq!(fed.take(102, 1, step(2)), [(102, 3.0)]);
    }

    #[test]
    fn the_same_millisecond_is_not_after() {
        let mut fed = three();
        fed.take(100, 1, step(0));
        assert_eq!(fed.take(100, 2, step(1)), [(100, 0.0)]);
        assert_eq!(fed.take(101, 3, step(2)), [(101, 0.0)]);
    }

    #[test]
    fn one_event_is_one_step() {
        let mut fed = three();
        fed.take(100, 1, step(0));
        fed.take(101, 2, step(1));
        assert_eq!(fed.take(101, 2, step(2)), [(101, 2.0)]);
    }

    #[test]
    fn a_step_out_of_order_completes_the_windows_that_waited_for_it() {
        let mut fed = three();
        fed.take(100, 1, step(0));
        fed.take(106, 2, step(2));
        fed.take(108, 3, step(2));
        fed.take(110, 4, step(2));
        let judged = fed.take(103, 5, step(1));
        assert_eq!(judged, [(103, 2.0), (106, 3.0), (108, 3.0), (110, 0.0)]);
        assert_eq!(fed.take(111, 6, step(2)), [(111, 0.0)]);
    }
}

//! `temporal_ordered`: how many of the rules matched one after the other, as listed?
//!
//! For each step, the run that reached it and started last is all that matters: any other run
//! leaves the window sooner. So an event in order costs one comparison for each step it can be.

use smallvec::SmallVec;

use super::distinct::{Values, merge};
use super::measure::{Measure, Timespan, reaches};
use super::series::{Occurrence, Series};
use crate::model::Match;

/// No run has reached the step.
const NEVER: i64 = i64::MIN;

/// Counts the steps, from the first, that the window's last event completes: each by an event of
/// its own, strictly later in milliseconds than the one before.
///
/// An event is the last of a satisfying window only if it is the last step itself. One that follows
/// a completed run without completing another does not fire again.
#[derive(Debug)]
pub(super) struct TemporalOrdered {
    /// Length of the window.
    pub(super) timespan: Timespan,
    /// How many steps there are.
    pub(super) steps: usize,
}

/// When the latest run that reached each step started.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Counting every event up to `now_ms`.
    upto: SmallVec<[i64; 3]>,
    /// Counting only events before `now_ms`: what a step at `now_ms` may follow.
    before: SmallVec<[i64; 3]>,
    /// The newest event's time.
    now_ms: i64,
}

impl Runs {
    fn reset(&mut self, steps: usize) {
        self.upto.clear();
        self.upto.resize(steps, NEVER);
        self.before.clone_from(&self.upto);
        self.now_ms = NEVER;
    }

    /// Takes the next event, and says how many steps it completes.
    fn advance(&mut self, timespan: Timespan, time_ms: i64, steps: &[u64]) -> usize {
        if time_ms > self.now_ms {
            self.before.clone_from(&self.upto);
            self.now_ms = time_ms;
        }
        let mut completed = 0;
        for step in steps.iter().map(|step| *step as usize) {
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

impl Measure for TemporalOrdered {
    type Mark = Values;
    type Tally = Runs;

    fn mark(&self, branch: usize, _matched: &Match) -> Option<Values> {
        Some(Values::from_slice(&[branch as u64]))
    }

    fn inserted(&self, _series: &Series<Values>, _place: usize, _runs: &mut Runs) {}

    fn merged(&self, series: &mut Series<Values>, place: usize, more: Values, _runs: &mut Runs) -> bool {
        !merge(series, place, more).is_empty()
    }

    /// A run that started with the event stays: its start is outside every window to come.
    fn removed(&self, _gone: &Occurrence<Values>, _runs: &mut Runs) {}

    fn judge(
        &self,
        series: &Series<Values>,
        place: usize,
        runs: &mut Runs,
        judged: &mut dyn FnMut(usize, f64),
    ) {
        let Some(time_ms) = series.time(place) else { return };
        let in_order = place + 1 == series.len() && runs.upto.len() == self.steps && time_ms >= runs.now_ms;
        let first = if in_order {
            place
        } else {
            runs.reset(self.steps);
            series.first_after(self.timespan.start(time_ms))
        };
        for at in first..series.len() {
            let Some(occurrence) = series.get(at) else { break };
            let completed = runs.advance(self.timespan, occurrence.stamp.time_ms, &occurrence.mark);
            if at >= place && reaches(series, self.timespan, place, at) {
                judged(at, completed as f64);
            }
        }
    }

    fn name(&self) -> String {
        "rules in order".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Fed;
    use super::*;

    fn three() -> Fed<TemporalOrdered> {
        Fed::new(TemporalOrdered { timespan: Timespan(10), steps: 3 })
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

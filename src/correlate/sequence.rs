//! `sequence`: which events end a run of all steps?

use smallvec::SmallVec;

use super::counted;
use super::distinct::Values;
use super::measure::{Measure, Reading, Timespan, reaches};
use super::series::{Occurrence, Series};
use super::step::{Completion, Entry, Progress};
use crate::durable;
use crate::model::{Match, Measured};
use crate::rule::{Counted, SequenceTest, Step};
use crate::state::{Corrupt, Durable, Reader, Writer};

/// Steps one after the other, each strictly later in milliseconds than the one before.
///
/// What may stop a run, or spoil it by being too much, may come late: such sequences wait until the
/// watermark has passed the last event. The others are judged at once.
#[derive(Debug)]
pub(super) struct Sequence {
    timespan: Timespan,
    steps: Vec<Step>,
    until: Vec<usize>,
    unequal: Vec<Counted>,
}

/// What an event is to a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mark {
    /// The rules that match it.
    branches: SmallVec<[u64; 1]>,
    /// Only for sequences that read values.
    read: Option<Box<Read>>,
}

/// What an event says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Read {
    /// For each step, the values it counts.
    counted: SmallVec<[Values; 2]>,
    /// For each field in which steps must differ.
    unequal: SmallVec<[Values; 1]>,
}

/// What is kept of a key.
#[derive(Debug, Default)]
pub(super) struct Run {
    steps: Vec<Progress>,
    /// The time of the last event that stops runs, and the one before it.
    stopped: [Option<i64>; 2],
    now_ms: Option<i64>,
}

durable!(Read { counted, unequal });
durable!(Mark { branches, read });
durable!(Run { steps, stopped, now_ms });

impl Sequence {
    pub(super) fn new(test: &SequenceTest, timespan: Timespan) -> Self {
        let step =
            |step: &Step| Step { branches: step.branches.clone(), distinct: step.distinct.clone(), ..*step };
        let steps = test.steps.iter().map(step).collect();
        Self { timespan, steps, until: test.until.clone(), unequal: test.unequal.clone() }
    }

    fn reads(&self) -> bool {
        !self.unequal.is_empty() || self.steps.iter().any(|step| step.distinct.is_some())
    }

    fn read(&self, branch: usize, matched: &Match) -> Read {
        let values = |field: &Counted| counted::values(field, branch, matched).unwrap_or_default();
        let of_step = |step: &Step| match &step.distinct {
            Some(field) if step.branches.contains(&branch) => values(field),
            _ => Values::new(),
        };
        Read {
            counted: self.steps.iter().map(of_step).collect(),
            unequal: self.unequal.iter().map(values).collect(),
        }
    }

    /// Takes the next event in the order of time, and says how many steps it completes, and whether
    /// it ends a run that nothing has stopped.
    fn advance(&self, run: &mut Run, time_ms: i64, mark: &Mark) -> (usize, bool) {
        run.steps.resize_with(self.steps.len(), Progress::default);
        run.now_ms = Some(time_ms);
        self.stop(run, time_ms, mark);
        let (mut completed, mut ended) = (0, false);
        for place in 0..self.steps.len() {
            let Some(completion) = self.step(run, place, time_ms, mark) else { continue };
            completed = completed.max(place + 1);
            if place + 1 == self.steps.len() {
                ended = !is_stopped(run, completion.entry.start_ms, time_ms);
            }
            if let Some(progress) = run.steps.get_mut(place) {
                progress.complete(completion, self.timespan.start(time_ms));
            }
        }
        (completed, ended)
    }

    fn stop(&self, run: &mut Run, time_ms: i64, mark: &Mark) {
        let stops = self.until.iter().any(|branch| mark.branches.contains(&(*branch as u64)));
        if stops && run.stopped[0] != Some(time_ms) {
            run.stopped = [Some(time_ms), run.stopped[0]];
        }
    }

    /// The best run that the event completes a step of.
    fn step(&self, run: &mut Run, place: usize, time_ms: i64, mark: &Mark) -> Option<Completion> {
        let step = self.steps.get(place)?;
        let fits = step.branches.iter().any(|branch| mark.branches.contains(&(*branch as u64)));
        let counted =
            mark.read.as_ref().and_then(|read| read.counted.get(place)).map_or(&[][..], |values| values);
        if !fits || (step.distinct.is_some() && counted.is_empty()) {
            return None;
        }
        let values = mark.read.as_ref().map(|read| read.unequal.clone()).unwrap_or_default();
        let entry = match place.checked_sub(1) {
            None => Some(Entry { last_ms: time_ms, start_ms: time_ms, before_ms: None }),
            Some(before) => run.steps.get(before)?.before(time_ms, &values).map(|completion| Entry {
                last_ms: completion.time_ms,
                start_ms: completion.entry.start_ms,
                before_ms: (before > 0).then_some(completion.entry.last_ms),
            }),
        };
        let entry = run.steps.get_mut(place)?.take(step, time_ms, entry, counted)?;
        let in_time = time_ms < self.timespan.end(entry.start_ms)
            && step.within_ms.is_none_or(|within_ms| time_ms - entry.last_ms < within_ms);
        let fits = in_time && self.is_few_enough(run, place, time_ms, entry);
        fits.then_some(Completion { time_ms, entry, values })
    }

    /// Whether the step before had no more events than it may, and the last step neither.
    fn is_few_enough(&self, run: &Run, place: usize, time_ms: i64, entry: Entry) -> bool {
        let few = |place: usize, after_ms: Option<i64>, before_ms: i64| {
            let max = self.steps.get(place).and_then(|step| step.max);
            let progress = run.steps.get(place);
            let after_ms = after_ms.or(Some(self.timespan.start(time_ms)));
            max.zip(progress).is_none_or(|(max, progress)| progress.has_at_most(max, after_ms, before_ms))
        };
        let before = place.checked_sub(1).is_none_or(|before| few(before, entry.before_ms, time_ms));
        let is_last = place + 1 == self.steps.len();
        let last_ms = (place > 0).then_some(entry.last_ms);
        before && (!is_last || few(place, last_ms, time_ms.saturating_add(1)))
    }
}

/// Whether something that stops runs came after the start and before the end.
fn is_stopped(run: &Run, start_ms: i64, end_ms: i64) -> bool {
    run.stopped.iter().flatten().any(|stop_ms| start_ms < *stop_ms && *stop_ms < end_ms)
}

impl Measure for Sequence {
    type Mark = Mark;
    type Tally = Run;

    fn waits_ms(&self) -> Option<i64> {
        let spoils = !self.until.is_empty() || self.steps.iter().any(|step| step.max.is_some());
        spoils.then_some(0)
    }

    fn begins(&self, mark: &Mark) -> bool {
        let first = self.steps.first().map_or(&[][..], |step| &step.branches);
        first.iter().any(|branch| mark.branches.contains(&(*branch as u64)))
    }

    fn mark(&self, branch: usize, matched: &Match) -> Option<Mark> {
        let read = self.reads().then(|| Box::new(self.read(branch, matched)));
        Some(Mark { branches: SmallVec::from_slice(&[branch as u64]), read })
    }

    fn inserted(&self, _series: &Series<Mark>, _place: usize, _run: &mut Run) {}

    fn merged(&self, series: &mut Series<Mark>, place: usize, more: Mark, _run: &mut Run) -> bool {
        let Some(occurrence) = series.get_mut(place) else { return false };
        let before = occurrence.mark.clone();
        let mark = &mut occurrence.mark;
        union(&mut mark.branches, &more.branches);
        if let (Some(read), Some(more)) = (&mut mark.read, &more.read) {
            read.counted.iter_mut().zip(&more.counted).for_each(|(values, more)| union(values, more));
            read.unequal.iter_mut().zip(&more.unequal).for_each(|(values, more)| union(values, more));
        }
        occurrence.mark != before
    }

    /// A run that started with the event stays: its start is outside every window to come.
    fn removed(&self, _gone: &Occurrence<Mark>, _run: &mut Run) {}

    fn judge(
        &self,
        series: &Series<Mark>,
        place: usize,
        run: &mut Run,
        judged: &mut dyn FnMut(usize, Reading),
    ) {
        let Some(time_ms) = series.time(place) else { return };
        // An event of the same instant as the last may have been taken in before under another rule.
        let in_order = place + 1 == series.len() && run.now_ms.is_none_or(|now_ms| time_ms > now_ms);
        let first = if in_order {
            place
        } else {
            *run = Run::default();
            series.first_after(self.timespan.start(time_ms))
        };
        for at in first..series.len() {
            let Some(occurrence) = series.get(at) else { break };
            let (completed, ended) = self.advance(run, occurrence.stamp.time_ms, &occurrence.mark);
            if at >= place && reaches(series, self.timespan, place, at) {
                judged(at, Reading::new(completed as f64, ended));
            }
        }
    }

    fn decide(&self, series: &Series<Mark>, place: usize, run: &mut Run) -> Reading {
        let Some(occurrence) = series.get(place) else { return Reading::default() };
        let (completed, ended) = self.advance(run, occurrence.stamp.time_ms, &occurrence.mark);
        Reading::new(completed as f64, ended)
    }

    fn write(&self, run: &Run, out: &mut Writer<'_>) {
        run.write(out);
    }

    fn read(&self, _series: &Series<Mark>, from: &mut Reader<'_>) -> Result<Run, Corrupt> {
        Run::read(from)
    }

    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        vec![Measured {
            what: "steps in order".to_owned(),
            observed: reading.headline(),
            required: format!(">= {}", self.steps.len()),
        }]
    }
}

fn union(values: &mut SmallVec<[u64; 1]>, more: &[u64]) {
    let new: Values = more.iter().copied().filter(|value| !values.contains(value)).collect();
    values.extend_from_slice(&new);
}

#[cfg(test)]
mod tests {
    use super::super::distinct::value;
    use super::super::samples::Fed;
    use super::*;

    fn step(branch: usize, min: usize) -> Step {
        Step { branches: vec![branch], min, max: None, distinct: None, within_ms: None }
    }

    fn fed(steps: Vec<Step>, until: &[usize], unequal: usize) -> Fed<Sequence> {
        let unequal = vec![Counted::default(); unequal];
        let test = SequenceTest { steps, until: until.to_vec(), unequal };
        Fed::new(Sequence::new(&test, Timespan(100)))
    }

    fn of(branch: u64) -> Mark {
        Mark { branches: SmallVec::from_slice(&[branch]), read: None }
    }

    fn from(branch: u64, place: &str) -> Mark {
        let unequal = SmallVec::from_iter([Values::from_slice(&[value(place)])]);
        Mark { read: Some(Box::new(Read { counted: SmallVec::new(), unequal })), ..of(branch) }
    }

    /// The events that end a run.
    fn ends(mut fed: Fed<Sequence>, events: Vec<(i64, Mark)>) -> Vec<i64> {
        for (uuid, (time, mark)) in (1..).zip(events) {
            fed.put(time, uuid, mark);
        }
        fed.decide_all().into_iter().filter(|(_, holds)| *holds).map(|(time, _)| time).collect()
    }

    #[test]
    fn a_step_counts_and_the_next_comes_strictly_later() {
        let denials_then_approval = || fed(vec![step(0, 3), step(1, 1)], &[], 0);
        let events = |last| vec![(0, of(0)), (5, of(0)), (9, of(0)), (last, of(1))];
        assert_eq!(ends(denials_then_approval(), events(10)), [10]);
        assert!(ends(denials_then_approval(), events(9)).is_empty());
        assert_eq!(ends(denials_then_approval(), events(99)), [99]);
        assert!(ends(denials_then_approval(), events(100)).is_empty());
        assert!(ends(denials_then_approval(), vec![(0, of(0)), (5, of(0)), (9, of(1))]).is_empty());
    }

    #[test]
    fn what_stops_it_counts_only_inside_the_run() {
        for (stop, ended) in [(0, true), (1, false), (9, false), (10, true)] {
            let sequence = fed(vec![step(0, 1), step(1, 1)], &[2], 0);
            let events = vec![(0, of(0)), (stop, of(2)), (10, of(1))];
            assert_eq!(!ends(sequence, events).is_empty(), ended, "stopped at {stop}");
        }
        let sequence = fed(vec![step(0, 1), step(1, 1)], &[2], 0);
        assert_eq!(ends(sequence, vec![(0, of(0)), (1, of(2)), (2, of(0)), (3, of(1))]), [3]);
    }

    #[test]
    fn steps_differ_where_they_must() {
        let sequence = || fed(vec![step(0, 1), step(1, 1)], &[], 1);
        assert!(ends(sequence(), vec![(0, from(0, "a")), (5, from(1, "A"))]).is_empty());
        assert_eq!(ends(sequence(), vec![(0, from(0, "a")), (5, from(1, "b"))]), [5]);
        let earlier_differs = vec![(0, from(0, "b")), (1, from(0, "a")), (5, from(1, "a"))];
        assert_eq!(ends(sequence(), earlier_differs), [5]);
    }

    #[test]
    fn a_step_may_have_no_more_than_its_most() {
        let at_most_two = || {
            let first = Step { max: Some(2), ..step(0, 1) };
            fed(vec![first, step(1, 1)], &[], 0)
        };
        assert_eq!(ends(at_most_two(), vec![(0, of(0)), (1, of(0)), (5, of(1))]), [5]);
        assert!(ends(at_most_two(), vec![(0, of(0)), (1, of(0)), (2, of(0)), (5, of(1))]).is_empty());
        let long_ago = vec![(0, of(0)), (90, of(0)), (95, of(0)), (100, of(1))];
        assert_eq!(ends(at_most_two(), long_ago), [100]);
    }

    #[test]
    fn a_step_ends_within_its_own_time_of_the_one_before() {
        let soon = Step { within_ms: Some(10), ..step(1, 2) };
        let sequence = || {
            fed(vec![step(0, 1), Step { branches: soon.branches.clone(), distinct: None, ..soon }], &[], 0)
        };
        assert_eq!(ends(sequence(), vec![(0, of(0)), (5, of(1)), (9, of(1))]), [9]);
        assert!(ends(sequence(), vec![(0, of(0)), (5, of(1)), (10, of(1))]).is_empty());
        assert_eq!(ends(sequence(), vec![(0, of(0)), (2, of(0)), (5, of(1)), (10, of(1))]), [10]);
    }

    #[test]
    fn an_event_out_of_order_completes_the_runs_that_waited_for_it() {
        let mut fed = fed(vec![step(0, 1), step(1, 1), step(2, 1)], &[], 0);
        fed.take(0, 1, of(0));
        fed.take(20, 2, of(2));
        assert_eq!(fed.take(10, 3, of(1)), [(10, 2.0), (20, 3.0)]);
        assert_eq!(fed.take(30, 4, of(2)), [(30, 3.0)]);
    }

    #[test]
    fn one_event_is_one_step() {
        let mut fed = fed(vec![step(0, 1), step(1, 1)], &[], 0);
        fed.take(0, 1, of(0));
        assert_eq!(fed.take(0, 1, of(1)), [(0, 1.0)]);
    }
}

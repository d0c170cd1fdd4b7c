//! `aggregate`: do several figures of one window satisfy a formula?

use smallvec::SmallVec;

use super::gauge::Frame;
use super::measure::{Measure, Reading, Timespan, reaches};
use super::meters::{Added, Extent, Meters, Plan};
use super::series::{Occurrence, Series};
use super::settled::Peaks;
use crate::model::{Match, Measured};
use crate::rule::{AggregateTest, Formula};
use crate::state::{Corrupt, Durable, Reader, Writer};

/// All figures are those of an event's own window; only where the formula asks that one which rises be
/// small, it has to be so in every window that shares the event.
#[derive(Debug)]
pub(super) struct Aggregate {
    timespan: Timespan,
    plan: Plan,
    condition: Formula,
    /// Each value as alerts name it, and what is asked of it.
    told: Vec<(String, String)>,
    only_rises: bool,
    /// Values that are judged on their peak.
    peaks: Vec<usize>,
}

/// What is kept of a key.
#[derive(Debug, Default)]
pub(super) struct Held {
    frame: Frame<Meters>,
    /// For each value that is judged on its peak, what is measured ahead of what is decided.
    ahead: Vec<Ahead>,
}

#[derive(Debug, Default)]
struct Ahead {
    frame: Frame<Meters>,
    peaks: Peaks,
}

/// The figures of a window, by place; what there is none of is no number.
type Figures = SmallVec<[f64; 6]>;

impl Aggregate {
    pub(super) fn new(timespan: Timespan, test: &AggregateTest) -> Self {
        let told = test.values.iter().map(|value| (value.what.clone(), value.required.clone()));
        Self {
            timespan,
            plan: Plan::new(test),
            condition: test.condition.clone(),
            told: told.collect(),
            only_rises: test.only_rises(),
            peaks: test.condition.peaks(),
        }
    }

    /// Meters for a key that has none yet.
    fn set_up(&self, held: &mut Held) {
        if held.frame.bag().is_empty() {
            *held.frame.bag() = self.plan.all();
        }
        for value in self.peaks.iter().skip(held.ahead.len()) {
            let mut ahead = Ahead::default();
            *ahead.frame.bag() = self.plan.only(*value);
            held.ahead.push(ahead);
        }
    }

    /// Moves a frame over the window of an event.
    fn look(&self, series: &Series<Added>, place: usize, frame: &mut Frame<Meters>) -> Extent {
        frame.over(series, self.timespan, place);
        let first = frame.first();
        let time = |place| series.time(place).unwrap_or_default();
        Extent { events: (place + 1).saturating_sub(first), span_ms: time(place) - time(first) }
    }

    /// The figures of the window of an event.
    fn figures(&self, series: &Series<Added>, place: usize, frame: &mut Frame<Meters>) -> Figures {
        let extent = self.look(series, place, frame);
        let figure = |value| self.plan.figure(value, frame.bag(), extent).unwrap_or(f64::NAN);
        (0..self.plan.len()).map(figure).collect()
    }

    /// The highest figure of one value in the windows that share an event.
    fn peak(&self, value: usize, series: &Series<Added>, place: usize, ahead: &mut Ahead) -> f64 {
        let Ahead { frame, peaks } = ahead;
        // What is none is lower than all, and no number where all are none.
        let measured = |at| {
            let extent = self.look(series, at, frame);
            self.plan.figure(value, frame.bag(), extent).unwrap_or(f64::NEG_INFINITY)
        };
        peaks.measure(series, self.timespan, place, measured).1
    }
}

impl Measure for Aggregate {
    type Mark = Added;
    type Tally = Held;

    fn waits_ms(&self) -> Option<i64> {
        if self.only_rises {
            return None;
        }
        Some(if self.peaks.is_empty() { 0 } else { self.timespan.0.saturating_sub(1) })
    }

    /// An event that lacks a field is part of the window all the same.
    fn mark(&self, branch: usize, matched: &Match) -> Option<Added> {
        Some(self.plan.added(branch, matched))
    }

    fn inserted(&self, series: &Series<Added>, place: usize, held: &mut Held) {
        self.set_up(held);
        held.frame.inserted(series, place);
        held.ahead.iter_mut().for_each(|ahead| ahead.frame.inserted(series, place));
    }

    fn merged(&self, series: &mut Series<Added>, place: usize, more: Added, held: &mut Held) -> bool {
        let Some(new) = series.get_mut(place).and_then(|occurrence| occurrence.mark.merge(more)) else {
            return false;
        };
        held.frame.grown(place, &new);
        held.ahead.iter_mut().for_each(|ahead| ahead.frame.grown(place, &new));
        true
    }

    fn removed(&self, gone: &Occurrence<Added>, held: &mut Held) {
        held.frame.removed(&gone.mark);
        for ahead in &mut held.ahead {
            ahead.frame.removed(&gone.mark);
            ahead.peaks.removed();
        }
    }

    fn judge(
        &self,
        series: &Series<Added>,
        place: usize,
        held: &mut Held,
        judged: &mut dyn FnMut(usize, Reading),
    ) {
        let mut last = place;
        while reaches(series, self.timespan, place, last) {
            judged(last, self.decide(series, last, held));
            last += 1;
        }
    }

    fn decide(&self, series: &Series<Added>, place: usize, held: &mut Held) -> Reading {
        let own = self.figures(series, place, &mut held.frame);
        let peaks = self.peaks.iter().copied().zip(&mut held.ahead);
        let peaks: SmallVec<[(usize, f64); 2]> =
            peaks.map(|(value, ahead)| (value, self.peak(value, series, place, ahead))).collect();
        let figure = |value: usize| own.get(value).copied();
        let peak = |value: usize| peaks.iter().find(|(of, _)| *of == value).map(|(_, peak)| *peak);
        let holds = self.condition.holds(&figure, &peak);
        let nearness = if holds { 1.0 } else { self.condition.nearness(&figure, &peak) };
        let figures = std::iter::once(nearness).chain(own.iter().copied());
        Reading { figures: figures.collect(), holds }
    }

    fn write(&self, held: &Held, out: &mut Writer<'_>) {
        let Held { frame, ahead } = held;
        frame.write(out);
        for Ahead { frame, peaks } in ahead {
            frame.write(out);
            peaks.write(out);
        }
    }

    /// A key that has an event has one of what is ahead for each peak.
    fn read(&self, series: &Series<Added>, from: &mut Reader<'_>) -> Result<Held, Corrupt> {
        let frame = Frame::read(series, self.plan.all(), from)?;
        let ahead = self.peaks.iter().map(|value| {
            let frame = Frame::read(series, self.plan.only(*value), from)?;
            Ok(Ahead { frame, peaks: Peaks::read(from)? })
        });
        Ok(Held { frame, ahead: ahead.collect::<Result<_, _>>()? })
    }

    /// The first figure of a reading is how near it came.
    fn measured(&self, reading: &Reading) -> Vec<Measured> {
        let figures = reading.figures.iter().skip(1).copied().chain(std::iter::repeat(0.0));
        let told = self.told.iter().zip(figures).filter(|(_, observed)| observed.is_finite());
        told.map(|((what, required), observed)| Measured {
            what: what.clone(),
            observed,
            required: required.clone(),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::recount::{SPAN, Sample, field, figures, plainly, window};
    use super::super::samples::{Fed, matched};
    use super::*;
    use crate::model::{Value, core};
    use crate::rule::{AggregateFigure, AggregateValue, Comparison, Counted, Operator, Term};

    fn test(figures: Vec<(AggregateFigure, bool)>, condition: Formula) -> AggregateTest {
        let values = figures.into_iter().map(|(figure, rises)| AggregateValue {
            name: String::new(),
            what: format!("{figure:?}"),
            figure,
            required: String::new(),
            rises,
        });
        AggregateTest { values: values.collect(), per: Some(field(core::TARGET_ID)), condition }
    }

    fn compare(value: usize, operator: Operator, number: f64, on_peak: bool) -> Formula {
        let (left, right) = (Term::Value(value), Term::Number(number));
        Formula::Compare(Comparison { left, operator, right, on_peak })
    }

    fn fed(figures: Vec<(AggregateFigure, bool)>, condition: Formula) -> Fed<Aggregate> {
        Fed::new(Aggregate::new(Timespan(SPAN), &test(figures, condition)))
    }

    fn feed(fed: &mut Fed<Aggregate>, sample: &Sample, branch: usize) {
        let names: Vec<String> = sample.targets.iter().map(ToString::to_string).collect();
        let ip = sample.ip.map(|ip| ip.to_string());
        let matched = matched(&[
            (core::CLIENT_IP, ip.iter().map(|ip| Value::Text(ip)).collect()),
            (core::TARGET_ID, names.iter().map(|name| Value::Text(name)).collect()),
            (core::AS_NUMBER, sample.number.into_iter().map(Value::Integer).collect()),
        ]);
        let mark = fed.measure.mark(branch, &matched).unwrap();
        fed.put(sample.second * 1000, sample.uuid, mark);
    }

    fn event(second: i64, uuid: u128, ip: u8) -> Sample {
        let (branches, targets) = (BTreeSet::from([0]), BTreeSet::new());
        Sample { second, uuid, branches, ip: Some(ip), targets, number: None }
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let branches = prop::sample::select(vec![vec![0], vec![1], vec![0, 1]]);
        let targets = prop::collection::btree_set(0..4_u8, 0..3);
        let number = prop::option::of(-3..4_i64);
        let parts = (0..40_i64, any::<u128>(), branches, prop::option::of(0..3_u8), targets, number);
        parts.prop_map(|(second, uuid, branches, ip, targets, number)| Sample {
            second,
            uuid,
            branches: branches.into_iter().collect(),
            ip,
            targets,
            number,
        })
    }

    fn close(left: f64, right: f64) -> bool {
        (left.is_nan() && right.is_nan()) || (left - right).abs() < 1e-9
    }

    proptest! {
        #[test]
        fn figures_agree_with_a_recount_whatever_comes_when(
            samples in prop::collection::vec(sample(), 1..40),
            looks in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8), 40),
        ) {
            let mut fed = fed(figures(), compare(0, Operator::Equal, 0.0, false));
            let mut held: Vec<&Sample> = Vec::new();
            for (sample, (place, action)) in samples.iter().zip(looks) {
                for branch in &sample.branches {
                    feed(&mut fed, sample, *branch);
                }
                held.push(sample);
                held.sort_by_key(|sample| (sample.second, sample.uuid));
                if action == 0 && held.len() > 1 {
                    fed.remove_oldest();
                    held.remove(0);
                }
                let place = place.index(held.len());
                let reading = fed.measure.decide(&fed.series, place, &mut fed.tally);
                let expected = plainly(&window(&held, place));
                for ((observed, expected), (figure, _)) in
                    reading.figures[1..].iter().zip(&expected).zip(figures())
                {
                    prop_assert!(close(*observed, *expected), "{figure:?}: {observed}, not {expected}");
                }
            }
        }

        #[test]
        fn peaks_agree_with_a_look_at_every_window(
            samples in prop::collection::vec(sample(), 1..30), number in 0..5_u8,
        ) {
            let rising: Vec<usize> =
                figures().iter().enumerate().filter(|(_, (_, rises))| *rises).map(|(place, _)| place).collect();
            let number = f64::from(number);
            let parts = rising.iter().map(|place| compare(*place, Operator::LessOrEqual, number, true));
            let mut fed = fed(figures(), Formula::Any(parts.collect()));
            samples.iter().for_each(|sample| sample.branches.iter().for_each(|branch| feed(&mut fed, sample, *branch)));
            let mut held: Vec<&Sample> = samples.iter().collect();
            held.sort_by_key(|sample| (sample.second, sample.uuid));
            let decided: Vec<bool> = fed.decide_all().into_iter().map(|(_, holds)| holds).collect();
            for (place, decided) in decided.into_iter().enumerate() {
                let sharing: Vec<Vec<f64>> = (place..held.len())
                    .filter(|last| held[*last].second < held[place].second + SPAN / 1000)
                    .map(|last| plainly(&window(&held, last)))
                    .collect();
                let small = |figure: &usize| {
                    let peak = sharing.iter().map(|figures| figures[*figure]).filter(|figure| !figure.is_nan());
                    peak.reduce(f64::max).is_some_and(|peak| peak <= number)
                };
                prop_assert_eq!(decided, rising.iter().any(small), "at place {}", place);
            }
        }
    }

    fn told(fed: &mut Fed<Aggregate>, place: usize) -> (bool, Vec<f64>) {
        let reading = fed.measure.decide(&fed.series, place, &mut fed.tally);
        (reading.holds, fed.measure.measured(&reading).iter().map(|one| one.observed).collect())
    }

    fn ips() -> (AggregateFigure, bool) {
        (AggregateFigure::Distinct(field(core::CLIENT_IP)), true)
    }

    #[test]
    fn it_waits_only_for_what_more_events_could_undo() {
        let waits = |figure, operator, on_peak| {
            fed(vec![figure], compare(0, operator, 2.0, on_peak)).measure.waits_ms()
        };
        assert_eq!(waits(ips(), Operator::GreaterOrEqual, false), None);
        assert_eq!(waits(ips(), Operator::Equal, false), Some(0));
        assert_eq!(waits(ips(), Operator::LessOrEqual, true), Some(SPAN - 1));
        let average = (AggregateFigure::Average(field(core::AS_NUMBER)), false);
        assert_eq!(waits(average, Operator::Greater, false), Some(0));
    }

    #[test]
    fn what_only_rises_is_judged_in_every_window_a_late_event_joins() {
        let mut fed = fed(
            vec![(AggregateFigure::Count, true), ips()],
            compare(1, Operator::GreaterOrEqual, 2.0, false),
        );
        for (second, uuid) in [(100, 1), (105, 2), (112, 3)] {
            feed(&mut fed, &event(second, uuid, 7), 0);
        }
        feed(&mut fed, &event(101, 4, 8), 0);
        let mut holding = Vec::new();
        fed.measure
            .judge(&fed.series, 1, &mut fed.tally, &mut |last, reading| holding.push((last, reading.holds)));
        assert_eq!(holding, [(1, true), (2, true)]);
    }

    #[test]
    fn one_event_of_two_rules_counts_once_with_the_values_of_both() {
        let counted = Counted { name: String::new(), fields: vec![vec![core::CLIENT_IP, core::TARGET_ID]] };
        let values = vec![
            (AggregateFigure::Count, true),
            (AggregateFigure::CountOf(1), true),
            (AggregateFigure::Distinct(counted), true),
            (AggregateFigure::Sum(field(core::AS_NUMBER)), true),
        ];
        let mut fed = fed(values, compare(0, Operator::Greater, 0.0, false));
        let sample = Sample { targets: BTreeSet::from([8]), number: Some(5), ..event(100, 1, 7) };
        feed(&mut fed, &sample, 0);
        assert_eq!(told(&mut fed, 0), (true, vec![1.0, 0.0, 1.0, 5.0]));
        feed(&mut fed, &sample, 1);
        feed(&mut fed, &sample, 1);
        assert_eq!(told(&mut fed, 0), (true, vec![1.0, 1.0, 2.0, 5.0]));
    }

    #[test]
    fn a_figure_of_nothing_is_not_told() {
        let average = (AggregateFigure::Average(field(core::AS_NUMBER)), false);
        let mut fed = fed(vec![average, ips()], compare(0, Operator::NotEqual, 3.0, false));
        assert_eq!(fed.measure.measured(&Reading::default()).len(), 2);
        feed(&mut fed, &event(100, 1, 7), 0);
        assert_eq!(told(&mut fed, 0), (false, vec![1.0]));
    }

    #[test]
    fn a_reading_says_first_how_near_it_came() {
        let mut fed = fed(vec![ips()], compare(0, Operator::GreaterOrEqual, 4.0, false));
        feed(&mut fed, &event(100, 1, 7), 0);
        feed(&mut fed, &event(101, 2, 8), 0);
        let reading = fed.measure.decide(&fed.series, 1, &mut fed.tally);
        assert!((reading.headline() - 0.5).abs() < 1e-9 && !reading.holds);
    }
}

//! `value_sum`, `value_avg`, `value_median` and `value_percentile`: what do the numbers of a window
//! come to?

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::counted;
use super::gauge::{Bag, Frame, Gauge};
use super::measure::Timespan;
use super::series::{Occurrence, Series};
use crate::durable;
use crate::model::Match;
use crate::rule::Counted;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// The numbers of one event; nearly always one.
pub(super) type Numbers = SmallVec<[f64; 1]>;

/// A figure of the numbers of a field.
#[derive(Debug)]
pub(super) struct Numeric<B> {
    counted: Counted,
    name: String,
    read: fn(&mut B, f64) -> f64,
    /// What `read` is given: the percentile, where there is one.
    argument: f64,
}

/// The sum of a field's numbers.
pub(super) fn sum(counted: &Counted) -> Numeric<Sum> {
    let name = format!("sum of {}", counted.name);
    Numeric { counted: counted.clone(), name, read: |sum, _| sum.total(), argument: 0.0 }
}

/// Their mean.
pub(super) fn average(counted: &Counted) -> Numeric<Sum> {
    let name = format!("mean of {}", counted.name);
    Numeric { counted: counted.clone(), name, read: |sum, _| sum.mean(), argument: 0.0 }
}

/// Their percentile, from 0 to 100.
pub(super) fn percentile(counted: &Counted, percent: f64) -> Numeric<Ranks> {
    let name = match percent {
        50.0 => format!("median of {}", counted.name),
        percent => format!("percentile {percent} of {}", counted.name),
    };
    Numeric { counted: counted.clone(), name, read: Ranks::percentile, argument: percent }
}

impl<B: Bag<Mark = Numbers>> Gauge for Numeric<B> {
    type Mark = Numbers;
    type Frame = Frame<B>;

    fn mark(&self, branch: usize, matched: &Match) -> Option<Numbers> {
        counted::numbers(&self.counted, branch, matched)
    }

    fn inserted(&self, series: &Series<Numbers>, place: usize, frame: &mut Frame<B>) {
        frame.inserted(series, place);
    }

    /// An event counts once: what another branch reads of it adds nothing.
    fn merged(
        &self,
        _series: &mut Series<Numbers>,
        _place: usize,
        _more: Numbers,
        _frame: &mut Frame<B>,
    ) -> bool {
        false
    }

    fn removed(&self, gone: &Occurrence<Numbers>, frame: &mut Frame<B>) {
        frame.removed(&gone.mark);
    }

    fn figure(
        &self,
        series: &Series<Numbers>,
        timespan: Timespan,
        place: usize,
        frame: &mut Frame<B>,
    ) -> f64 {
        (self.read)(frame.over(series, timespan, place), self.argument)
    }

    fn write(&self, frame: &Frame<B>, out: &mut Writer<'_>) {
        frame.write(out);
    }

    fn read(&self, series: &Series<Numbers>, from: &mut Reader<'_>) -> Result<Frame<B>, Corrupt> {
        Frame::read(series, B::default(), from)
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Sum and count, exact as long as the numbers are whole.
#[derive(Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    /// What rounding has lost so far.
    lost: f64,
    count: u64,
}

durable!(Sum { sum, lost, count });

impl Sum {
    /// Neumaier's sum: numbers that come and go leave no trace of their rounding behind.
    fn shift(&mut self, number: f64) {
        let sum = self.sum + number;
        self.lost += if self.sum.abs() >= number.abs() {
            (self.sum - sum) + number
        } else {
            (number - sum) + self.sum
        };
        self.sum = sum;
    }

    /// The sum.
    pub(super) fn total(&self) -> f64 {
        self.sum + self.lost
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// The mean; 0 of nothing.
    pub(super) fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total() / self.count as f64 }
    }
}

impl Bag for Sum {
    type Mark = Numbers;

    fn add(&mut self, numbers: &Numbers) {
        numbers.iter().for_each(|number| self.shift(*number));
        self.count += numbers.len() as u64;
    }

    fn take(&mut self, numbers: &Numbers) {
        numbers.iter().for_each(|number| self.shift(-*number));
        self.count -= numbers.len() as u64;
        if self.count == 0 {
            *self = Self::default();
        }
    }

    /// Added up again, it would be rounded in other places.
    fn write(&self, out: &mut Writer<'_>) {
        Durable::write(self, out);
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Corrupt> {
        *self = Durable::read(from)?;
        Ok(())
    }

    fn again(&mut self, _numbers: &Numbers) {}
}

/// A number in its order; no NaN comes here.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Numbers, each as often as it is there, and how many that are.
#[derive(Debug, Default)]
pub(super) struct Heap {
    numbers: BTreeMap<Ordered, u32>,
    len: u64,
}

impl Heap {
    /// The lowest of them.
    pub(super) fn lowest(&self) -> Option<f64> {
        self.least().map(|number| number.0)
    }

    /// The highest of them.
    pub(super) fn highest(&self) -> Option<f64> {
        self.most().map(|number| number.0)
    }

    fn put(&mut self, number: Ordered) {
        *self.numbers.entry(number).or_default() += 1;
        self.len += 1;
    }

    /// Whether it was there.
    fn remove(&mut self, number: Ordered) -> bool {
        let Some(count) = self.numbers.get_mut(&number) else { return false };
        *count -= 1;
        if *count == 0 {
            self.numbers.remove(&number);
        }
        self.len -= 1;
        true
    }

    fn least(&self) -> Option<Ordered> {
        self.numbers.first_key_value().map(|(number, _)| *number)
    }

    fn most(&self) -> Option<Ordered> {
        self.numbers.last_key_value().map(|(number, _)| *number)
    }
}

impl Bag for Heap {
    type Mark = Numbers;

    fn add(&mut self, numbers: &Numbers) {
        numbers.iter().for_each(|number| self.put(Ordered(*number)));
    }

    fn take(&mut self, numbers: &Numbers) {
        for number in numbers {
            self.remove(Ordered(*number));
        }
    }
}

/// The numbers of a window in two halves, cut where the percentile was asked last: one that comes or
/// goes moves the cut by a step.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    low: Heap,
    high: Heap,
}

impl Ranks {
    /// How many numbers there are.
    pub(super) fn len(&self) -> u64 {
        self.low.len + self.high.len
    }

    /// The value at a percentile, between two neighbours in proportion; 0 of nothing.
    pub(super) fn percentile(&mut self, percent: f64) -> f64 {
        let len = self.len();
        if len == 0 {
            return 0.0;
        }
        let rank = percent / 100.0 * (len - 1) as f64;
        self.cut(rank.floor() as u64 + 1);
        let below = self.low.most().map_or(0.0, |number| number.0);
        let above = self.high.least().map_or(below, |number| number.0);
        below + (above - below) * rank.fract()
    }

    /// Has so many in the lower half.
    fn cut(&mut self, wanted: u64) {
        while self.low.len < wanted {
            let Some(number) = self.high.least() else { return };
            self.high.remove(number);
            self.low.put(number);
        }
        while self.low.len > wanted {
            let Some(number) = self.low.most() else { return };
            self.low.remove(number);
            self.high.put(number);
        }
    }
}

impl Bag for Ranks {
    type Mark = Numbers;

    fn add(&mut self, numbers: &Numbers) {
        for number in numbers.iter().copied().map(Ordered) {
            let is_low = self.low.most().is_some_and(|most| number < most);
            if is_low { self.low.put(number) } else { self.high.put(number) }
        }
    }

    fn take(&mut self, numbers: &Numbers) {
        for number in numbers.iter().copied().map(Ordered) {
            if !self.low.remove(number) {
                self.high.remove(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{Fed, rising};
    use super::*;

    fn numbers(numbers: &[f64]) -> Numbers {
        Numbers::from_slice(numbers)
    }

    #[test]
    fn a_sum_follows_the_window() {
        let mut fed = Fed::new(rising(sum(&Counted::default()), 10));
        assert_eq!(fed.take(100, 1, numbers(&[3.0, 4.0])), [(100, 7.0)]);
        assert_eq!(fed.take(105, 2, numbers(&[5.0])), [(105, 12.0)]);
        assert_eq!(fed.take(110, 3, numbers(&[1.0])), [(110, 6.0)]);
        assert_eq!(fed.take(104, 4, numbers(&[10.0])), [(104, 17.0), (105, 22.0), (110, 16.0)]);
    }

    #[test]
    fn rounding_leaves_no_trace() {
        let mut sum = Sum::default();
        sum.add(&numbers(&[0.1]));
        sum.add(&numbers(&[1e15]));
        sum.take(&numbers(&[1e15]));
        assert!((sum.total() - 0.1).abs() < 1e-12, "{}", sum.total());
    }

    #[test]
    fn a_percentile_lies_between_its_neighbours_in_proportion() {
        let mut ranks = Ranks::default();
        assert_eq!(ranks.percentile(50.0).to_bits(), 0.0_f64.to_bits());
        ranks.add(&numbers(&[10.0, 20.0, 30.0, 40.0]));
        let mut at = |percent| (ranks.percentile(percent) * 1000.0).round();
        assert_eq!([at(0.0), at(50.0), at(95.0), at(100.0)], [10_000.0, 25_000.0, 38_500.0, 40_000.0]);
    }

    /// Sorts everything anew.
    fn plainly(mut numbers: Vec<f64>, percent: f64) -> f64 {
        numbers.sort_by(f64::total_cmp);
        let rank = percent / 100.0 * (numbers.len() - 1) as f64;
        let (low, high) = (numbers[rank.floor() as usize], numbers[rank.ceil() as usize]);
        low + (high - low) * rank.fract()
    }

    proptest! {
        #[test]
        fn ranks_agree_with_sorting(
            events in proptest::collection::vec((-9_i32..9, any::<bool>()), 1..60), percent in 0_u32..=100
        ) {
            let percent = f64::from(percent);
            let mut ranks = Ranks::default();
            let mut held: std::collections::VecDeque<f64> = std::collections::VecDeque::new();
            for (number, take) in events {
                ranks.add(&numbers(&[f64::from(number)]));
                held.push_back(f64::from(number));
                if take && held.len() > 1 {
                    ranks.take(&numbers(&[held.pop_front().unwrap()]));
                }
                let expected = plainly(held.iter().copied().collect(), percent);
                prop_assert!((ranks.percentile(percent) - expected).abs() < 1e-9);
            }
        }
    }
}

//! What is usual for an entity, and what is far above it?

use std::collections::VecDeque;

use crate::durable;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// The figures of an entity's buckets that are over. Those without events take no room.
#[derive(Debug, Default)]
pub(super) struct Habit {
    /// Numbers and figures, in order.
    held: VecDeque<(i64, u64)>,
    sum: u128,
    squares: u128,
}

/// The buckets that one bucket is compared with: a number of them, those without events too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usual {
    pub(super) buckets: u64,
    sum: u128,
    squares: u128,
}

durable!(Usual { buckets, sum, squares });

impl Durable for Habit {
    fn write(&self, out: &mut Writer<'_>) {
        let Self { held, sum: _, squares: _ } = self;
        held.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let held: Vec<(i64, u64)> = Durable::read(from)?;
        let mut habit = Self::default();
        held.into_iter().for_each(|(number, figure)| habit.close(number, figure));
        Ok(habit)
    }
}

impl Habit {
    /// A bucket is over; buckets come in order.
    pub(super) fn close(&mut self, number: i64, figure: u64) {
        if figure > 0 {
            self.held.push_back((number, figure));
            self.sum += u128::from(figure);
            self.squares += u128::from(figure).pow(2);
        }
    }

    /// Forgets the buckets before one.
    pub(super) fn forget(&mut self, before: i64) {
        while self.held.front().is_some_and(|(number, _)| *number < before) {
            let Some((_, figure)) = self.held.pop_front() else { return };
            self.sum -= u128::from(figure);
            self.squares -= u128::from(figure).pow(2);
        }
    }

    /// What a bucket is compared with: all buckets from `first` up to it, of which every `step`th
    /// counts, from the bucket back. Those before `first` are forgotten.
    pub(super) fn usual(&mut self, number: i64, first: i64, step: i64) -> Usual {
        self.forget(first);
        let buckets = u64::try_from((number - first) / step).unwrap_or_default();
        if step == 1 {
            return Usual { buckets, sum: self.sum, squares: self.squares };
        }
        let mut usual = Usual { buckets, ..Usual::default() };
        let mut other = number - step;
        while other >= first {
            let figure = u128::from(self.figure(other));
            usual.sum += figure;
            usual.squares += figure.pow(2);
            other -= step;
        }
        usual
    }

    fn figure(&self, number: i64) -> u64 {
        let place = self.held.binary_search_by_key(&number, |(number, _)| *number);
        place.ok().and_then(|place| self.held.get(place)).map_or(0, |(_, figure)| *figure)
    }

    /// No bucket is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Usual {
    pub(super) fn mean(&self) -> f64 {
        if self.buckets == 0 { 0.0 } else { self.sum as f64 / self.buckets as f64 }
    }

    /// Standard deviation of all buckets.
    pub(super) fn deviation(&self) -> f64 {
        if self.buckets == 0 { 0.0 } else { (self.spread() as f64).sqrt() / self.buckets as f64 }
    }

    /// The variance, times the number of buckets squared: a whole number.
    fn spread(&self) -> u128 {
        (u128::from(self.buckets) * self.squares).saturating_sub(self.sum * self.sum)
    }

    /// Whether a figure is more than so many thousandths of a deviation above the mean. Both sides
    /// are multiplied by the number of buckets and squared, so that it is exact.
    pub(super) fn is_exceeded(&self, figure: u64, thousandths: u64) -> bool {
        if self.buckets == 0 {
            return figure > 0;
        }
        let Some(above) = (u128::from(self.buckets) * u128::from(figure)).checked_sub(self.sum) else {
            return false;
        };
        let bound = (u128::from(thousandths).pow(2)).saturating_mul(self.spread());
        above.saturating_mul(above).saturating_mul(1_000_000) > bound
    }

    /// The least figure that is.
    pub(super) fn least_exceeding(&self, thousandths: u64) -> u64 {
        let (mut below, mut above) = (0, 1);
        while !self.is_exceeded(above, thousandths) && above < u64::MAX / 2 {
            (below, above) = (above, above * 2);
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if self.is_exceeded(middle, thousandths) { above = middle } else { below = middle }
        }
        above
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn habit(figures: &[(i64, u64)]) -> Habit {
        let mut habit = Habit::default();
        figures.iter().for_each(|(number, figure)| habit.close(*number, *figure));
        habit
    }

    #[test]
    fn buckets_without_events_count_as_zero() {
        let usual = habit(&[(0, 4), (3, 8)]).usual(4, 0, 1);
        assert_eq!((usual.buckets, usual.mean()), (4, 3.0));
        assert!((usual.deviation() - 11.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_is_before_the_history_is_forgotten() {
        let mut habit = habit(&[(0, 100), (1, 100), (2, 4), (5, 4)]);
        let usual = habit.usual(6, 2, 1);
        assert_eq!((usual.buckets, usual.mean()), (4, 2.0));
        habit.forget(6);
        assert!(habit.is_empty());
        assert_eq!(habit.usual(7, 6, 1), Usual { buckets: 1, sum: 0, squares: 0 });
    }

    #[test]
    fn only_every_seventh_may_count() {
        let mut habit = habit(&[(0, 7), (6, 100), (7, 9), (14, 2), (20, 100)]);
        let usual = habit.usual(21, 0, 7);
        assert_eq!((usual.buckets, usual.mean()), (3, 6.0));
        assert_eq!(habit.usual(21, 1, 7).buckets, 2, "the first of the three is not among them");
        assert_eq!(habit.usual(21, 1, 7).mean(), 5.5);
    }

    #[test]
    fn the_bound_itself_is_not_above_it() {
        // Mean 3, deviation 1.
        let usual = habit(&[(0, 2), (1, 4), (2, 2), (3, 4)]).usual(4, 0, 1);
        assert!(!usual.is_exceeded(6, 3_000) && usual.is_exceeded(7, 3_000));
        assert!(!usual.is_exceeded(5, 2_001) && usual.is_exceeded(5, 1_999));
        assert_eq!((usual.least_exceeding(3_000), usual.least_exceeding(2_500)), (7, 6));
        assert_eq!(usual.least_exceeding(0), 4);
    }

    #[test]
    fn without_a_history_anything_is_above_it() {
        assert_eq!(Usual::default().least_exceeding(3_000), 1);
        assert_eq!((Usual::default().mean(), Usual::default().deviation()), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn the_least_exceeding_exceeds_and_the_one_before_does_not(
            figures in proptest::collection::vec(0_u64..1_000_000, 1..60), thousandths in 0_u64..10_000
        ) {
            let figures: Vec<_> = (0..).zip(figures).collect();
            let usual = habit(&figures).usual(figures.len() as i64, 0, 1);
            let least = usual.least_exceeding(thousandths);
            prop_assert!(usual.is_exceeded(least, thousandths) && !usual.is_exceeded(least - 1, thousandths));
            let bound = usual.mean() + thousandths as f64 / 1_000.0 * usual.deviation();
            prop_assert!((least as f64) > bound - 1e-3 && (least as f64) < bound + 1.001);
        }
    }
}

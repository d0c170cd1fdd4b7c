//! What do the matches of a window add up to?

use std::collections::{BTreeMap, VecDeque};

use super::distinct::{Distinct, Values, value};
use super::gauge::Bag;
use super::series::Stamp;
use crate::durable;
use crate::rule::{RiskTest, Weight};
use crate::state::{Corrupt, Durable, Reader, Writer};

/// Half-lives after which the instant that points are counted for is moved on, long before a number
/// becomes too large.
const HALF_LIVES: f64 = 64.0;

/// How near to the threshold the points are added up anew, in proportion: running sums round.
const NEAR: f64 = 1e-6;

/// The matches that count, in the order of time, with their sum.
#[derive(Debug)]
pub(super) struct Points {
    counted: VecDeque<Counted>,
    /// Events that they belong to.
    events: u64,
    whole: u64,
    decay: Option<Decay>,
    tactics: Distinct,
    techniques: Distinct,
}

/// A match that counts.
#[derive(Clone, Copy, Debug)]
struct Counted {
    stamp: Stamp,
    branch: u32,
    points: u8,
}

durable!(Counted { stamp, branch, points });

/// What a match of a branch is worth.
#[derive(Debug)]
pub(super) struct Worth {
    points: u8,
    tactics: Values,
    techniques: Values,
}

impl Worth {
    pub(super) fn new(weight: &Weight) -> Self {
        let tactics = weight.tactics.iter().map(|uid| value(uid)).collect();
        let techniques = weight.techniques.iter().map(|uid| value(uid)).collect();
        Self { points: weight.points, tactics, techniques }
    }
}

/// A sum that halves with time, as it is at one instant.
#[derive(Debug)]
struct Decay {
    half_life_ms: f64,
    sum: f64,
    at_ms: i64,
    /// Matches taken out since it was added up anew.
    taken: usize,
}

impl Decay {
    fn half(&self, age_ms: i64) -> f64 {
        0.5_f64.powf(age_ms as f64 / self.half_life_ms)
    }

    fn add(&mut self, points: u8, time_ms: i64) {
        if (time_ms - self.at_ms) as f64 > HALF_LIVES * self.half_life_ms {
            self.sum *= self.half(time_ms - self.at_ms);
            self.at_ms = time_ms;
        }
        self.sum += f64::from(points) * self.half(self.at_ms - time_ms);
    }

    /// Takes a match out. Once as many went as are left, nothing of their rounding stays.
    fn take(&mut self, points: u8, time_ms: i64, left: &VecDeque<Counted>) {
        self.sum -= f64::from(points) * self.half(self.at_ms - time_ms);
        self.taken += 1;
        if self.taken >= left.len() {
            self.at_ms = left.back().map_or(self.at_ms, |last| last.stamp.time_ms);
            self.sum = self.plainly(left, self.at_ms);
            self.taken = 0;
        }
    }

    fn plainly(&self, counted: &VecDeque<Counted>, at_ms: i64) -> f64 {
        let each = |one: &Counted| f64::from(one.points) * self.half(at_ms - one.stamp.time_ms);
        counted.iter().map(each).sum()
    }
}

durable!(Decay { half_life_ms, sum, at_ms, taken });

impl Points {
    pub(super) fn new(half_life_ms: Option<i64>) -> Self {
        let decay = half_life_ms.map(|half_life_ms| Decay {
            half_life_ms: half_life_ms as f64,
            sum: 0.0,
            at_ms: 0,
            taken: 0,
        });
        Self {
            counted: VecDeque::new(),
            events: 0,
            whole: 0,
            decay,
            tactics: Distinct::default(),
            techniques: Distinct::default(),
        }
    }

    /// Writes the matches, and the sum that would be rounded elsewhere if they were added up again.
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let Self { counted, events: _, whole: _, decay, tactics: _, techniques: _ } = self;
        counted.write(out);
        decay.write(out);
    }

    /// Reads them again, given what they are worth.
    pub(super) fn read(worths: &[Worth], from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (counted, decay): (Vec<Counted>, Option<Decay>) = Durable::read(from)?;
        let mut points = Self::new(None);
        for Counted { stamp, branch, points: one } in counted {
            let worth = worths.get(branch as usize).ok_or(Corrupt("rule that adds to a score"))?;
            if worth.points != one {
                return Err(Corrupt("points of a rule"));
            }
            points.add(stamp, branch, worth);
        }
        Ok(Self { decay, ..points })
    }

    /// Adds a match that is not before any other.
    pub(super) fn add(&mut self, stamp: Stamp, branch: u32, worth: &Worth) {
        self.events += u64::from(self.counted.back().is_none_or(|last| last.stamp != stamp));
        self.counted.push_back(Counted { stamp, branch, points: worth.points });
        self.whole += u64::from(worth.points);
        if let Some(decay) = &mut self.decay {
            if self.counted.len() == 1 {
                (decay.sum, decay.at_ms) = (0.0, stamp.time_ms);
            }
            decay.add(worth.points, stamp.time_ms);
        }
        self.tactics.add(&worth.tactics);
        self.techniques.add(&worth.techniques);
    }

    /// Takes out what is not after an instant.
    pub(super) fn forget(&mut self, upto_ms: i64, worths: &[Worth]) {
        while self.counted.front().is_some_and(|first| first.stamp.time_ms <= upto_ms) {
            self.take_oldest(worths);
        }
    }

    /// Takes the oldest match out; gives when it was.
    pub(super) fn take_oldest(&mut self, worths: &[Worth]) -> Option<i64> {
        let gone = self.counted.pop_front()?;
        self.events -= u64::from(self.counted.front().is_none_or(|first| first.stamp != gone.stamp));
        self.whole -= u64::from(gone.points);
        if let Some(decay) = &mut self.decay {
            decay.take(gone.points, gone.stamp.time_ms, &self.counted);
        }
        if let Some(worth) = worths.get(gone.branch as usize) {
            self.tactics.take(&worth.tactics);
            self.techniques.take(&worth.techniques);
        }
        Some(gone.stamp.time_ms)
    }

    /// The points at an instant; exact where they are near to `threshold`.
    pub(super) fn score(&self, at_ms: i64, threshold: Option<f64>) -> f64 {
        let Some(decay) = &self.decay else { return self.whole as f64 };
        let score = decay.sum * decay.half(at_ms - decay.at_ms);
        let near = |threshold: f64| (score - threshold).abs() <= NEAR * threshold;
        if threshold.is_some_and(near) { decay.plainly(&self.counted, at_ms) } else { score }
    }

    /// Whether all bounds hold at an instant.
    pub(super) fn holds(&self, at_ms: i64, test: &RiskTest) -> bool {
        let (tactics, techniques) = self.distinct();
        test.threshold.is_none_or(|threshold| self.score(at_ms, test.threshold) >= threshold)
            && test.tactics.is_none_or(|least| tactics >= least)
            && test.techniques.is_none_or(|least| techniques >= least)
    }

    /// How many tactics and techniques there are.
    pub(super) fn distinct(&self) -> (u64, u64) {
        (self.tactics.len() as u64, self.techniques.len() as u64)
    }

    /// The points of each branch at an instant, the most first.
    pub(super) fn by_branch(&self, at_ms: i64) -> Vec<(u32, f64)> {
        let mut points: BTreeMap<u32, f64> = BTreeMap::new();
        for one in &self.counted {
            let half = self.decay.as_ref().map_or(1.0, |decay| decay.half(at_ms - one.stamp.time_ms));
            *points.entry(one.branch).or_default() += f64::from(one.points) * half;
        }
        let mut points: Vec<(u32, f64)> = points.into_iter().collect();
        points.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        points
    }

    /// How many matches count.
    pub(super) fn len(&self) -> usize {
        self.counted.len()
    }

    /// How many events they belong to.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// When the first of them was, ms.
    pub(super) fn first_ms(&self) -> Option<i64> {
        self.counted.front().map(|first| first.stamp.time_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn worth(points: u8, tactics: &[&str], techniques: &[&str]) -> Worth {
        let all = |words: &[&str]| words.iter().map(|word| value(word)).collect();
        Worth { points, tactics: all(tactics), techniques: all(techniques) }
    }

    fn stamp(time_ms: i64) -> Stamp {
        Stamp::new(time_ms, "u")
    }

    #[test]
    fn points_halve_with_time() {
        let mut points = Points::new(Some(10));
        let worths = [worth(40, &[], &[])];
        points.add(stamp(100), 0, &worths[0]);
        points.add(stamp(110), 0, &worths[0]);
        assert_eq!((points.score(110, None), points.score(120, None)), (60.0, 30.0));
        points.forget(100, &worths);
        assert_eq!(points.score(130, None), 10.0);
    }

    #[test]
    fn a_sum_that_should_reach_the_threshold_exactly_does() {
        let mut points = Points::new(Some(30));
        let worths = [worth(60, &[], &[]), worth(1, &[], &[])];
        points.add(stamp(0), 0, &worths[0]);
        for time_ms in 1..10 {
            points.add(stamp(time_ms), 1, &worths[1]);
        }
        points.forget(0, &worths);
        points.add(stamp(17), 0, &worths[0]);
        points.forget(9, &worths);
        assert_eq!(points.score(47, Some(30.0)).to_bits(), 30.0_f64.to_bits());
    }

    #[test]
    fn time_may_go_on_for_thousands_of_half_lives() {
        let mut points = Points::new(Some(1));
        let worths = [worth(99, &[], &[])];
        for n in 0..50 {
            points.add(stamp(n * 1_000), 0, &worths[0]);
        }
        assert_eq!(points.score(49_000, Some(99.0)).to_bits(), 99.0_f64.to_bits());
        assert_eq!(points.score(1_000_000, None).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn tactics_and_techniques_are_those_of_what_is_left() {
        let mut points = Points::new(None);
        let worths = [worth(5, &["one"], &["x", "y"]), worth(7, &["one", "two"], &["y"])];
        points.add(stamp(1), 0, &worths[0]);
        points.add(stamp(2), 1, &worths[1]);
        points.add(stamp(2), 0, &worths[0]);
        assert_eq!((points.distinct(), points.score(2, None), points.events()), ((2, 2), 17.0, 2));
        assert_eq!(points.by_branch(2), [(0, 10.0), (1, 7.0)]);
        points.forget(1, &worths);
        assert_eq!((points.distinct(), points.events(), points.first_ms()), ((2, 2), 1, Some(2)));
        points.take_oldest(&worths);
        points.take_oldest(&worths);
        assert_eq!((points.distinct(), points.len(), points.events()), ((0, 0), 0, 0));
        assert_eq!(points.score(9, None), 0.0);
    }

    proptest! {
        #[test]
        fn a_running_sum_agrees_with_adding_up(
            steps in proptest::collection::vec((0_i64..40, 1_u8..100), 1..80), half_life in 1_i64..50
        ) {
            let mut points = Points::new(Some(half_life));
            let worths: Vec<Worth> = (0..100).map(|n| worth(n, &[], &[])).collect();
            let mut held: Vec<(i64, u8)> = Vec::new();
            let mut now_ms = 0;
            for (wait, worth) in steps {
                now_ms += wait;
                points.forget(now_ms - 60, &worths);
                points.add(stamp(now_ms), u32::from(worth), &worths[usize::from(worth)]);
                held.push((now_ms, worth));
                held.retain(|(time_ms, _)| *time_ms > now_ms - 60);
                let half = |age: i64| 0.5_f64.powf(age as f64 / half_life as f64);
                let plain: f64 = held.iter().map(|(at, worth)| f64::from(*worth) * half(now_ms - at)).sum();
                prop_assert!((points.score(now_ms, None) - plain).abs() <= 1e-9 * plain.max(1.0));
            }
        }
    }
}

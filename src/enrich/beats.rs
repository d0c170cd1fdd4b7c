//! Does something come in a constant period, and from one machine or from two?

use smallvec::SmallVec;

use crate::durable;
use crate::limits;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// Events of one sender and place within so many seconds are one cluster.
const CLUSTER_S: i64 = 20;

/// One cluster: when, and from which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    /// Seconds since the epoch, of its first event that came.
    pub at_s: i64,
    /// A digest of the network.
    pub tag: u16,
}

durable!(Beat { at_s, tag });

/// What is a period: bounds in seconds, and how far an interval may be off, in percent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// No shorter one.
    pub shortest_s: i64,
    /// No longer one.
    pub longest_s: i64,
    /// Percent of the period.
    pub tolerance: i64,
}

impl Measure {
    /// Whether an interval is as long as the period, or nearly.
    pub fn is_near(&self, interval_s: i64, period_s: i64) -> bool {
        (interval_s - period_s).saturating_abs().saturating_mul(100)
            <= period_s.saturating_mul(self.tolerance)
    }

    /// Seconds after which a cluster of this period is overdue.
    pub fn overdue_s(&self, period_s: i64) -> i64 {
        period_s.saturating_add(period_s.saturating_mul(self.tolerance) / 100).saturating_add(CLUSTER_S)
    }

    /// The mean interval of times in order, if all are near it.
    fn period(&self, times: &[i64]) -> Option<i64> {
        let (first, last) = (times.first()?, times.last()?);
        let steps = i64::try_from(times.len()).ok()?.checked_sub(1).filter(|steps| *steps > 0)?;
        let period_s = last.saturating_sub(*first) / steps;
        let steady = times.windows(2).all(|pair| match pair {
            [one, next] => self.is_near(next.saturating_sub(*one), period_s),
            _ => false,
        });
        Some(period_s).filter(|period| steady && (self.shortest_s..=self.longest_s).contains(period))
    }
}

/// The last clusters of one sender, in the order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Beats(SmallVec<[Beat; limits::KEEPALIVE_BEATS]>);

impl Beats {
    /// Whether the event is of a cluster that is held.
    pub fn has(&self, beat: Beat) -> bool {
        let same = |held: &Beat| held.tag == beat.tag && held.at_s.abs_diff(beat.at_s) <= CLUSTER_S as u64;
        self.0.iter().any(same)
    }

    /// Takes in a cluster.
    pub fn insert(&mut self, beat: Beat) {
        let place = self.0.partition_point(|held| (held.at_s, held.tag) <= (beat.at_s, beat.tag));
        self.0.insert(place, beat);
        if self.0.len() > limits::KEEPALIVE_BEATS {
            self.0.remove(0);
        }
    }

    /// The latest cluster no later than a time.
    pub fn last(&self, at_s: i64) -> Option<Beat> {
        self.0.iter().rev().find(|beat| beat.at_s <= at_s).copied()
    }

    /// The cluster before this one.
    pub fn before(&self, beat: Beat) -> Option<Beat> {
        self.0.iter().rev().find(|held| beat.at_s.saturating_sub(held.at_s) > CLUSTER_S).copied()
    }

    /// The period that so many of the last clusters prove: of one network, else of all. Clusters that
    /// come from another network each time prove none, as two machines would look the same.
    pub fn period_s(&self, tag: u16, clusters: usize, measure: Measure) -> Option<i64> {
        let newest = |beats: &mut dyn Iterator<Item = &Beat>| {
            let mut times: SmallVec<[i64; limits::KEEPALIVE_BEATS]> = beats.map(|beat| beat.at_s).collect();
            times.reverse();
            (times.len() == clusters).then(|| measure.period(&times)).flatten()
        };
        let here = newest(&mut self.0.iter().rev().filter(|beat| beat.tag == tag).take(clusters));
        let stays = |pair: &[Beat]| pair.first().map(|beat| beat.tag) == pair.last().map(|beat| beat.tag);
        let from = self.0.len().saturating_sub(clusters);
        let anywhere = self.0.get(from..).is_some_and(|last| last.windows(2).any(stays));
        here.or_else(|| newest(&mut self.0.iter().rev().take(clusters)).filter(|_| anywhere))
    }

    /// Whether two networks send in the same period at the same time. A machine that changes its network
    /// sends from the one and then from the other: no interval of the one lies over an interval of the other.
    pub fn are_two(&self, at_s: i64, period_s: i64, measure: Measure) -> bool {
        let since_s = at_s.saturating_sub(measure.overdue_s(period_s).saturating_mul(2));
        let intervals: SmallVec<[(Beat, Beat); limits::KEEPALIVE_BEATS]> = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(place, beat)| {
                let next = self.0.iter().skip(place + 1).find(|next| next.tag == beat.tag)?;
                let near = measure.is_near(next.at_s - beat.at_s, period_s);
                (near && (since_s..=at_s).contains(&next.at_s)).then_some((*beat, *next))
            })
            .collect();
        let over = |(a, b): &(Beat, Beat), (c, d): &(Beat, Beat)| {
            a.tag != c.tag && a.at_s < d.at_s && c.at_s < b.at_s
        };
        intervals.iter().any(|one| intervals.iter().any(|other| over(one, other)))
    }
}

impl Durable for Beats {
    /// Times from the one before.
    fn write(&self, out: &mut Writer<'_>) {
        out.number(self.0.len() as u64);
        let mut before_s = 0;
        for beat in &self.0 {
            Beat { at_s: beat.at_s.wrapping_sub(before_s), ..*beat }.write(out);
            before_s = beat.at_s;
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (mut beats, mut before_s) = (Self::default(), 0_i64);
        for _ in 0..from.count()? {
            let beat = Beat::read(from)?;
            before_s = before_s.wrapping_add(beat.at_s);
            beats.0.push(Beat { at_s: before_s, ..beat });
        }
        Ok(beats)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::FieldTable;
    use crate::state::{Names, whole, written};

    const MEASURE: Measure = Measure { shortest_s: 60, longest_s: 21_600, tolerance: 20 };
    const MINUTE: i64 = 60;

    /// Clusters at so many minutes, from network `a` or `b`.
    fn beats(told: &[(char, i64)]) -> Beats {
        let mut beats = Beats::default();
        for (network, minute) in told {
            let beat = Beat { at_s: minute * MINUTE, tag: *network as u16 };
            if !beats.has(beat) {
                beats.insert(beat);
            }
        }
        beats
    }

    fn period(told: &[(char, i64)]) -> Option<i64> {
        let tag = told.last().unwrap().0 as u16;
        beats(told).period_s(tag, 3, MEASURE).map(|period_s| period_s / MINUTE)
    }

    #[test]
    fn three_clusters_at_equal_intervals_make_a_period() {
        assert_eq!(period(&[('a', 0), ('a', 15)]), None);
        assert_eq!(period(&[('a', 0), ('a', 15), ('a', 30)]), Some(15));
        assert_eq!(period(&[('a', 0), ('a', 14), ('a', 30)]), Some(15), "within the tolerance");
        assert_eq!(period(&[('a', 0), ('a', 10), ('a', 30)]), None);
        assert_eq!(period(&[('a', 0), ('a', 700), ('a', 1_400)]), None, "longer than any period");
        assert_eq!(period(&[('a', 0), ('a', 50), ('a', 65), ('a', 80)]), Some(15), "the last three count");
    }

    #[test]
    fn a_change_of_network_keeps_the_period_and_two_that_take_turns_have_none_together() {
        assert_eq!(period(&[('a', 0), ('a', 15), ('b', 30)]), Some(15));
        assert_eq!(period(&[('a', 0), ('b', 15), ('a', 30)]), None);
        assert_eq!(period(&[('a', 0), ('b', 7), ('a', 15), ('b', 22), ('a', 30)]), Some(15), "each its own");
    }

    #[test]
    fn one_machine_that_moves_is_told_apart_from_two() {
        let two = |told: &[(char, i64)]| {
            let at_s = told.iter().map(|(_, minute)| minute * MINUTE).max().unwrap();
            beats(told).are_two(at_s, 15 * MINUTE, MEASURE)
        };
        assert!(
            !two(&[('a', 0), ('a', 15), ('b', 30), ('b', 45), ('a', 60), ('a', 75)]),
            "a VPN, on and off"
        );
        assert!(
            !two(&[('a', 0), ('a', 15), ('b', 20), ('b', 35), ('a', 41), ('a', 56)]),
            "checks at each change"
        );
        assert!(!two(&[('a', 0), ('b', 15), ('a', 30), ('b', 45), ('a', 60)]), "a change at each check");
        assert!(two(&[('a', 0), ('b', 7), ('a', 15), ('b', 22)]));
        assert!(two(&[('a', 0), ('b', 0), ('a', 15), ('b', 15)]), "at the same second");
        assert!(!two(&[('a', 0), ('b', 7), ('a', 15), ('b', 22), ('a', 100)]), "long ago");
    }

    #[test]
    fn the_events_of_a_cluster_are_one_and_the_oldest_cluster_goes() {
        let mut held = beats(&[('a', 0)]);
        assert!(
            held.has(Beat { at_s: 20, tag: 'a' as u16 }) && !held.has(Beat { at_s: 21, tag: 'a' as u16 })
        );
        assert!(!held.has(Beat { at_s: 0, tag: 'b' as u16 }));
        for minute in 1..20 {
            held.insert(Beat { at_s: minute * MINUTE, tag: 1 });
        }
        assert_eq!(held.0.len(), limits::KEEPALIVE_BEATS);
        assert_eq!(held.last(19 * MINUTE).map(|beat| beat.at_s), Some(19 * MINUTE));
        assert_eq!(held.last(11 * MINUTE), None);
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_makes_no_difference(
            told in proptest::collection::vec((prop_oneof![Just('a'), Just('b')], 0_i64..200), 1..8),
        ) {
            let mut sorted = told.clone();
            sorted.sort_unstable_by_key(|(network, minute)| (*minute, *network));
            let (one, other) = (beats(&told), beats(&sorted));
            let at_s = 200 * MINUTE;
            prop_assert_eq!(one.are_two(at_s, 900, MEASURE), other.are_two(at_s, 900, MEASURE));
            prop_assert_eq!(
                one.period_s('a' as u16, 3, MEASURE),
                other.period_s('a' as u16, 3, MEASURE)
            );
        }

        #[test]
        fn they_are_read_as_they_were_written(
            told in proptest::collection::vec((prop_oneof![Just('a'), Just('b')], -500_i64..500), 0..12),
        ) {
            let beats = beats(&told);
            let table = FieldTable::default();
            let bytes = written(&table, |out| beats.write(out));
            let read = whole(&table, &mut Names::default(), &bytes, Beats::read).unwrap();
            prop_assert_eq!(read.0, beats.0);
        }
    }
}

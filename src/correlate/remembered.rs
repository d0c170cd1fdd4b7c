//! When was each of many things last seen?

use std::hash::Hash;

use hashbrown::HashMap;

use crate::durable;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// Things by when they were last seen, in a few bytes each.
#[derive(Debug)]
pub(super) struct Remembered<K> {
    last: HashMap<K, Last, foldhash::fast::FixedState>,
}

/// When a thing was last seen, and whether it was seen at another time too. A flood of values that
/// nobody shows again must not push out those by which somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Last {
    again: bool,
    time_ms: i64,
}

durable!(Last { again, time_ms });

/// What had to go at a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// How many things.
    pub(super) count: u64,
    /// When the latest of them was seen, ms.
    pub(super) upto_ms: i64,
}

impl<K> Default for Remembered<K> {
    fn default() -> Self {
        Self { last: HashMap::default() }
    }
}

impl<K: Copy + Durable + Eq + Hash + Ord> Durable for Remembered<K> {
    /// In the order of the things, so that the same is always written the same.
    fn write(&self, out: &mut Writer<'_>) {
        let Self { last } = self;
        let mut all: Vec<(K, Last)> = last.iter().map(|(thing, last)| (*thing, *last)).collect();
        all.sort_unstable();
        all.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let all: Vec<(K, Last)> = Durable::read(from)?;
        Ok(Self { last: all.into_iter().collect() })
    }
}

impl<K: Copy + Eq + Hash + Ord> Remembered<K> {
    /// When a thing was last seen, ms.
    pub(super) fn get(&self, thing: K) -> Option<i64> {
        self.last.get(&thing).map(|last| last.time_ms)
    }

    /// It was seen at an instant; an earlier one than is known changes nothing.
    pub(super) fn note(&mut self, thing: K, time_ms: i64) {
        let last = self.last.entry(thing).or_insert(Last { again: false, time_ms });
        last.again |= last.time_ms != time_ms;
        last.time_ms = last.time_ms.max(time_ms);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// Keeps those for which a function of the thing and its time holds, and gives the oldest of them.
    pub(super) fn keep(&mut self, mut wanted: impl FnMut(K, i64) -> bool) -> Option<i64> {
        self.last.retain(|thing, last| wanted(*thing, last.time_ms));
        self.last.values().map(|last| last.time_ms).min()
    }

    /// Goes back below a bound: those seen once go first, then those seen longest ago, a sixteenth more
    /// than must, as it costs a look at all of them.
    pub(super) fn shrink(&mut self, most: usize) -> Option<Lost> {
        if self.len() <= most {
            return None;
        }
        let surplus = self.len() - (most - most / 16);
        let mut all: Vec<(Last, K)> = self.last.iter().map(|(thing, last)| (*last, *thing)).collect();
        let (first, last_gone, _) = all.select_nth_unstable(surplus - 1);
        let mut upto_ms = i64::MIN;
        for (last, thing) in first.iter().chain(std::iter::once(&*last_gone)) {
            upto_ms = upto_ms.max(last.time_ms);
            self.last.remove(thing);
        }
        Some(Lost { count: surplus as u64, upto_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_time_is_kept() {
        let mut remembered = Remembered::default();
        remembered.note(7, 50);
        remembered.note(7, 40);
        assert_eq!((remembered.get(7), remembered.get(8)), (Some(50), None));
        assert_eq!(remembered.keep(|_, last_ms| last_ms > 50), None);
        assert_eq!(remembered.len(), 0);
    }

    #[test]
    fn what_is_kept_tells_its_oldest() {
        let mut remembered = Remembered::default();
        (0..5).for_each(|thing| remembered.note(thing, 10 * i64::from(thing)));
        assert_eq!(remembered.keep(|thing, _| thing != 2), Some(0));
        assert_eq!(remembered.keep(|_, last_ms| last_ms >= 20), Some(30));
    }

    #[test]
    fn at_the_bound_those_seen_longest_ago_go_a_few_at_a_time() {
        let mut remembered = Remembered::default();
        (0..32).for_each(|thing| remembered.note(thing, 100 + i64::from(thing)));
        assert_eq!(remembered.shrink(32), None);
        remembered.note(32, 99);
        assert_eq!(remembered.shrink(32), Some(Lost { count: 3, upto_ms: 101 }));
        assert_eq!((remembered.get(32), remembered.get(1), remembered.get(2)), (None, None, Some(102)));
        assert_eq!(remembered.len(), 30);
    }

    #[test]
    fn what_was_seen_again_outlives_a_flood_of_what_was_not() {
        let mut remembered = Remembered::default();
        for (thing, time_ms) in [(1, 10), (1, 20), (2, 10), (2, 10)] {
            remembered.note(thing, time_ms);
        }
        for thing in 100..1_000 {
            remembered.note(thing, i64::from(thing));
            remembered.shrink(16);
        }
        assert_eq!((remembered.get(1), remembered.get(2), remembered.get(999)), (Some(20), None, Some(999)));
    }
}

//! When was each of many things last seen?

use std::hash::Hash;

use hashbrown::HashMap;

use crate::state::{Corrupt, Durable, Reader, Writer};

/// Things by when they were last seen, in a few bytes each.
#[derive(Debug)]
pub(super) struct Remembered<K> {
    last: HashMap<K, i64, foldhash::fast::FixedState>,
}

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
        let mut all: Vec<(K, i64)> = last.iter().map(|(thing, last_ms)| (*thing, *last_ms)).collect();
        all.sort_unstable();
        all.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let all: Vec<(K, i64)> = Durable::read(from)?;
        Ok(Self { last: all.into_iter().collect() })
    }
}

impl<K: Copy + Eq + Hash + Ord> Remembered<K> {
    /// When a thing was last seen, ms.
    pub(super) fn get(&self, thing: K) -> Option<i64> {
        self.last.get(&thing).copied()
    }

    /// It was seen at an instant; an earlier one than is known changes nothing.
    pub(super) fn note(&mut self, thing: K, time_ms: i64) {
        let last_ms = self.last.entry(thing).or_insert(time_ms);
        *last_ms = (*last_ms).max(time_ms);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// Keeps those for which a function of the thing and its time holds, and gives the oldest of them.
    pub(super) fn keep(&mut self, mut wanted: impl FnMut(K, i64) -> bool) -> Option<i64> {
        self.last.retain(|thing, last_ms| wanted(*thing, *last_ms));
        self.last.values().min().copied()
    }

    /// Goes back below a bound: those seen longest ago go, a sixteenth more than must, as it costs a
    /// look at all of them.
    pub(super) fn shrink(&mut self, most: usize) -> Option<Lost> {
        if self.len() <= most {
            return None;
        }
        let surplus = self.len() - (most - most / 16);
        let mut all: Vec<(i64, K)> = self.last.iter().map(|(thing, last_ms)| (*last_ms, *thing)).collect();
        let (oldest, newest_gone, _) = all.select_nth_unstable(surplus - 1);
        let upto_ms = newest_gone.0;
        let gone = oldest.iter().chain(std::iter::once(&*newest_gone));
        for (_, thing) in gone {
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
}

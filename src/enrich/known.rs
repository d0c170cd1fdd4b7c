//! Was this value seen before, and if not, were others?
//!
//! Bounded: beyond, the value least recently seen goes.

use crate::durable;

/// Values seen before, each with when it was first and last seen in event time.
#[derive(Debug)]
pub(super) struct Known<T>(Vec<Sighted<T>>);

#[derive(Debug)]
struct Sighted<T> {
    value: T,
    first_ms: i64,
    last_ms: i64,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

durable!(Known<T> { 0 });
durable!(Sighted<T> { value, first_ms, last_ms });

/// What is said of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Others had been seen, this one had not. If its first two sightings arrive the wrong way round, the
    /// earlier one is new as well: it is the first in event time.
    pub new: bool,
    /// So many had to be forgotten for it.
    pub evicted: u64,
}

/// What is said of a value beside what is held, which stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Others had been seen, this one had not, or not for so long that it is forgotten.
    pub new: bool,
    /// It is held, and forgotten.
    pub forgotten: bool,
}

impl<T: PartialEq> Known<T> {
    /// Takes in a sighting; at most so many values are held.
    pub fn take(&mut self, value: T, at_ms: i64, bound: usize) -> Told {
        let others = self.others(&value).any(|known| known.first_ms <= at_ms);
        let new = others && self.find(&value).is_none_or(|known| at_ms < known.first_ms);
        Told { new, evicted: self.learn(value, at_ms, bound, false) }
    }

    /// Compares a value, which is forgotten after so long. Of the values of one moment, none is new to the
    /// others; whatever is held of a later time counts, but for a value that is held itself.
    pub fn compare(&self, value: &T, at_ms: i64, quiet_ms: i64) -> Compared {
        let mut others = self.others(value);
        let Some(known) = self.find(value) else {
            return Compared { new: others.any(|other| other.first_ms != at_ms), forgotten: false };
        };
        let forgotten = at_ms.saturating_sub(known.last_ms) > quiet_ms;
        let before = others.any(|other| other.first_ms < at_ms);
        Compared { new: before && (forgotten || at_ms < known.first_ms), forgotten }
    }

    /// Takes in a sighting, or the first one after the value was forgotten; how many had to go for it.
    pub fn learn(&mut self, value: T, at_ms: i64, bound: usize, forgotten: bool) -> u64 {
        if let Some(known) = self.0.iter_mut().find(|known| known.value == value) {
            known.first_ms = if forgotten { at_ms } else { known.first_ms.min(at_ms) };
            known.last_ms = known.last_ms.max(at_ms);
            return 0;
        }
        let mut evicted = 0;
        if self.0.len() >= bound {
            let least = self.0.iter().enumerate().min_by_key(|(_, known)| known.last_ms);
            if let Some(place) = least.map(|(place, _)| place) {
                self.0.swap_remove(place);
                evicted = 1;
            }
        }
        self.0.push(Sighted { value, first_ms: at_ms, last_ms: at_ms });
        evicted
    }

    fn find(&self, value: &T) -> Option<&Sighted<T>> {
        self.0.iter().find(|known| known.value == *value)
    }

    fn others(&self, value: &T) -> impl Iterator<Item = &Sighted<T>> {
        self.0.iter().filter(move |known| known.value != *value)
    }

    /// Whether a value was seen, at this time or before.
    pub fn holds(&self, value: &T, at_ms: i64) -> bool {
        self.0.iter().any(|known| known.value == *value && known.first_ms <= at_ms)
    }

    /// How many values are held.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_new(known: &mut Known<&'static str>, value: &'static str, at_ms: i64) -> bool {
        known.take(value, at_ms, 3).new
    }

    #[test]
    fn the_first_of_all_is_not_new_and_every_other_is_once() {
        let mut known = Known::default();
        assert!(!is_new(&mut known, "a", 0));
        assert!(is_new(&mut known, "b", 20));
        assert!(!is_new(&mut known, "b", 30) && !is_new(&mut known, "a", 30));
        assert!(known.holds(&"b", 20) && !known.holds(&"b", 19) && !known.holds(&"c", 99));
    }

    #[test]
    fn the_earlier_of_two_is_new_even_if_it_comes_second() {
        let mut known = Known::default();
        is_new(&mut known, "a", 0);
        assert!(is_new(&mut known, "b", 20));
        assert!(is_new(&mut known, "b", 10), "in event time this is the first");
        assert!(!is_new(&mut known, "b", 15));
        assert!(!is_new(&mut known, "a", -5), "nothing was before");
    }

    #[test]
    fn the_least_recently_seen_goes_at_the_bound_and_is_counted() {
        let mut known = Known::default();
        for (at_ms, value) in [(0, "a"), (1, "b"), (2, "c"), (3, "a")] {
            assert_eq!(known.take(value, at_ms, 3).evicted, 0);
        }
        assert_eq!(known.take("d", 4, 3), Told { new: true, evicted: 1 });
        assert_eq!(known.len(), 3);
        assert!(known.holds(&"a", 9) && !known.holds(&"b", 9));
    }
}

//! Which values has an entity shown before?
//!
//! A value's sightings lie in runs: none of a run is further than the time to forget from the one
//! before. Only the first of a run can be new, so a run is all that has to be known: where it begins,
//! as long as an earlier sighting may still come and take that place, and where it ends. Once the
//! watermark has passed the beginning, only the end is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::lives::Lives;
use super::remembered::{Lost, Remembered};
use super::series::Stamp;
use crate::durable;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// What one entity has shown. `P` is what is kept of a sighting that may be new.
#[derive(Debug)]
pub(super) struct Memory<P> {
    pub(super) lives: Lives,
    /// The end of the last decided run of each value.
    known: Remembered<u64>,
    /// Runs whose beginning is not decided.
    open: BTreeMap<(u64, Stamp), Open<P>>,
    order: BTreeSet<(Stamp, u64)>,
    /// Values seen up to this instant may have been forgotten at a bound; ms.
    pub(super) lost_upto_ms: i64,
    /// The watermark at which something can be decided.
    pub(super) planned_ms: Option<i64>,
}

#[derive(Debug)]
struct Open<P> {
    last_ms: i64,
    kept: P,
}

/// The first sighting of a value after it was forgotten, or of all.
#[derive(Debug)]
pub(super) struct First<P> {
    /// Its place in time.
    pub(super) stamp: Stamp,
    /// Since when the entity is known, ms.
    pub(super) since_ms: i64,
    /// What was kept of it.
    pub(super) kept: P,
}

impl<P> Default for Memory<P> {
    fn default() -> Self {
        Self {
            lives: Lives::default(),
            known: Remembered::default(),
            open: BTreeMap::new(),
            order: BTreeSet::new(),
            lost_upto_ms: i64::MIN,
            planned_ms: None,
        }
    }
}

durable!(Open<P> { last_ms, kept });

impl<P: Durable> Durable for Memory<P> {
    fn write(&self, out: &mut Writer<'_>) {
        let Self { lives, known, open, order: _, lost_upto_ms, planned_ms } = self;
        lives.write(out);
        known.write(out);
        open.write(out);
        lost_upto_ms.write(out);
        planned_ms.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (lives, known) = (Lives::read(from)?, Remembered::read(from)?);
        let open: BTreeMap<(u64, Stamp), Open<P>> = Durable::read(from)?;
        let order = open.keys().map(|(value, stamp)| (*stamp, *value)).collect();
        let (lost_upto_ms, planned_ms) = (i64::read(from)?, Durable::read(from)?);
        Ok(Self { lives, known, open, order, lost_upto_ms, planned_ms })
    }
}

impl<P> Memory<P> {
    /// Takes a sighting that is not behind the watermark. What is kept of it is given if it may be
    /// new; `None` if it is known not to be.
    pub(super) fn see(
        &mut self,
        value: u64,
        stamp: Stamp,
        forget_ms: i64,
        keep: impl FnOnce() -> P,
    ) -> Option<&mut P> {
        self.lives.see(stamp.time_ms);
        if self.open.contains_key(&(value, stamp)) {
            return self.open.get_mut(&(value, stamp)).map(|open| &mut open.kept);
        }
        let before = self.open.range(..(value, stamp)).next_back().filter(|((of, _), _)| *of == value);
        let before = before.map(|((_, stamp), open)| (Some(*stamp), open.last_ms));
        let before = before.or_else(|| self.known.get(value).map(|last_ms| (None, last_ms)));
        let run = before.filter(|(_, last_ms)| stamp.time_ms <= last_ms.saturating_add(forget_ms));
        let last_ms = run.map_or(stamp.time_ms, |(_, last_ms)| last_ms.max(stamp.time_ms));
        let last_ms = self.join(value, stamp, last_ms, forget_ms);
        match run {
            Some((None, _)) => self.known.note(value, last_ms),
            Some((Some(first), _)) => {
                if let Some(open) = self.open.get_mut(&(value, first)) {
                    open.last_ms = last_ms;
                }
            }
            None => {
                self.order.insert((stamp, value));
                let open = self.open.entry((value, stamp)).or_insert_with(|| Open { last_ms, kept: keep() });
                return Some(&mut open.kept);
            }
        }
        None
    }

    /// Joins the run that begins after a sighting, if a run that ends at an instant reaches it; gives
    /// the end.
    fn join(&mut self, value: u64, stamp: Stamp, last_ms: i64, forget_ms: i64) -> i64 {
        let next = self.open.range((value, stamp)..).next().filter(|((of, _), _)| *of == value);
        let reached = next.filter(|((_, next), _)| next.time_ms <= last_ms.saturating_add(forget_ms));
        let Some(((_, next), _)) = reached else { return last_ms };
        let next = *next;
        self.order.remove(&(next, value));
        self.open.remove(&(value, next)).map_or(last_ms, |joined| joined.last_ms.max(last_ms))
    }

    /// When the first undecided sighting was, ms.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.order.first().map(|(stamp, _)| stamp.time_ms)
    }

    /// Decides the first undecided sighting, which no other can come before any more.
    pub(super) fn decide(&mut self) -> Option<First<P>> {
        let (stamp, value) = self.order.pop_first()?;
        let open = self.open.remove(&(value, stamp))?;
        self.known.note(value, stamp.time_ms);
        self.known.note(value, open.last_ms);
        Some(First { stamp, since_ms: self.lives.since(stamp.time_ms), kept: open.kept })
    }

    /// Goes back to the bounds: so many values, and so many undecided sightings, of which the oldest
    /// counts as known without having been told.
    pub(super) fn shrink(&mut self, values: usize, undecided: usize) -> u64 {
        let mut gone = 0;
        while self.order.len() > undecided && self.decide().is_some() {
            gone += 1;
        }
        if let Some(Lost { count, upto_ms }) = self.known.shrink(values) {
            self.lost_upto_ms = self.lost_upto_ms.max(upto_ms);
            gone += count;
        }
        gone
    }

    /// Forgets what no event at or after the watermark can need. Gives when to look again; `None` if
    /// nothing is left.
    pub(super) fn forget(&mut self, watermark_ms: i64, forget_ms: i64) -> Option<i64> {
        self.lives.forget(watermark_ms);
        let oldest = self.known.keep(|_, last_ms| last_ms.saturating_add(forget_ms) >= watermark_ms);
        let until_ms = self.lives.until()?;
        if until_ms < watermark_ms && self.order.is_empty() {
            return None;
        }
        // A look costs as much as there are values: not one for each of them.
        let soonest = watermark_ms.saturating_add(forget_ms / 8);
        let forgotten = oldest.map(|oldest_ms| oldest_ms.saturating_add(forget_ms).max(soonest));
        Some(forgotten.map_or(until_ms, |forgotten| forgotten.min(until_ms)).saturating_add(1))
    }

    /// How many values are known.
    #[cfg(test)]
    fn values(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORGET: i64 = 100;

    /// Takes sightings of one value and decides all: the times at which it was new.
    fn new(times: &[i64]) -> Vec<i64> {
        let mut memory: Memory<()> = Memory::default();
        for (number, time_ms) in times.iter().enumerate() {
            memory.see(1, stamp(*time_ms, number as u128), FORGET, || ());
        }
        std::iter::from_fn(|| memory.decide()).map(|first| first.stamp.time_ms).collect()
    }

    fn stamp(time_ms: i64, uuid: u128) -> Stamp {
        Stamp::new(time_ms, &uuid::Uuid::from_u128(uuid).to_string())
    }

    #[test]
    fn a_value_is_new_once_and_again_when_it_was_forgotten() {
        assert_eq!(new(&[10, 60, 110, 210]), [10], "each within a hundred of the one before");
        assert_eq!(new(&[10, 111]), [10, 111]);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        assert_eq!(new(&[110, 10]), [10]);
        assert_eq!(new(&[210, 10, 110]), [10], "the one in between joins both");
        assert_eq!(new(&[211, 10, 110]), [10, 211]);
        assert_eq!(new(&[311, 211, 10, 110]), [10, 211]);
        assert_eq!(new(&[500, 10, 250, 150]), [10, 150, 500]);
    }

    #[test]
    fn of_sightings_at_one_time_the_first_by_uuid_is_new() {
        let mut memory: Memory<u8> = Memory::default();
        assert!(memory.see(1, stamp(10, 2), FORGET, || 2).is_some());
        assert!(memory.see(1, stamp(10, 1), FORGET, || 1).is_some());
        assert!(memory.see(1, stamp(10, 3), FORGET, || 3).is_none());
        assert_eq!(memory.decide().map(|first| first.kept), Some(1));
        assert!(memory.decide().is_none());
    }

    #[test]
    fn what_is_decided_is_known_and_what_is_known_needs_no_deciding() {
        let mut memory: Memory<()> = Memory::default();
        memory.see(1, stamp(10, 1), FORGET, || ());
        memory.see(2, stamp(20, 2), FORGET, || ());
        assert_eq!(memory.next_ms(), Some(10));
        memory.decide();
        assert_eq!(memory.next_ms(), Some(20));
        memory.decide();
        assert!(memory.see(1, stamp(90, 3), FORGET, || ()).is_none());
        assert!(memory.see(1, stamp(50, 4), FORGET, || ()).is_none(), "out of order");
        assert!(memory.see(1, stamp(190, 5), FORGET, || ()).is_none(), "the latest sighting counts");
        assert!(memory.see(1, stamp(291, 6), FORGET, || ()).is_some());
    }

    #[test]
    fn a_known_value_takes_the_place_of_a_sighting_that_looked_new() {
        let mut memory: Memory<()> = Memory::default();
        memory.see(1, stamp(10, 1), FORGET, || ());
        memory.decide();
        assert!(memory.see(1, stamp(150, 2), FORGET, || ()).is_some());
        assert!(memory.see(1, stamp(80, 3), FORGET, || ()).is_none());
        assert_eq!(memory.next_ms(), None, "eighty is within reach of both");
        assert!(memory.see(1, stamp(250, 4), FORGET, || ()).is_none());
    }

    #[test]
    fn the_entity_is_known_since_its_first_sighting_of_whatever_value() {
        let mut memory: Memory<()> = Memory::default();
        memory.see(2, stamp(50, 1), FORGET, || ());
        memory.see(1, stamp(10, 2), FORGET, || ());
        let since: Vec<_> = std::iter::from_fn(|| memory.decide()).map(|first| first.since_ms).collect();
        assert_eq!(since, [10, 10]);
    }

    #[test]
    fn what_no_event_can_need_is_forgotten_and_the_entity_is_known_longer_than_its_values() {
        let mut memory: Memory<()> = Memory::default();
        memory.see(1, stamp(10, 1), FORGET, || ());
        memory.decide();
        assert_eq!(memory.forget(110, FORGET), Some(123));
        assert_eq!(memory.values(), 1, "at 110 it is still known");
        let until_ms = 10 + crate::limits::ENTITY_QUIET_MS;
        assert_eq!(memory.forget(111, FORGET), Some(until_ms + 1));
        assert_eq!(memory.values(), 0);
        assert_eq!(memory.forget(until_ms, FORGET), Some(until_ms + 1));
        assert_eq!(memory.forget(until_ms + 1, FORGET), None);
    }

    #[test]
    fn at_the_bounds_the_oldest_go_and_it_is_known_up_to_when() {
        let mut memory: Memory<()> = Memory::default();
        for value in 0..20 {
            memory.see(value, stamp(10 + value as i64, u128::from(value)), FORGET, || ());
        }
        assert_eq!(memory.shrink(100, 15), 5, "undecided sightings");
        assert_eq!((memory.next_ms(), memory.lost_upto_ms), (Some(15), i64::MIN));
        while memory.decide().is_some() {}
        assert_eq!(memory.shrink(16, 15), 5, "values");
        assert_eq!((memory.values(), memory.lost_upto_ms), (15, 14));
        assert!(memory.see(4, stamp(40, 99), FORGET, || ()).is_some(), "it looks new");
    }
}

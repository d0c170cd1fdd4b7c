//! Which events of one key are held, in which order?

use std::fmt::Debug;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use crate::durable;
use crate::model::{Enriched, Shared};
use crate::state::{Corrupt, Durable, Pages, Reader, Writer};

/// An event's place in time: by `published`, ties by `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stamp {
    /// `published`, ms.
    pub(super) time_ms: i64,
    /// The uuid as 128 bits, high half first; [`u128`] itself would align to 16 bytes.
    uuid: [u64; 2],
}

impl Stamp {
    /// After every event.
    pub(super) const LAST: Self = Self { time_ms: i64::MAX, uuid: [u64::MAX; 2] };

    /// After every event up to an instant.
    pub(super) const fn last_of(time_ms: i64) -> Self {
        Self { time_ms, ..Self::LAST }
    }

    /// The place of an event. Ids that are no UUIDs are ordered by their hash: any order does, as
    /// long as it is always the same.
    pub(super) fn new(time_ms: i64, uuid: &str) -> Self {
        let number = match Uuid::try_parse(uuid) {
            Ok(uuid) => uuid.as_u128(),
            Err(_) => xxh3_128(uuid.as_bytes()),
        };
        Self { time_ms, uuid: [(number >> 64) as u64, number as u64] }
    }
}

/// One event of a key.
#[derive(Clone, Debug)]
pub(super) struct Occurrence<M> {
    /// Its place in time.
    pub(super) stamp: Stamp,
    /// What it adds to the measure.
    pub(super) mark: M,
    /// The window that ends with it satisfied the rule, which has been told.
    pub(super) satisfied: bool,
    /// The event itself, where other correlations take this one's matches.
    pub(super) event: Option<Shared<Enriched>>,
}

/// The events of one key in the order of time.
#[derive(Debug)]
pub(super) struct Series<M> {
    held: Pages<Occurrence<M>>,
}

impl<M> Default for Series<M> {
    fn default() -> Self {
        Self { held: Pages::default() }
    }
}

impl<M> Series<M> {
    /// Where an event stands, or where it would have to be put. The end is looked at first, as
    /// most events come in order.
    pub(super) fn find(&self, stamp: Stamp) -> Result<usize, usize> {
        match self.held.back() {
            Some(last) if last.stamp >= stamp => {
                let place = self.held.partition_point(|occurrence| occurrence.stamp < stamp);
                let is_there = self.held.get(place).is_some_and(|occurrence| occurrence.stamp == stamp);
                if is_there { Ok(place) } else { Err(place) }
            }
            _ => Err(self.held.len()),
        }
    }

    /// The place of the first event after an instant.
    pub(super) fn first_after(&self, time_ms: i64) -> usize {
        self.held.partition_point(|occurrence| occurrence.stamp.time_ms <= time_ms)
    }

    /// The place of the first event after another's place in time; of `None`, the first of all.
    pub(super) fn after(&self, stamp: Option<Stamp>) -> usize {
        stamp.map_or(0, |stamp| self.held.partition_point(|occurrence| occurrence.stamp <= stamp))
    }

    /// The event at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Occurrence<M>> {
        self.held.get(place)
    }

    /// When the event at a place happened.
    pub(super) fn time(&self, place: usize) -> Option<i64> {
        self.held.get(place).map(|occurrence| occurrence.stamp.time_ms)
    }

    /// The oldest event's time.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.time(0)
    }

    /// The newest event's time.
    pub(super) fn newest(&self) -> Option<i64> {
        self.held.back().map(|occurrence| occurrence.stamp.time_ms)
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

impl<M: Clone> Series<M> {
    /// Puts an event to its place.
    pub(super) fn insert(&mut self, place: usize, occurrence: Occurrence<M>) {
        self.held.insert(place, occurrence);
    }

    /// Takes the oldest event out.
    pub(super) fn pop_oldest(&mut self) -> Option<Occurrence<M>> {
        self.held.pop_front()
    }

    /// The event at a place, to be changed.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Occurrence<M>> {
        self.held.get_mut(place)
    }
}

impl Durable for Stamp {
    fn write(&self, out: &mut Writer<'_>) {
        let Self { time_ms, uuid: [high, low] } = self;
        time_ms.write(out);
        out.raw(&high.to_be_bytes());
        out.raw(&low.to_be_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let time_ms = i64::read(from)?;
        let uuid = [u64::from_be_bytes(from.array()?), u64::from_be_bytes(from.array()?)];
        Ok(Self { time_ms, uuid })
    }
}

durable!(Occurrence<M> { stamp, mark, satisfied, event });

impl<M: Durable + Clone + Send + Sync + Debug + 'static> Durable for Series<M> {
    fn write(&self, out: &mut Writer<'_>) {
        self.held.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self { held: Durable::read(from)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: &str = "00000000-0000-4000-8000-000000000001";
    const HIGH: &str = "00000000-0000-4000-8000-000000000002";

    #[test]
    fn ties_in_time_are_broken_by_uuid() {
        assert!(Stamp::new(5, LOW) < Stamp::new(5, HIGH));
        assert!(Stamp::new(5, HIGH) < Stamp::new(6, LOW));
    }

    #[test]
    fn an_event_is_found_where_it_was_put() {
        let mut series = Series::default();
        for (time, uuid) in [(5, HIGH), (5, LOW), (9, LOW), (1, LOW)] {
            let stamp = Stamp::new(time, uuid);
            let place = series.find(stamp).unwrap_err();
            series.insert(place, Occurrence { stamp, mark: (), satisfied: false, event: None });
        }
        let times: Vec<_> = (0..series.len()).filter_map(|place| series.time(place)).collect();
        assert_eq!(times, [1, 5, 5, 9]);
        assert_eq!(series.find(Stamp::new(5, HIGH)), Ok(2));
        assert_eq!(series.first_after(5), 3);
        assert_eq!(series.first_after(4), 1);
    }
}

//! What was seen just before and just after an event, in event time?
//!
//! Events may come late, so the neighbours of an event are not those that came before it. A
//! history holds what an event on time can still fall between: the latest sighting before the
//! watermark and all since.
//!
//! # What is promised
//! Of any two sightings that are neighbours in event time, the one that comes second finds the
//! other, whichever that is: every pair of neighbours is judged, once. This holds for events that
//! are not late (the watermark has not passed them), while no more than [`limits::SIGHTINGS`] lie
//! between. A pair may be judged, too, that were neighbours only until a third came between them.
//! Then whatever differs between the two differs between two neighbours from the one to the other.

use compact_str::CompactString;

use crate::limits;
use crate::state::{Corrupt, Durable, Reader, Writer, read_id, write_id};

/// A sighting further ahead than this is no neighbour: an event of a broken clock would else be
/// the neighbour of every event from then on.
const AHEAD_MS: i64 = 24 * 3_600_000;

/// Sightings in the order of event time, ties by uuid.
#[derive(Debug)]
pub(super) struct History<T> {
    seen: Vec<Seen<T>>,
}

/// One sighting.
#[derive(Clone, Debug)]
pub(super) struct Seen<T> {
    /// When, ms.
    pub at_ms: i64,
    /// The event's id.
    pub uuid: CompactString,
    /// What was seen.
    pub what: T,
}

/// The sightings on either side of a time.
#[derive(Debug)]
pub(super) struct Around<'a, T> {
    at_ms: i64,
    before: &'a [Seen<T>],
    after: &'a [Seen<T>],
}

impl<'a, T> Around<'a, T> {
    /// Those before, nearest first.
    pub fn before(&self) -> impl Iterator<Item = &'a Seen<T>> {
        self.before.iter().rev()
    }

    /// Those after, nearest first.
    pub fn after(&self) -> impl Iterator<Item = &'a Seen<T>> {
        let at_ms = self.at_ms;
        self.after.iter().take_while(move |seen| seen.at_ms.saturating_sub(at_ms) <= AHEAD_MS)
    }
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { seen: Vec::new() }
    }
}

impl<T: Durable + Clone + PartialEq> Durable for History<T> {
    /// Each sighting by what tells it from the one before: most are at the same place.
    fn write(&self, out: &mut Writer<'_>) {
        self.seen.len().write(out);
        let mut before: Option<&Seen<T>> = None;
        for seen in &self.seen {
            seen.at_ms.wrapping_sub(before.map_or(0, |before| before.at_ms)).write(out);
            write_id(&seen.uuid, out);
            let other = (before.map(|before| &before.what) != Some(&seen.what)).then_some(&seen.what);
            other.is_some().write(out);
            if let Some(what) = other {
                what.write(out);
            }
            before = Some(seen);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let mut seen: Vec<Seen<T>> = Vec::new();
        for _ in 0..from.count()? {
            let before = seen.last();
            let at_ms = i64::read(from)?.wrapping_add(before.map_or(0, |before| before.at_ms));
            let uuid = read_id(from)?;
            let what = match before {
                _ if bool::read(from)? => T::read(from)?,
                Some(before) => before.what.clone(),
                None => return Err(Corrupt("sighting before")),
            };
            seen.push(Seen { at_ms, uuid, what });
        }
        Ok(Self { seen })
    }
}

impl<T> History<T> {
    /// What lies on either side of an event.
    pub fn around(&self, at_ms: i64, uuid: &str) -> Around<'_, T> {
        let (before, after) = self.seen.split_at_checked(self.position(at_ms, uuid)).unwrap_or_default();
        Around { at_ms, before, after }
    }

    /// Takes in a sighting, then lets go of those that no event from the watermark on can need.
    /// `inherit` gives a sighting what it does not say itself from the one before that goes.
    pub fn insert(&mut self, seen: Seen<T>, watermark_ms: i64, inherit: impl Fn(&mut T, T)) {
        let place = self.position(seen.at_ms, &seen.uuid);
        self.seen.insert(place, seen);
        let settled = self.seen.partition_point(|seen| seen.at_ms < watermark_ms);
        let surplus = self.seen.len().saturating_sub(limits::SIGHTINGS);
        for _ in 0..settled.saturating_sub(1).max(surplus) {
            let gone = self.seen.remove(0);
            if let Some(next) = self.seen.first_mut() {
                inherit(&mut next.what, gone.what);
            }
        }
    }

    fn position(&self, at_ms: i64, uuid: &str) -> usize {
        self.seen.partition_point(|seen| (seen.at_ms, seen.uuid.as_str()) < (at_ms, uuid))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::FieldTable;
    use crate::state::Names;

    fn seen(at_ms: i64, what: char) -> Seen<char> {
        Seen { at_ms, uuid: CompactString::from(what.to_string()), what }
    }

    fn held(history: &History<char>) -> String {
        history.seen.iter().map(|seen| seen.what).collect()
    }

    #[test]
    fn neighbours_are_those_in_time_and_ties_go_by_uuid() {
        let mut history = History::default();
        for (at_ms, what) in [(30, 'd'), (10, 'a'), (20, 'c'), (20, 'b')] {
            history.insert(seen(at_ms, what), 0, |_, _| {});
        }
        assert_eq!(held(&history), "abcd");
        assert_eq!(history.around(20, "bb").before().map(|seen| seen.what).collect::<String>(), "ba");
        assert_eq!(history.around(20, "bb").after().map(|seen| seen.what).collect::<String>(), "cd");
    }

    #[test]
    fn only_the_last_before_the_watermark_and_those_since_are_held() {
        let mut history = History::default();
        for (at_ms, what) in [(10, 'a'), (20, 'b'), (30, 'c')] {
            history.insert(seen(at_ms, what), 0, |_, _| {});
        }
        history.insert(seen(40, 'd'), 30, |_, _| {});
        assert_eq!(held(&history), "bcd");
        history.insert(seen(50, 'e'), 100, |_, _| {});
        assert_eq!(held(&history), "e");
    }

    #[test]
    fn what_goes_leaves_what_it_knew() {
        let mut history = History::default();
        for (at_ms, known) in [(10, Some(1)), (20, None), (30, None)] {
            let seen = Seen { at_ms, uuid: "u".into(), what: known };
            history.insert(seen, 31, |kept, gone| *kept = kept.or(gone));
        }
        assert_eq!(history.around(40, "u").before().map(|seen| seen.what).collect::<Vec<_>>(), [Some(1)]);
    }

    #[test]
    fn it_is_bounded_and_a_broken_clock_is_no_neighbour() {
        let mut history = History::default();
        history.insert(seen(i64::MAX, 'z'), 0, |_, _| {});
        for at_ms in 0..1000 {
            history.insert(seen(at_ms, 'a'), 0, |_, _| {});
            assert!(history.around(at_ms + 1, "u").after().next().is_none());
        }
        assert_eq!(history.seen.len(), limits::SIGHTINGS);
    }

    #[test]
    fn it_is_read_as_it_was_written_and_the_same_place_is_written_once() {
        let fields = FieldTable::default();
        let uuid = "5f3c1d2e-0000-4000-8000-0123456789ab";
        let ids = [uuid, "5F3C1D2E-0000-4000-8000-0123456789AB", "", "u1", uuid];
        let mut history = History::default();
        for (at_ms, (id, what)) in ids.into_iter().zip(["a", "a", "b", "b", "a"]).enumerate() {
            let at_ms = i64::try_from(at_ms).unwrap() * 10 - 20;
            history.insert(Seen { at_ms, uuid: id.into(), what: what.to_owned() }, i64::MIN, |_, _| {});
        }
        history.insert(Seen { at_ms: i64::MAX, uuid: "z".into(), what: "a".to_owned() }, i64::MIN, |_, _| {});
        let mut out = Writer::new(&fields);
        history.write(&mut out);
        let (bytes, mut names) = (out.finish().bytes, Names::default());
        let mut from = Reader::new(&bytes, &fields, &mut names).unwrap();
        let read: History<String> = Durable::read(&mut from).unwrap();
        from.finish().unwrap();
        assert_eq!(format!("{read:?}"), format!("{history:?}"));
        assert_eq!(bytes.iter().filter(|byte| **byte == b'b').count(), 1);
        let orphan = [crate::state::codec::VERSION, 0, 1, 0, 0, 0, 0];
        let mut from = Reader::new(&orphan, &fields, &mut names).unwrap();
        assert_eq!(History::<String>::read(&mut from).unwrap_err(), Corrupt("sighting before"));
    }

    proptest! {
        #[test]
        fn every_pair_of_neighbours_meets_once_in_any_order(
            times in proptest::collection::vec(0_i64..20, 1..10),
            order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut events: Vec<(i64, String)> =
                times.iter().enumerate().map(|(index, at_ms)| (*at_ms, index.to_string())).collect();
            let mut history = History::default();
            let mut met = Vec::new();
            for index in order.into_iter().filter(|index| *index < times.len()) {
                let (at_ms, uuid) = &events[index];
                let before = history.around(*at_ms, uuid).before().next().map(|seen: &Seen<()>| seen.uuid.to_string());
                let after = history.around(*at_ms, uuid).after().next().map(|seen| seen.uuid.to_string());
                met.extend(before.map(|before| (before, uuid.clone())));
                met.extend(after.map(|after| (uuid.clone(), after)));
                history.insert(Seen { at_ms: *at_ms, uuid: uuid.into(), what: () }, 0, |(), ()| {});
            }
            events.sort();
            for pair in events.windows(2) {
                let pair = (pair[0].1.clone(), pair[1].1.clone());
                prop_assert_eq!(met.iter().filter(|met| **met == pair).count(), 1);
            }
        }
    }
}

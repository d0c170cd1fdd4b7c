//! How are the ids of one minute written, so that none is written again for those that follow?
//!
//! The ids that came in one step are one record, a chunk, and no later step writes them again. A chunk
//! is taken back when the last of its ids is forgotten. At the bound ids go one by one, from the front
//! of the first chunk: its record stays whole, as it may be long, and a record of the minute's own says
//! how many of it are gone. So each step writes a few bytes there, whatever the chunk has.
//!
//! When the watermark passes a minute, hardly an id comes any more. Small chunks are written as one
//! then, once, so that a day of them is not a record for each transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::limits;
use crate::model::{Change, FieldTable};
use crate::state::{Corrupt, Durable, Names, whole, written};

/// The table by the first byte of its keys.
pub(super) const NAME: u8 = b'd';

/// Chunks that have fewer ids than this, taken together, are written as one when their minute is over:
/// of longer ones, the records' own bytes are not worth it.
const FEW: usize = 1_024;

/// The ids of one minute in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Slot {
    ids: VecDeque<u128>,
    /// The records that hold them, in their order; what they do not hold is not written yet.
    chunks: VecDeque<Chunk>,
    /// How many of the ids the records hold.
    written: usize,
    /// How many ids of the first record are forgotten.
    dropped: usize,
    /// How many of those a record tells.
    told: usize,
}

#[derive(Debug)]
struct Chunk {
    number: u64,
    len: usize,
}

/// What changed since it was last asked for.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Minutes that ids came to or went from.
    pub slots: BTreeSet<i64>,
    /// Records that hold nothing any more.
    gone: BTreeSet<Vec<u8>>,
}

impl Slot {
    pub(super) fn push(&mut self, id: u128) {
        self.ids.push_back(id);
    }

    /// The ids, the first to come first.
    pub(super) fn ids(&self) -> impl Iterator<Item = u128> {
        self.ids.iter().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Forgets the first id.
    pub(super) fn pop(&mut self, minute: i64, changed: Option<&mut Changed>) -> Option<u128> {
        let id = self.ids.pop_front()?;
        if let Some(first) = self.chunks.front() {
            self.written -= 1;
            self.dropped += 1;
            if self.dropped == first.len {
                if let Some(changed) = changed {
                    changed.gone.insert(chunk_key(minute, first.number));
                }
                self.chunks.pop_front();
                self.dropped = 0;
            }
        }
        Some(id)
    }

    /// Takes its records back, and gives the ids.
    pub(super) fn forget(self, minute: i64, changed: Option<&mut Changed>) -> VecDeque<u128> {
        if let Some(changed) = changed {
            changed.gone.extend(self.chunks.iter().map(|chunk| chunk_key(minute, chunk.number)));
            if self.told > 0 {
                changed.gone.insert(slot_key(minute));
            }
        }
        self.ids
    }

    /// The minute is over: whether it is to be written anew as one, its records taken back.
    pub(super) fn close(&mut self, minute: i64, changed: &mut Changed) {
        let records = self.chunks.len() + usize::from(self.written < self.ids.len());
        if records < 2 || self.ids.len() >= records.saturating_mul(FEW) {
            return;
        }
        changed.gone.extend(self.chunks.drain(..).map(|chunk| chunk_key(minute, chunk.number)));
        (self.written, self.dropped) = (0, 0);
        changed.slots.insert(minute);
    }

    /// Adds what no record holds yet, the records numbered from `next` on.
    fn write(&mut self, minute: i64, next: &mut u64, fields: &FieldTable, out: &mut Vec<Change>) {
        while self.written < self.ids.len() {
            let len = (self.ids.len() - self.written).min(limits::IDS_PER_CHANGE);
            let value = written(fields, |out| {
                out.number(len as u64);
                self.ids.range(self.written..).take(len).for_each(|id| id.write(out));
            });
            out.push(Change::new(chunk_key(minute, *next), Some(value)));
            self.chunks.push_back(Chunk { number: *next, len });
            self.written += len;
            *next += 1;
        }
        if self.told != self.dropped {
            let value = (self.dropped > 0).then(|| written(fields, |out| self.dropped.write(out)));
            out.push(Change::new(slot_key(minute), value));
            self.told = self.dropped;
        }
    }
}

impl Changed {
    /// What changed, each record once, and begins again.
    pub(super) fn take(
        &mut self,
        slots: &mut BTreeMap<i64, Slot>,
        next: &mut u64,
        fields: &FieldTable,
        out: &mut Vec<Change>,
    ) {
        let gone = std::mem::take(&mut self.gone);
        out.extend(gone.into_iter().map(|key| Change::new(key, None)));
        for minute in std::mem::take(&mut self.slots) {
            if let Some(slot) = slots.get_mut(&minute) {
                slot.write(minute, next, fields, out);
            }
        }
    }
}

/// The records of all minutes, as they are read one after the other.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// By minute and number.
    ids: BTreeMap<i64, BTreeMap<u64, Vec<u128>>>,
    dropped: BTreeMap<i64, usize>,
}

impl Chunks {
    /// Takes in what a record holds.
    pub(super) fn restore(
        &mut self,
        change: &Change,
        fields: &FieldTable,
        names: &mut Names,
    ) -> Result<(), Corrupt> {
        let (minute, number) = read_key(&change.key)?;
        let Some(value) = &change.value else {
            match number {
                Some(number) => drop(self.ids.get_mut(&minute).and_then(|held| held.remove(&number))),
                None => drop(self.dropped.remove(&minute)),
            }
            return Ok(());
        };
        match number {
            Some(number) => {
                let ids = whole(fields, names, value, Durable::read)?;
                self.ids.entry(minute).or_default().insert(number, ids);
            }
            None => {
                self.dropped.insert(minute, whole(fields, names, value, Durable::read)?);
            }
        }
        Ok(())
    }

    /// The minutes with their ids, and the number of the record after all.
    pub(super) fn finish(mut self) -> (BTreeMap<i64, Slot>, u64) {
        let mut slots = BTreeMap::new();
        let mut next = 0;
        for (minute, chunks) in self.ids {
            let mut slot = Slot::default();
            for (number, ids) in chunks.into_iter().filter(|(_, ids)| !ids.is_empty()) {
                next = next.max(number.saturating_add(1));
                slot.chunks.push_back(Chunk { number, len: ids.len() });
                slot.ids.extend(ids);
            }
            slot.written = slot.ids.len();
            slot.told = self.dropped.remove(&minute).unwrap_or_default();
            for _ in 0..slot.told {
                slot.pop(minute, None);
            }
            if !slot.is_empty() {
                slots.insert(minute, slot);
            }
        }
        (slots, next)
    }
}

/// The record that tells how many ids of a minute's first chunk are forgotten. Keys are in the order of
/// time.
fn slot_key(minute: i64) -> Vec<u8> {
    let mut key = vec![NAME];
    key.extend_from_slice(&(minute ^ i64::MIN).to_be_bytes());
    key
}

fn chunk_key(minute: i64, number: u64) -> Vec<u8> {
    let mut key = slot_key(minute);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn read_key(key: &[u8]) -> Result<(i64, Option<u64>), Corrupt> {
    let rest = key.strip_prefix(&[NAME]).and_then(|rest| rest.split_first_chunk());
    let (minute, rest) = rest.ok_or(Corrupt("minute of ids"))?;
    let minute = i64::from_be_bytes(*minute) ^ i64::MIN;
    if rest.is_empty() {
        return Ok((minute, None));
    }
    let number = <[u8; 8]>::try_from(rest).map_err(|_| Corrupt("number of a chunk of ids"))?;
    Ok((minute, Some(u64::from_be_bytes(number))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::dedup::Seen;
    use crate::engine::moved::compact;

    const MINUTE_MS: i64 = 60_000;

    fn kept(most: usize) -> Seen {
        let mut seen = Seen::new(10 * MINUTE_MS, most);
        seen.keep_changes(true);
        seen
    }

    fn restored(held: &BTreeMap<Vec<u8>, Vec<u8>>, most: usize, expired_upto_ms: i64) -> Seen {
        let (fields, mut names) = (FieldTable::default(), Names::default());
        let mut chunks = Chunks::default();
        // Later records first: the order in which keys are read says nothing.
        for (key, value) in held.iter().rev() {
            let change = Change::new(key.clone(), Some(value.clone()));
            chunks.restore(&change, &fields, &mut names).unwrap();
        }
        let mut seen = kept(most);
        seen.restore(chunks, expired_upto_ms);
        seen
    }

    fn changes(seen: &mut Seen) -> Vec<Change> {
        let mut changes = Vec::new();
        seen.changes(&FieldTable::default(), &mut changes);
        changes
    }

    proptest! {
        #[test]
        fn the_same_ids_go_in_the_same_order_wherever_it_was_cut(
            steps in proptest::collection::vec(
                (proptest::collection::vec((0_u8..60, 0_i64..6), 0..8), 0_i64..3, any::<bool>()), 1..40
            ),
            most in 1_usize..25,
        ) {
            let (mut whole, mut cut, mut held) = (kept(most), kept(most), BTreeMap::new());
            let mut now = 0;
            for (events, wait, restart) in steps {
                now += wait;
                let mut evicted = (0, 0);
                for (id, ago) in events {
                    let (uuid, at_ms) = (id.to_string(), (now - ago) * MINUTE_MS);
                    let new = whole.is_new("", &uuid, at_ms, &mut evicted.0);
                    prop_assert_eq!(cut.is_new("", &uuid, at_ms, &mut evicted.1), new);
                }
                prop_assert_eq!(evicted.0, evicted.1);
                whole.expire(now * MINUTE_MS);
                cut.expire(now * MINUTE_MS);
                compact(&mut held, changes(&mut cut));
                if restart {
                    cut = restored(&held, most, now * MINUTE_MS);
                }
                prop_assert_eq!(whole.held(), cut.held());
            }
            for seen in [&mut whole, &mut cut] {
                seen.expire((now + 100) * MINUTE_MS);
            }
            compact(&mut held, changes(&mut cut));
            prop_assert!(held.is_empty(), "{:?}", held);
        }
    }

    #[test]
    fn no_id_is_written_twice_before_its_minute_is_over_and_then_all_are_one_record() {
        let (mut seen, mut held) = (kept(1_000), BTreeMap::new());
        for n in 0..20 {
            seen.is_new("", &n.to_string(), 0, &mut 0);
            let told = changes(&mut seen);
            assert_eq!(told.iter().map(|change| change.value.iter().len()).sum::<usize>(), 1);
            compact(&mut held, told);
        }
        assert_eq!(held.len(), 20);
        seen.expire(MINUTE_MS);
        compact(&mut held, changes(&mut seen));
        let lengths: Vec<usize> = held.values().map(Vec::len).collect();
        assert_eq!(lengths, [3 + 20 * 16]);
        assert_eq!(changes(&mut seen), []);
    }

    #[test]
    fn at_the_bound_a_step_writes_its_own_ids_and_how_many_went() {
        let mut seen = kept(100);
        for n in 0..100 {
            seen.is_new("", &n.to_string(), 0, &mut 0);
        }
        changes(&mut seen);
        seen.is_new("", "one more", 0, &mut 0);
        let lengths: Vec<_> =
            changes(&mut seen).into_iter().map(|change| change.value.map(|value| value.len())).collect();
        assert_eq!(lengths, [Some(3 + 16), Some(3)]);
    }

    #[test]
    fn what_is_no_record_of_ids_is_told() {
        let (fields, mut names) = (FieldTable::default(), Names::default());
        for (key, value) in
            [(vec![NAME, 1], vec![1, 0]), (slot_key(1), vec![9]), (chunk_key(1, 1), vec![1, 1, 7])]
        {
            let change = Change::new(key, Some(value));
            assert!(Chunks::default().restore(&change, &fields, &mut names).is_err());
        }
    }
}

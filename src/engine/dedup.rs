//! Was this event here before?

use std::collections::BTreeMap;

use hashbrown::HashSet;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_128;

use super::chunks::{Changed, Chunks, Slot};
use crate::model::{Change, FieldTable};

/// Ids of one minute of event time are forgotten together.
const SLOT_MS: i64 = 60_000;

/// The ids of the events of the last while, by tenant.
///
/// An id is forgotten once its event is older than the watermark by the whole window, or when
/// there are too many: then the oldest event's goes.
#[derive(Debug)]
pub(super) struct Seen {
    ids: HashSet<u128, foldhash::fast::FixedState>,
    /// Ids by the minute of their event, each minute in order of arrival.
    by_time: BTreeMap<i64, Slot>,
    window_ms: i64,
    most: usize,
    /// What changed since it was last asked for, if anybody asks.
    changed: Option<Changed>,
    /// The number of the next record of ids.
    next: u64,
    /// Minutes before it are over, and before the other have been written as such.
    over: i64,
    closed: i64,
}

impl Seen {
    /// Remembers ids for so long, at most so many.
    pub(super) fn new(window_ms: i64, most: usize) -> Self {
        Self {
            ids: HashSet::default(),
            by_time: BTreeMap::new(),
            window_ms,
            most,
            changed: None,
            next: 0,
            over: i64::MIN,
            closed: i64::MIN,
        }
    }

    /// Whether the event is new; it is not the next time. Adds to `evicted` what had to go.
    pub(super) fn is_new(&mut self, org: &str, uuid: &str, published_ms: i64, evicted: &mut u64) -> bool {
        let mut bytes: SmallVec<[u8; 128]> = SmallVec::from_slice(org.as_bytes());
        bytes.push(0xFF);
        bytes.extend_from_slice(uuid.as_bytes());
        let id = xxh3_128(&bytes);
        if !self.ids.insert(id) {
            return false;
        }
        let minute = published_ms.div_euclid(SLOT_MS);
        self.by_time.entry(minute).or_default().push(id);
        if let Some(changed) = &mut self.changed {
            changed.slots.insert(minute);
        }
        while self.ids.len() > self.most {
            self.forget_oldest();
            *evicted += 1;
        }
        true
    }

    /// Forgets what the window no longer holds.
    pub(super) fn expire(&mut self, watermark_ms: i64) {
        self.over = watermark_ms.div_euclid(SLOT_MS);
        let first = watermark_ms.saturating_sub(self.window_ms).div_euclid(SLOT_MS);
        while let Some(slot) = self.by_time.first_entry().filter(|slot| *slot.key() < first) {
            let minute = *slot.key();
            for id in slot.remove().forget(minute, self.changed.as_mut()) {
                self.ids.remove(&id);
            }
        }
    }

    /// How many ids are remembered.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    fn forget_oldest(&mut self) {
        let Some(mut slot) = self.by_time.first_entry() else { return };
        let minute = *slot.key();
        if let Some(id) = slot.get_mut().pop(minute, self.changed.as_mut()) {
            self.ids.remove(&id);
        }
        if let Some(changed) = &mut self.changed {
            changed.slots.insert(minute);
        }
        if slot.get().is_empty() {
            slot.remove().forget(minute, self.changed.as_mut());
        }
    }

    /// Whether it is kept in mind which ids come and go from now on.
    pub(super) fn keep_changes(&mut self, wanted: bool) {
        self.changed = wanted.then(Changed::default);
    }

    /// Adds what changed since the last time, if that is kept in mind.
    pub(super) fn changes(&mut self, fields: &FieldTable, out: &mut Vec<Change>) {
        let Some(changed) = &mut self.changed else { return };
        if self.closed < self.over {
            for (minute, slot) in self.by_time.range_mut(self.closed..self.over) {
                slot.close(*minute, changed);
            }
            self.closed = self.over;
        }
        changed.take(&mut self.by_time, &mut self.next, fields, out);
    }

    /// Goes on with the ids of these records, as it was at the watermark at which ids last expired.
    pub(super) fn restore(&mut self, chunks: Chunks, expired_upto_ms: i64) {
        (self.by_time, self.next) = chunks.finish();
        self.ids = self.by_time.values().flat_map(Slot::ids).collect();
        self.over = expired_upto_ms.div_euclid(SLOT_MS);
        self.closed = self.over;
    }
}

#[cfg(test)]
impl Seen {
    /// The ids by the minute of their event, in order.
    pub(super) fn held(&self) -> Vec<(i64, Vec<u128>)> {
        self.by_time.iter().map(|(minute, slot)| (*minute, slot.ids().collect())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_second_delivery_is_known_and_another_tenant_s_event_is_not() {
        let mut seen = Seen::new(HOUR_MS, 10);
        let mut evicted = 0;
        assert!(seen.is_new("acme", "u1", 0, &mut evicted));
        assert!(!seen.is_new("acme", "u1", 0, &mut evicted));
        assert!(seen.is_new("other", "u1", 0, &mut evicted));
        assert_eq!(evicted, 0);
    }

    #[test]
    fn an_id_is_remembered_for_the_whole_window_and_not_for_ever() {
        let mut seen = Seen::new(HOUR_MS, 10);
        let mut evicted = 0;
        seen.is_new("", "u1", 90_000, &mut evicted);
        seen.expire(90_000 + HOUR_MS);
        assert!(!seen.is_new("", "u1", 90_000, &mut evicted));
        seen.expire(90_000 + HOUR_MS + SLOT_MS);
        assert_eq!(seen.len(), 0);
    }

    #[test]
    fn at_the_bound_the_oldest_event_s_id_goes_and_is_counted() {
        let mut seen = Seen::new(HOUR_MS, 2);
        let mut evicted = 0;
        for (uuid, at) in [("b", 2 * SLOT_MS), ("a", SLOT_MS), ("c", 3 * SLOT_MS)] {
            seen.is_new("", uuid, at, &mut evicted);
        }
        assert_eq!((evicted, seen.len()), (1, 2));
        assert!(!seen.is_new("", "b", 2 * SLOT_MS, &mut evicted));
        assert!(seen.is_new("", "a", SLOT_MS, &mut evicted));
    }
}

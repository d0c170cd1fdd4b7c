//! Which keys of one correlation are held, which goes first at the bound, and when is one looked at?

use std::collections::BTreeSet;
use std::fmt::Debug;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::state::{Corrupt, Durable, Order, Reader, Standing, Touch, Writer};

#[derive(Debug)]
struct Entry<S> {
    standing: Standing,
    /// When it was last touched, as a count of touches.
    touched: u64,
    /// When its latest event to arrive was, ms.
    seen_ms: i64,
    /// When it is looked at next, whether it is still needed.
    due_ms: i64,
    state: S,
}

/// The state of each key, bounded.
#[derive(Debug)]
pub(super) struct Store<S> {
    /// Each in a box, as they are large and the room of a table doubles.
    held: HashMap<u128, Box<Entry<S>>, FixedState>,
    /// Keys by when they were last touched.
    recent: Order<u64, u128>,
    touches: u64,
    /// Keys by an instant before which they are needed; they may be needed longer.
    due: BTreeSet<(i64, u128)>,
    most: usize,
    /// Keys that may hold something else than was written of them, where that is wanted.
    changed: Option<HashSet<u128, FixedState>>,
}

impl<S: Debug> Store<S> {
    /// For at most so many keys.
    pub(super) fn new(most: usize) -> Self {
        Self {
            held: HashMap::default(),
            recent: Order::default(),
            touches: 0,
            due: BTreeSet::new(),
            most,
            changed: None,
        }
    }

    /// Makes room for a key that is not held yet, and gives what had to go for it.
    pub(super) fn make_room(&mut self, hash: u128) -> Vec<(u128, S)> {
        let mut gone = Vec::new();
        while self.held.len() >= self.most && !self.held.contains_key(&hash) {
            let Some((_, oldest)) = self.recent.pop(self.most) else { break };
            let Some(entry) = self.held.remove(&oldest) else { continue };
            self.due.remove(&(entry.due_ms, oldest));
            self.mark(oldest);
            gone.push((oldest, entry.state));
        }
        gone
    }

    /// The state of a key, made if it is not there, and marked as the latest touched. A new one is
    /// looked at when the watermark reaches `due_ms`.
    pub(super) fn touch(
        &mut self,
        hash: u128,
        Touch { proof, time_ms }: Touch,
        due_ms: i64,
        make: impl FnOnce() -> S,
    ) -> &mut S {
        self.mark(hash);
        self.touches += 1;
        let (touched, standing) = (self.touches, Standing::new(proof));
        let due = &mut self.due;
        let entry = self.held.entry(hash).or_insert_with(|| {
            due.insert((due_ms, hash));
            Box::new(Entry { standing, touched, seen_ms: time_ms, due_ms, state: make() })
        });
        self.recent.remove(entry.standing, &entry.touched);
        // Several rules may match one event: that is no second one.
        entry.standing = entry.standing.after(proof, time_ms != entry.seen_ms);
        (entry.touched, entry.seen_ms) = (touched, time_ms);
        self.recent.insert(entry.standing, touched, hash);
        &mut entry.state
    }

    /// The state of a key, to be changed.
    pub(super) fn get_mut(&mut self, hash: u128) -> Option<&mut S> {
        let entry = self.held.get_mut(&hash)?;
        if let Some(changed) = &mut self.changed {
            changed.insert(hash);
        }
        Some(&mut entry.state)
    }

    /// Looks at every key that is due: `needed` says until when it is needed still.
    pub(super) fn expire(&mut self, watermark_ms: i64, mut needed: impl FnMut(&mut S) -> Option<i64>) {
        while let Some((due_ms, hash)) = self.due.first().copied() {
            if due_ms > watermark_ms {
                return;
            }
            self.due.pop_first();
            self.mark(hash);
            let Some(entry) = self.held.get_mut(&hash) else { continue };
            match needed(&mut entry.state) {
                // What is needed up to now is looked at again a little later, not at once.
                Some(needed_ms) => {
                    entry.due_ms = needed_ms.max(watermark_ms.saturating_add(1));
                    self.due.insert((entry.due_ms, hash));
                }
                None => {
                    self.recent.remove(entry.standing, &entry.touched);
                    self.held.remove(&hash);
                }
            }
        }
    }

    /// How many keys are held.
    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.held.len(), self.recent.len(), "a key is not in the order of touches");
        debug_assert_eq!(self.held.len(), self.due.len(), "a key is not in the order of expiry");
        self.held.len()
    }
}

/// What is held, as it is written key by key.
impl<S: Debug> Store<S> {
    fn mark(&mut self, hash: u128) {
        if let Some(changed) = &mut self.changed {
            changed.insert(hash);
        }
    }

    /// Whether changes are asked for. From the first time on all that is held is one.
    pub(super) fn keep_changes(&mut self, wanted: bool) {
        match (wanted, &self.changed) {
            (true, None) => self.changed = Some(self.held.keys().copied().collect()),
            (true, Some(_)) => {}
            (false, _) => self.changed = None,
        }
    }

    /// The keys that changed since this was asked last, in the order of their hashes.
    pub(super) fn changed(&mut self) -> Vec<u128> {
        let mut changed: Vec<u128> = self.changed.iter_mut().flat_map(HashSet::drain).collect();
        changed.sort_unstable();
        changed
    }

    /// Writes a key with its place among the others; `false` if it is not held.
    pub(super) fn write(
        &self,
        hash: u128,
        out: &mut Writer<'_>,
        state: impl FnOnce(&S, &mut Writer<'_>),
    ) -> bool {
        let Some(entry) = self.held.get(&hash) else { return false };
        let Entry { standing, touched, seen_ms, due_ms, state: held } = &**entry;
        standing.write(out);
        touched.write(out);
        seen_ms.write(out);
        due_ms.write(out);
        state(held, out);
        true
    }

    /// Reads a key that is not held. Only its place among the others that are held matters, so the
    /// next touch is the one after the latest of them.
    pub(super) fn read(
        &mut self,
        hash: u128,
        from: &mut Reader<'_>,
        state: impl FnOnce(&mut Reader<'_>) -> Result<S, Corrupt>,
    ) -> Result<&mut S, Corrupt> {
        let (standing, touched) = (Standing::read(from)?, u64::read(from)?);
        let (seen_ms, due_ms) = (i64::read(from)?, i64::read(from)?);
        let entry = Entry { standing, touched, seen_ms, due_ms, state: state(from)? };
        if self.recent.contains(standing, &touched) {
            return Err(Corrupt("place of its own among the keys"));
        }
        self.recent.insert(standing, touched, hash);
        self.touches = self.touches.max(touched);
        self.due.insert((due_ms, hash));
        Ok(&mut self.held.entry(hash).insert(Box::new(entry)).into_mut().state)
    }

    /// Lets go of a key of which something else is written.
    pub(super) fn remove(&mut self, hash: u128) -> Option<S> {
        if let Some(changed) = &mut self.changed {
            changed.remove(&hash);
        }
        let entry = self.held.remove(&hash)?;
        self.recent.remove(entry.standing, &entry.touched);
        self.due.remove(&(entry.due_ms, hash));
        Some(entry.state)
    }

    /// Lets go of all keys, each of which is a change.
    pub(super) fn clear(&mut self) {
        if let Some(changed) = &mut self.changed {
            changed.extend(self.held.keys());
        }
        self.held.clear();
        self.recent = Order::default();
        self.due.clear();
    }
}

/// Keys of which something is to be decided, by the watermark at which it can be.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BTreeSet<(i64, u128)>,
}

impl Agenda {
    /// Puts a key from one instant to another; `None` is none.
    pub(super) fn plan(&mut self, hash: u128, planned: &mut Option<i64>, due_ms: Option<i64>) {
        if let Some(before_ms) = *planned {
            self.due.remove(&(before_ms, hash));
        }
        *planned = due_ms;
        if let Some(due_ms) = due_ms {
            self.due.insert((due_ms, hash));
        }
    }

    /// The next key whose instant the watermark has reached; its plan is still there.
    pub(super) fn reached(&self, watermark_ms: i64) -> Option<u128> {
        self.due.first().filter(|(due_ms, _)| *due_ms <= watermark_ms).map(|(_, hash)| *hash)
    }

    /// The first instant, and the last.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        Some((self.due.first()?.0, self.due.last()?.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Proof;

    fn by(proof: Proof, time_ms: i64) -> Touch {
        Touch { proof, time_ms }
    }

    #[test]
    fn at_the_bound_the_key_of_strangers_goes_first_then_the_one_touched_longest_ago() {
        let (typed, signed_in) = (by(Proof::Stranger, 0), by(Proof::Acted, 0));
        let mut store = Store::new(2);
        store.touch(1, typed, 0, || "typed");
        store.touch(2, signed_in, 0, || "signed in");
        assert_eq!(store.make_room(2), []);
        assert_eq!(store.make_room(3), [(1, "typed")]);
        store.touch(3, signed_in, 0, || "other");
        store.touch(2, typed, 0, || "not made again");
        assert_eq!(store.make_room(4), [(3, "other")]);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn a_key_of_two_events_outlives_those_of_one_but_two_matches_of_one_event_are_one() {
        let mut store = Store::new(3);
        for (key, time_ms) in [(1, 10), (1, 20), (2, 10), (2, 10), (3, 30)] {
            store.touch(key, by(Proof::Named, time_ms), 0, || ());
        }
        let gone = |store: &mut Store<()>, key| {
            let gone = store.make_room(key).remove(0).0;
            store.touch(key, by(Proof::Named, 40), 0, || ());
            gone
        };
        assert_eq!([4, 5, 6, 7].map(|key| gone(&mut store, key)), [2, 3, 4, 5]);
        assert!(store.get_mut(1).is_some());
    }

    #[test]
    fn a_key_goes_when_it_is_due_and_not_needed_any_longer() {
        let mut store = Store::new(9);
        store.touch(1, by(Proof::Acted, 0), 10, || Some(50));
        store.touch(2, by(Proof::Acted, 0), 10, || None);
        store.expire(9, |_| None);
        assert_eq!(store.len(), 2);
        store.expire(10, |needed| *needed);
        assert_eq!((store.len(), store.get_mut(2)), (1, None));
        store.expire(50, |_| None);
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn an_agenda_gives_what_the_watermark_has_reached() {
        let mut agenda = Agenda::default();
        let mut planned = None;
        agenda.plan(7, &mut planned, Some(20));
        agenda.plan(7, &mut planned, Some(10));
        assert_eq!((agenda.reached(9), agenda.reached(10), agenda.span()), (None, Some(7), Some((10, 10))));
        agenda.plan(7, &mut planned, None);
        assert_eq!((agenda.span(), planned), (None, None));
    }
}

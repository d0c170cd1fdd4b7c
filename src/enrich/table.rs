//! How is state held for many keys, and which goes first when there are too many?
//!
//! First by what its events prove of whoever made them and whether there was more than one, as the
//! module [`Order`] says. Among the same, the key that was least recently active goes first, by event
//! time to the minute, then in the order in which the keys came. A key that was quiet for longer than the
//! table's limit begins anew at its next event, whether or not it was forgotten before: so it makes no
//! difference how often the table is swept.

use std::hash::Hash;
use std::sync::Arc;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashMap, HashSet};

use crate::durable;
use crate::model::{Change, FieldTable};
use crate::state::{Corrupt, Durable, Names, Order, Standing, Touch, whole, written};

/// Activity is ordered by the minute, so that most events need not move their key.
const MINUTE_MS: i64 = 60_000;

/// An id within an org. Hashes as [`KeyRef`] does: the same parts in the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    org: Option<Arc<str>>,
    id: CompactString,
}

/// A [`Key`] that is only looked for.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct KeyRef<'a> {
    /// The tenant.
    pub org: Option<&'a Arc<str>>,
    /// The id of the user or session.
    pub id: &'a str,
}

impl KeyRef<'_> {
    fn held(self) -> Key {
        Key { org: self.org.cloned(), id: self.id.into() }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.id == key.id && self.org == key.org.as_ref()
    }
}

impl Key {
    /// Parts an org from an id: no text has this byte. Without an org, it is not there.
    const PART: u8 = 0xFF;

    fn write(&self, name: u8) -> Vec<u8> {
        let mut bytes = vec![name];
        if let Some(org) = &self.org {
            bytes.extend_from_slice(org.as_bytes());
            bytes.push(Self::PART);
        }
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }

    fn read(bytes: &[u8], names: &mut Names) -> Result<Self, Corrupt> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Corrupt("org and id"));
        let mut parts = bytes.splitn(2, |byte| *byte == Self::PART);
        let (first, second) = (text(parts.next().unwrap_or_default())?, parts.next());
        Ok(match second {
            Some(id) => Self { org: Some(names.share(first)), id: text(id)?.into() },
            None => Self { org: None, id: first.into() },
        })
    }
}

/// A bounded table of states.
#[derive(Debug)]
pub(super) struct Table<S> {
    /// Each in a box, as they are large and the room of a table doubles.
    entries: HashMap<Key, Box<Entry<S>>, FixedState>,
    order: Order<Activity, Key>,
    capacity: usize,
    quiet_ms: i64,
    born: u64,
    /// Keys that were touched or went since they were last asked for, if anybody asks.
    changed: Option<HashSet<Key, FixedState>>,
}

#[derive(Debug)]
struct Entry<S> {
    state: S,
    standing: Standing,
    last_ms: i64,
    born: u64,
}

durable!(Entry<S> { born, standing, last_ms, state });

/// The minute of the last activity, then the number of the key.
type Activity = (i64, u64);

impl<S> Entry<S> {
    fn activity(&self) -> Activity {
        (self.last_ms.div_euclid(MINUTE_MS), self.born)
    }
}

impl<S: Default> Table<S> {
    /// For at most so many keys, each forgotten after so long without an event.
    pub fn new(capacity: usize, quiet_ms: i64) -> Self {
        Self {
            entries: HashMap::default(),
            order: Order::default(),
            capacity: capacity.max(1),
            quiet_ms,
            born: 0,
            changed: None,
        }
    }

    /// Works on the state of a key that is active at this time, made if there is none. Gives what
    /// the work gives, and how many other keys had to go.
    pub fn with<R>(&mut self, key: KeyRef<'_>, by: Touch, work: impl FnOnce(&mut S) -> R) -> (R, u64) {
        if let Some(changed) = &mut self.changed
            && !changed.contains(&key)
        {
            changed.insert(key.held());
        }
        let Some(entry) = self.entries.get_mut(&key) else { return self.add(key, by, work) };
        let before = (entry.standing, entry.activity());
        if by.time_ms.saturating_sub(entry.last_ms) > self.quiet_ms {
            entry.state = S::default();
            entry.standing = Standing::new(by.proof);
        } else {
            entry.standing = entry.standing.after(by.proof, by.time_ms != entry.last_ms);
        }
        entry.last_ms = entry.last_ms.max(by.time_ms);
        let after = (entry.standing, entry.activity());
        if before != after
            && let Some(key) = self.order.remove(before.0, &before.1)
        {
            self.order.insert(after.0, after.1, key);
        }
        (work(&mut entry.state), 0)
    }

    /// What is held of a key at this time, without making it.
    pub fn get(&self, key: KeyRef<'_>, at_ms: i64) -> Option<&S> {
        let entry = self.entries.get(&key)?;
        (at_ms.saturating_sub(entry.last_ms) <= self.quiet_ms).then_some(&entry.state)
    }

    fn add<R>(&mut self, key: KeyRef<'_>, by: Touch, work: impl FnOnce(&mut S) -> R) -> (R, u64) {
        let mut evicted = 0;
        // More than one where the bound was lowered since the keys were written.
        while self.entries.len() >= self.capacity
            && let Some((_, key)) = self.order.pop(self.capacity)
        {
            self.forget(key);
            evicted += 1;
        }
        let standing = Standing::new(by.proof);
        let (state, last_ms, born) = (S::default(), by.time_ms, self.born);
        let mut entry = Box::new(Entry { state, standing, last_ms, born });
        self.born += 1;
        let done = work(&mut entry.state);
        let key = key.held();
        self.order.insert(standing, entry.activity(), key.clone());
        self.entries.insert(key, entry);
        (done, evicted)
    }

    fn forget(&mut self, key: Key) {
        self.entries.remove(&key);
        if let Some(changed) = &mut self.changed {
            changed.insert(key);
        }
    }

    /// Forgets the keys that no event from this time on can find.
    pub fn expire(&mut self, watermark_ms: i64) {
        let quiet_ms = self.quiet_ms;
        let is_over = |(minute, _): &Activity| {
            let last_ms = minute.saturating_add(1).saturating_mul(MINUTE_MS).saturating_sub(1);
            last_ms.saturating_add(quiet_ms) < watermark_ms
        };
        while let Some((_, key)) = self.order.pop_over(is_over) {
            self.forget(key);
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<S: Durable + Default> Table<S> {
    /// Whether it is kept in mind which keys change from now on.
    pub fn keep_changes(&mut self, wanted: bool) {
        self.changed = wanted.then(HashSet::default);
    }

    /// Adds what changed since the last time, in the order of the keys, under the table's name.
    pub fn changes(&mut self, name: u8, fields: &FieldTable, out: &mut Vec<Change>) {
        let Some(changed) = &mut self.changed else { return };
        let mut keys: Vec<Key> = changed.drain().collect();
        keys.sort_unstable();
        out.extend(keys.into_iter().map(|key| {
            let value = self.entries.get(&key).map(|entry| written(fields, |out| entry.write(out)));
            Change::new(key.write(name), value)
        }));
    }

    /// Takes in what is held of a key: the state, or nothing.
    ///
    /// # Errors
    /// The bytes say what cannot be.
    pub fn restore(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        fields: &FieldTable,
        names: &mut Names,
    ) -> Result<(), Corrupt> {
        let key = Key::read(key, names)?;
        if let Some(before) = self.entries.remove(&key) {
            self.order.remove(before.standing, &before.activity());
        }
        let Some(value) = value else { return Ok(()) };
        let entry: Box<Entry<S>> = whole(fields, names, value, Durable::read)?;
        self.born = self.born.max(entry.born.saturating_add(1));
        self.order.insert(entry.standing, entry.activity(), key.clone());
        self.entries.insert(key, entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::Proof;

    const QUIET_MS: i64 = 3_600_000;

    fn by(proof: Proof, time_ms: i64) -> Touch {
        Touch { proof, time_ms }
    }

    fn touch(table: &mut Table<u32>, id: &str, at_ms: i64) -> (u32, u64) {
        let count = |count: &mut u32| {
            *count += 1;
            *count
        };
        table.with(KeyRef { org: None, id }, by(Proof::Acted, at_ms), count)
    }

    #[test]
    fn one_id_in_two_orgs_is_two_keys() {
        let mut table: Table<u32> = Table::new(10, QUIET_MS);
        let (acme, other, at) = (Arc::from("acme"), Arc::from("other"), by(Proof::Acted, 0));
        for org in [None, Some(&acme), Some(&other)] {
            assert_eq!(table.with(KeyRef { org, id: "00u1" }, at, |count| std::mem::replace(count, 7)).0, 0);
        }
        let again: Arc<str> = Arc::from("acme");
        assert_eq!(table.with(KeyRef { org: Some(&again), id: "00u1" }, at, |count| *count).0, 7);
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn a_quiet_key_begins_anew_whether_or_not_the_table_was_swept() {
        for sweep in [false, true] {
            let mut table = Table::new(10, QUIET_MS);
            touch(&mut table, "a", 0);
            assert_eq!(touch(&mut table, "a", QUIET_MS).0, 2, "just in time");
            let next = 2 * QUIET_MS + 60_000;
            if sweep {
                table.expire(next);
                assert_eq!(table.len(), 0);
            }
            assert_eq!(touch(&mut table, "a", next).0, 1);
        }
    }

    #[test]
    fn a_key_is_looked_at_without_being_touched_as_long_as_it_is_not_quiet() {
        let mut table = Table::new(10, QUIET_MS);
        touch(&mut table, "a", 0);
        let get = |time_ms| table.get(KeyRef { org: None, id: "a" }, time_ms).copied();
        assert_eq!((get(QUIET_MS), get(QUIET_MS + 1)), (Some(1), None));
        assert_eq!(table.get(KeyRef { org: None, id: "b" }, 0), None);
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let org = |org: &str| Some(Arc::from(org));
        for (org, id) in [(None, "00u1"), (org(""), "00u1"), (org("acme"), "00u1"), (org("acme"), "")] {
            let key = Key { org, id: id.into() };
            let bytes = key.write(b'u');
            assert_eq!(Key::read(&bytes[1..], &mut Names::default()), Ok(key));
        }
        assert!(Key::read(&[0xFE], &mut Names::default()).is_err());
    }

    #[test]
    fn what_was_touched_or_went_is_told_once_in_the_order_of_keys() {
        let mut table = Table::new(2, QUIET_MS);
        touch(&mut table, "a", 0);
        table.keep_changes(true);
        for (id, at_ms) in [("c", 2 * QUIET_MS), ("b", 3 * QUIET_MS), ("c", 2 * QUIET_MS)] {
            touch(&mut table, id, at_ms);
        }
        let told = |table: &mut Table<u32>| {
            let mut changes = Vec::new();
            table.changes(b'x', &FieldTable::default(), &mut changes);
            let told = |change: Change| (String::from_utf8(change.key).unwrap(), change.value.is_some());
            changes.into_iter().map(told).collect::<Vec<_>>()
        };
        let expected = [("xa", false), ("xb", true), ("xc", true)];
        assert_eq!(told(&mut table), expected.map(|(key, held)| (key.to_owned(), held)));
        table.expire(3 * QUIET_MS + 120_000);
        assert_eq!(told(&mut table), [("xc".to_owned(), false)]);
        assert_eq!(told(&mut table), []);
    }

    /// A key, kept the plain way.
    struct Plain {
        id: u8,
        proof: Proof,
        again: bool,
        minute: i64,
        birth: usize,
    }

    /// Which of a few keys goes first: too few for those who prove less to have a share.
    fn victim(model: &[Plain]) -> usize {
        let lowest = model.iter().map(|known| known.proof).min().unwrap();
        let count = |again| model.iter().filter(|one| one.proof == lowest && one.again == again).count();
        let again = count(true) > 7 * count(false);
        let of = model.iter().enumerate().filter(|(_, one)| one.proof == lowest && one.again == again);
        of.min_by_key(|(_, one)| (one.minute, one.birth)).unwrap().0
    }

    proptest! {
        #[test]
        fn only_at_the_bound_the_least_recently_active_of_the_lowest_standing_goes(
            touches in proptest::collection::vec((0_u8..12, 0_usize..3, 0_i64..50), 1..120),
            capacity in 1_usize..8,
        ) {
            let mut table = Table::new(capacity, i64::MAX / 2);
            let mut model: Vec<Plain> = Vec::new();
            for (birth, (id, proof, minute)) in touches.into_iter().enumerate() {
                let proof = [Proof::Stranger, Proof::Named, Proof::Acted][proof];
                let touch = by(proof, minute * MINUTE_MS);
                let key = id.to_string();
                let evicted = table.with(KeyRef { org: None, id: &key }, touch, |_: &mut u32| ()).1 > 0;
                let known = model.iter().position(|known| known.id == id);
                let full = known.is_none() && model.len() == capacity;
                if full {
                    model.remove(victim(&model));
                }
                match known.and_then(|place| model.get_mut(place)) {
                    Some(known) => {
                        known.proof = known.proof.max(proof);
                        known.again |= known.minute != minute;
                        known.minute = known.minute.max(minute);
                    }
                    None => model.push(Plain { id, proof, again: false, minute, birth }),
                }
                prop_assert_eq!(evicted, full);
                prop_assert_eq!((table.len(), table.order.len()), (model.len(), model.len()));
                for known in &model {
                    let key = known.id.to_string();
                    let held = table.entries.contains_key(&KeyRef { org: None, id: &key });
                    prop_assert!(held, "{}", known.id);
                }
            }
        }

        #[test]
        fn sweeping_changes_no_answer_to_an_event_on_time(
            steps in proptest::collection::vec((0_u8..4, 0_i64..QUIET_MS), 1..60),
        ) {
            let (mut swept, mut never) = (Table::new(100, QUIET_MS), Table::new(100, QUIET_MS));
            let mut now = 0;
            for (id, wait) in steps {
                now += wait;
                swept.expire(now);
                prop_assert_eq!(touch(&mut swept, &id.to_string(), now), touch(&mut never, &id.to_string(), now));
            }
        }
    }
}

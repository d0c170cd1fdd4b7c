//! Where does what several keys hold stand once?
//!
//! The evidence of an event is part of every window that it falls into. In the changelog it has a key of its own,
//! from the first value that names it to the last ([`apart`](crate::state::apart)). So have the pieces of a
//! long value, of which few change at a time ([`chunked`](crate::state::chunked)).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{Change, FieldTable};
use crate::state::{Apart, Corrupt, Dirty, Names, Part, chunked, split};

/// The first byte of a part's key.
pub(super) const NAME: u8 = b'a';

/// Which values name which parts.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// How many values name a part.
    named: Named,
    /// The parts that a key's value names.
    by_key: BTreeMap<Vec<u8>, Box<[u128]>>,
}

impl Shelf {
    /// Adds the changes of these keys. A part comes before the first value that names it, and goes after the
    /// last.
    pub(super) fn put(&mut self, dirty: Vec<Dirty>, table: &FieldTable, out: &mut Vec<Change>) {
        let mut before = Vec::new();
        for (key, value) in dirty {
            let value = match value {
                Some(Apart { bytes, mut parts }) => {
                    let value = chunked::cut(bytes, &mut parts);
                    let first = self.hold(&key, &parts, &mut before);
                    write(first, parts, table, out);
                    Some(value)
                }
                None => {
                    before.extend(self.by_key.remove(&key).unwrap_or_default());
                    None
                }
            };
            out.push(Change::new(key, value));
        }
        out.extend(self.let_go(before));
    }

    /// Notes what a key names now, and gives what nobody named before. What the key itself named before is
    /// added to that.
    fn hold(&mut self, key: &[u8], parts: &[Part], before: &mut Vec<u128>) -> BTreeSet<u128> {
        let digests: Box<[u128]> = parts.iter().flat_map(|part| part.digests().iter().copied()).collect();
        let was = self.by_key.get(key).map(Box::as_ref).unwrap_or_default();
        let (gone, comes) = apart_from(was, &digests);
        before.extend_from_slice(gone);
        let first = comes.iter().copied().filter(|digest| name(&mut self.named, *digest)).collect();
        self.by_key.insert(key.to_vec(), digests);
        first
    }

    fn let_go(&mut self, digests: Vec<u128>) -> Vec<Change> {
        let mut gone = BTreeSet::new();
        for digest in digests {
            if let Some(named) = self.named.get_mut(&digest) {
                *named = named.saturating_sub(1);
                if *named == 0 {
                    self.named.remove(&digest);
                    gone.insert(digest);
                }
            }
        }
        gone.into_iter().map(|digest| Change::new(part_key(digest), None)).collect()
    }
}

/// How many values name a part.
type Named = HashMap<u128, u32, foldhash::fast::FixedState>;

/// Notes that a value names a part, and says whether it is the first.
fn name(all: &mut Named, digest: u128) -> bool {
    let named = all.entry(digest).or_default();
    *named += 1;
    *named == 1
}

/// Writes those that nobody named before.
fn write(mut first: BTreeSet<u128>, parts: Vec<Part>, table: &FieldTable, out: &mut Vec<Change>) {
    for part in parts {
        if first.is_empty() {
            return;
        }
        part.write(table, &mut first, &mut |digest, bytes| {
            out.push(Change::new(part_key(digest), Some(bytes)));
        });
    }
}

/// What a list has that another has not, and the other way round, but for what lies between.
fn apart_from<'l>(before: &'l [u128], after: &'l [u128]) -> (&'l [u128], &'l [u128]) {
    let same = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (before, after) = (before.get(same..).unwrap_or_default(), after.get(same..).unwrap_or_default());
    let same = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let without = |list: &'l [u128]| list.get(..list.len() - same).unwrap_or_default();
    (without(before), without(after))
}

/// What was read.
#[derive(Debug)]
pub(super) struct Together {
    /// The values with what they name still apart; or the key of one that cannot be put together, and why.
    pub(super) changes: Vec<Result<Change, Misread>>,
    /// What they name, to be read with them.
    pub(super) names: Names,
    /// Who names what.
    pub(super) shelf: Shelf,
    /// Keys of parts that none of them names.
    pub(super) unnamed: Vec<Vec<u8>>,
}

/// A key whose record is not what a shard writes, and what was looked for.
pub(super) type Misread = (Vec<u8>, Corrupt);

/// Values on their way back, which can be put together once all was read: while old versions of values are
/// being taken away, a part may be missing that only those named.
#[derive(Debug, Default)]
pub(super) struct Unread {
    parts: BTreeMap<u128, Arc<[u8]>>,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Unread {
    /// Takes a change of a part, or of a table whose values were taken apart; any other comes back.
    pub(super) fn take(&mut self, change: Change) -> Result<Option<Change>, Misread> {
        if let Some((&NAME, digest)) = change.key.split_first() {
            let Ok(digest) = digest.try_into().map(u128::from_be_bytes) else {
                return Err((change.key, Corrupt("digest of a part")));
            };
            match change.value {
                Some(part) => self.parts.insert(digest, part.into()),
                None => self.parts.remove(&digest),
            };
            return Ok(None);
        }
        if !is_apart(&change.key) {
            return Ok(Some(change));
        }
        match change.value {
            Some(value) => self.values.insert(change.key, value),
            None => self.values.remove(&change.key),
        };
        Ok(None)
    }

    /// Puts the values together that are there now.
    pub(super) fn put_together(mut self) -> Together {
        let mut shelf = Shelf::default();
        let mut changes = Vec::with_capacity(self.values.len());
        for (key, value) in std::mem::take(&mut self.values) {
            let mut named = Vec::new();
            let whole = self.whole(&value, &mut named);
            for digest in &named {
                name(&mut shelf.named, *digest);
            }
            shelf.by_key.insert(key.clone(), named.into());
            changes.push(match whole {
                Ok(value) => Ok(Change::new(key, Some(value))),
                Err(why) => Err((key, why)),
            });
        }
        let is_named = |digest: &&u128| shelf.named.contains_key(*digest);
        let unnamed = self.parts.keys().filter(|digest| !is_named(digest)).map(|digest| part_key(*digest));
        Together { changes, unnamed: unnamed.collect(), shelf, names: Names::with(self.parts) }
    }

    /// A value of one piece; what it names is added.
    fn whole(&self, value: &[u8], named: &mut Vec<u128>) -> Result<Vec<u8>, Corrupt> {
        let mut pieces = Vec::new();
        let part = |digest| self.parts.get(&digest).map(AsRef::as_ref);
        let bytes = chunked::joined(value, part, &mut pieces)?;
        self.names_of(&bytes, named)?;
        named.append(&mut pieces);
        Ok(bytes)
    }

    /// Adds what bytes name, and what that names. It ends because a digest is that of what is named in it.
    fn names_of(&self, bytes: &[u8], named: &mut Vec<u128>) -> Result<(), Corrupt> {
        for digest in split(bytes)?.0 {
            let digest = u128::from_le_bytes(*digest);
            named.push(digest);
            let part = self.parts.get(&digest).ok_or(Corrupt("part that is known"))?;
            self.names_of(part, named)?;
        }
        Ok(())
    }
}

/// Whether the values of a key's table are taken apart: those of correlations and of single alerts.
fn is_apart(key: &[u8]) -> bool {
    matches!(key.first(), Some(&crate::correlate::LETTER | &super::single::NAME))
}

fn part_key(digest: u128) -> Vec<u8> {
    [&[NAME][..], &digest.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shared;
    use crate::state::{apart, whole};

    /// A value that names these, each a text that is repeated.
    fn told(key: &str, held: &[&Shared<String>]) -> Dirty {
        let held: Vec<Shared<String>> = held.iter().map(|held| (*held).clone()).collect();
        (key.as_bytes().to_vec(), Some(apart(&FieldTable::default(), |out| held.write(out))))
    }

    use crate::state::Durable;

    fn text(piece: &str) -> Shared<String> {
        Shared::new(piece.repeat(100))
    }

    fn put(shelf: &mut Shelf, told: Vec<Dirty>) -> Vec<Change> {
        let mut out = Vec::new();
        shelf.put(told, &FieldTable::default(), &mut out);
        out
    }

    fn keys(changes: &[Change]) -> String {
        let letter = |change: &Change| match (&change.value, change.key[0]) {
            (Some(_), NAME) => '+',
            (None, NAME) => '-',
            (_, letter) => letter as char,
        };
        changes.iter().map(letter).collect()
    }

    fn gone(key: &str) -> Dirty {
        (key.as_bytes().to_vec(), None)
    }

    #[test]
    fn a_part_is_written_for_the_first_key_that_holds_it_and_gone_with_the_last() {
        let (mut shelf, [x, y, z]) = (Shelf::default(), ["x", "y", "z"].map(text));
        assert_eq!(keys(&put(&mut shelf, vec![told("c1", &[&x, &y]), told("c2", &[&x])])), "++cc");
        assert_eq!(keys(&put(&mut shelf, vec![told("c1", &[&y, &z])])), "+c");
        assert_eq!(keys(&put(&mut shelf, vec![told("c2", &[]), told("c3", &[&x])])), "cc");
        assert_eq!(keys(&put(&mut shelf, vec![gone("c3")])), "c-");
        assert_eq!(keys(&put(&mut shelf, vec![gone("c1")])), "c--");
        assert_eq!(keys(&put(&mut shelf, vec![told("c1", &[&x])])), "+c", "it is written anew");
        assert_eq!(keys(&put(&mut shelf, vec![gone("c1"), gone("c2")])), "cc-");
        assert!(shelf.named.is_empty() && shelf.by_key.is_empty());
    }

    #[test]
    fn of_a_long_value_only_what_changed_is_written_again() {
        let held: Vec<Shared<String>> = (0..5_000).map(|n| Shared::new(format!("event {n}"))).collect();
        let held: Vec<&Shared<String>> = held.iter().collect();
        let mut shelf = Shelf::default();
        put(&mut shelf, vec![told("c1", &held[..4_990])]);
        let changes = put(&mut shelf, vec![told("c1", &held[10..])]);
        let bytes: usize = changes.iter().filter_map(|change| change.value.as_ref()).map(Vec::len).sum();
        assert!(changes.len() < 12 && bytes < 8_000, "{} changes, {bytes} bytes", changes.len());
        put(&mut shelf, vec![gone("c1")]);
        assert!(shelf.named.is_empty() && shelf.by_key.is_empty());
    }

    #[test]
    fn what_was_taken_apart_is_read_in_any_order_and_goes_on() {
        let (mut shelf, [x, y]) = (Shelf::default(), ["x", "y"].map(text));
        let many: Vec<Shared<String>> = (0..3_000).map(|n| Shared::new(format!("event {n}"))).collect();
        let many: Vec<&Shared<String>> = many.iter().collect();
        let mut written = put(&mut shelf, vec![told("c1", &[&x, &y]), told("i1", &[&y]), told("c2", &many)]);
        written.push(Change::new(part_key(9), Some(b"left over".to_vec())));
        written.reverse();
        let mut unread = Unread::default();
        assert!(written.into_iter().all(|change| unread.take(change).unwrap().is_none()));
        let Together { changes, mut names, shelf: mut again, unnamed } = unread.put_together();
        assert_eq!(unnamed, [part_key(9)]);
        let mut read = |place: usize| -> Vec<Shared<String>> {
            let value = changes[place].as_ref().unwrap().value.clone().unwrap();
            whole(&FieldTable::default(), &mut names, &value, Durable::read).unwrap()
        };
        let (one, two, other) = (read(0), read(1), read(2));
        assert_eq!((&*one[0], &*one[1], &*other[0]), (&*x, &*y, &*y));
        assert!(one[1].is_same(&other[0]) && two.len() == 3_000);
        assert_eq!(keys(&put(&mut again, vec![told("c1", &[&y])])), "c-");
        assert!(keys(&put(&mut again, vec![gone("c2"), gone("c1"), gone("i1")])).ends_with('-'));
        assert!(again.named.is_empty() && again.by_key.is_empty());
    }

    #[test]
    fn a_value_whose_part_is_gone_is_told() {
        let written = put(&mut Shelf::default(), vec![told("c1", &[&text("x")])]);
        let mut unread = Unread::default();
        unread.take(written[1].clone()).unwrap();
        assert!(unread.put_together().changes[0].is_err());
    }
}

//! Where does what several keys hold stand once?
//!
//! The evidence of an event is part of every window that it falls into. In the changelog it has a key of its own,
//! from the first value that names it to the last ([`apart`](crate::state::apart)).

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Change;
use crate::state::{Corrupt, Marked, apart};

/// The first byte of a part's key.
pub(super) const NAME: u8 = b'a';

/// Which values name which parts.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// How many values name a part.
    named: BTreeMap<u128, u32>,
    /// The parts that a key's value names.
    by_key: BTreeMap<Vec<u8>, Vec<u128>>,
}

impl Shelf {
    /// Takes the values of these tables apart. A part comes before the first value that names it, and goes
    /// after the last.
    pub(super) fn take_apart(&mut self, changes: Vec<Change>) -> Vec<Change> {
        let mut out = Vec::with_capacity(changes.len());
        let mut before = Vec::new();
        for change in changes {
            if !is_apart(&change.key) {
                out.push(change);
                continue;
            }
            let Change { key, value, parts } = change;
            let mut digests = Vec::with_capacity(parts.len());
            let value = value.map(|bytes| {
                let marked = Marked { bytes, parts };
                let (value, parts) = marked.apart();
                for (digest, part) in parts {
                    digests.push(digest);
                    if self.name(digest) {
                        out.push(Change::new(part_key(digest), Some(part.to_vec())));
                    }
                }
                value
            });
            before.extend(self.hold(&key, digests));
            out.push(Change::new(key, value));
        }
        out.extend(self.let_go(before));
        out
    }

    /// Notes that a value names a part, and says whether it is the first.
    fn name(&mut self, digest: u128) -> bool {
        let named = self.named.entry(digest).or_default();
        *named += 1;
        *named == 1
    }

    /// Notes what a key names now, and gives what it named before.
    fn hold(&mut self, key: &[u8], digests: Vec<u128>) -> Vec<u128> {
        if digests.is_empty() {
            return self.by_key.remove(key).unwrap_or_default();
        }
        self.by_key.insert(key.to_vec(), digests).unwrap_or_default()
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

/// What was read.
#[derive(Debug)]
pub(super) struct Together {
    /// The values as they were; or the key of one that cannot be put together, and why.
    pub(super) changes: Vec<Result<Change, Misread>>,
    /// What they name.
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
    parts: BTreeMap<u128, Vec<u8>>,
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
                Some(part) => self.parts.insert(digest, part),
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
    pub(super) fn put_together(self) -> Together {
        let mut shelf = Shelf::default();
        let mut changes = Vec::with_capacity(self.values.len());
        for (key, value) in self.values {
            let whole = apart::digests(&value).and_then(|digests| {
                for digest in &digests {
                    shelf.name(*digest);
                }
                shelf.hold(&key, digests);
                apart::together(&value, |digest| self.parts.get(&digest).map(Vec::as_slice))
            });
            changes.push(match whole {
                Ok(value) => Ok(Change::new(key, Some(value))),
                Err(why) => Err((key, why)),
            });
        }
        let is_named = |digest: &&u128| shelf.named.contains_key(*digest);
        let unnamed = self.parts.keys().filter(|digest| !is_named(digest)).map(|digest| part_key(*digest));
        let unnamed = unnamed.collect();
        Together { changes, shelf, unnamed }
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

    fn change(key: &str, pieces: &[&str]) -> Change {
        let mut bytes = Vec::new();
        let mut parts = Vec::new();
        for piece in pieces {
            let part = piece.repeat(100);
            parts.push((bytes.len(), part.len()));
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(b'.');
        }
        Change { key: key.as_bytes().to_vec(), value: Some(bytes), parts }
    }

    fn keys(changes: &[Change]) -> String {
        let letter = |change: &Change| match (&change.value, change.key[0]) {
            (Some(_), NAME) => '+',
            (None, NAME) => '-',
            (_, letter) => letter as char,
        };
        changes.iter().map(letter).collect()
    }

    #[test]
    fn a_part_is_written_for_the_first_key_that_holds_it_and_gone_with_the_last() {
        let mut shelf = Shelf::default();
        assert_eq!(keys(&shelf.take_apart(vec![change("c1", &["x", "y"]), change("c2", &["x"])])), "++cc");
        assert_eq!(keys(&shelf.take_apart(vec![change("c1", &["y", "z"])])), "+c");
        assert_eq!(keys(&shelf.take_apart(vec![change("c2", &[]), change("c3", &["x"])])), "cc");
        assert_eq!(keys(&shelf.take_apart(vec![Change::new(b"c3".to_vec(), None)])), "c-");
        let gone =
            shelf.take_apart(vec![Change::new(b"c1".to_vec(), None), Change::new(b"u".to_vec(), None)]);
        assert_eq!(keys(&gone), "cu--");
        assert!(shelf.named.is_empty() && shelf.by_key.is_empty());
    }

    #[test]
    fn what_was_taken_apart_is_read_in_any_order_and_goes_on() {
        let mut shelf = Shelf::default();
        let whole = change("c1", &["x", "y"]);
        let mut written = shelf.take_apart(vec![whole.clone(), change("i1", &["y"])]);
        written.push(Change::new(part_key(9), Some(b"left over".to_vec())));
        written.reverse();
        let mut unread = Unread::default();
        assert!(written.into_iter().all(|change| unread.take(change).unwrap().is_none()));
        let Together { changes, shelf: mut again, unnamed } = unread.put_together();
        assert_eq!(unnamed, [part_key(9)]);
        assert_eq!(changes[0].as_ref().unwrap().value, whole.value);
        assert_eq!(keys(&again.take_apart(vec![change("c1", &["y"])])), "c-");
    }

    #[test]
    fn a_value_whose_part_is_gone_is_told() {
        let written = Shelf::default().take_apart(vec![change("c1", &["x"])]);
        let mut unread = Unread::default();
        unread.take(written[1].clone()).unwrap();
        assert!(unread.put_together().changes[0].is_err());
    }
}

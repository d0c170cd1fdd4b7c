//! What does a partition of a topic hold, and what of it can be read?
//!
//! Records of an open transaction stand in the way of whoever reads what is committed, up to the marker that
//! ends the transaction in this partition. A marker takes an offset of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oktawatch::model::Alert;

/// The topics of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    Input,
    Repartition,
    Changelog,
    Alerts,
    /// What batches took, for the verdict alone.
    Ledger,
}

/// A partition of a topic.
pub type Place = (Topic, u32);

/// What a record is.
#[derive(Clone, Debug)]
pub enum Body {
    Bytes {
        key: Vec<u8>,
        value: Option<Vec<u8>>,
    },
    Alert(Arc<Alert>),
    /// Records that a batch took.
    Taken(Vec<(Place, i64)>),
    /// The end of a transaction.
    Marker,
}

impl Body {
    /// A record that has a value alone.
    pub fn of(value: Vec<u8>) -> Self {
        Self::Bytes { key: Vec::new(), value: Some(value) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stands,
    Open(usize),
    Undone,
}

#[derive(Debug)]
struct Entry {
    offset: i64,
    body: Body,
    fate: Fate,
}

/// One partition.
#[derive(Debug, Default)]
pub struct Partition {
    entries: Vec<Entry>,
    next: i64,
    /// Where the transaction of a producer begins here.
    open: BTreeMap<usize, i64>,
}

impl Partition {
    /// A record outside of any transaction.
    pub fn append(&mut self, body: Body) {
        self.push(body, Fate::Stands);
    }

    /// A record of a producer's open transaction.
    pub fn append_open(&mut self, producer: usize, body: Body) {
        self.open.entry(producer).or_insert(self.next);
        self.push(body, Fate::Open(producer));
    }

    /// The producer's transaction ends here.
    pub fn end(&mut self, producer: usize, is_committed: bool) {
        let Some(first) = self.open.remove(&producer) else { return };
        let fate = if is_committed { Fate::Stands } else { Fate::Undone };
        let start = self.entries.partition_point(|entry| entry.offset < first);
        for entry in &mut self.entries[start..] {
            if entry.fate == Fate::Open(producer) {
                entry.fate = fate;
            }
        }
        self.push(Body::Marker, Fate::Stands);
    }

    /// Up to where everything is decided: the last stable offset.
    pub fn stable(&self) -> i64 {
        self.open.values().min().copied().unwrap_or(self.next)
    }

    /// The end, whether or not it can be read yet: the high watermark.
    pub fn high(&self) -> i64 {
        self.next
    }

    /// At most so many committed records from an offset on, and where to go on reading.
    pub fn read(&self, from: i64, most: usize) -> (Vec<(i64, Body)>, i64) {
        self.read_where(from, self.stable(), most, |fate| fate == Fate::Stands)
    }

    /// The offsets of all committed records that a reader comes by.
    pub fn offsets(&self) -> Vec<i64> {
        self.read(0, usize::MAX).0.into_iter().map(|(offset, _)| offset).collect()
    }

    /// The same, as one reads who asks for nothing to be committed.
    pub fn read_dirty(&self, from: i64, most: usize) -> (Vec<(i64, Body)>, i64) {
        self.read_where(from, self.next, most, |_| true)
    }

    fn read_where(
        &self,
        from: i64,
        upto: i64,
        most: usize,
        wanted: impl Fn(Fate) -> bool,
    ) -> (Vec<(i64, Body)>, i64) {
        let start = self.entries.partition_point(|entry| entry.offset < from);
        let mut found = Vec::new();
        for entry in self.entries[start..].iter().take_while(|entry| entry.offset < upto) {
            if !wanted(entry.fate) || matches!(entry.body, Body::Marker) {
                continue;
            }
            if found.len() == most {
                return (found, entry.offset);
            }
            found.push((entry.offset, entry.body.clone()));
        }
        (found, upto.max(from))
    }

    /// Some of what a compacted topic need not keep is gone. A tombstone is the last to go of its key, unless
    /// the cleaner is `careless`; and not while somebody is half through, who may have read what it stands for:
    /// this is what `delete.retention.ms` is for.
    pub fn compact(&mut self, salt: u64, careless: bool, is_being_read: bool) {
        let upto = self.stable();
        let mut latest: BTreeMap<&[u8], i64> = BTreeMap::new();
        let mut first: BTreeMap<&[u8], i64> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.offset < upto && entry.fate == Fate::Stands) {
            if let Body::Bytes { key, .. } = &entry.body {
                latest.insert(key, entry.offset);
                first.entry(key).or_insert(entry.offset);
            }
        }
        let goes = |entry: &Entry| match &entry.body {
            _ if entry.offset >= upto => false,
            _ if entry.fate == Fate::Undone => true,
            Body::Bytes { key, value } => {
                let (is_last, is_first) =
                    (latest[key.as_slice()] == entry.offset, first[key.as_slice()] == entry.offset);
                let is_tombstone = value.is_none();
                (is_tombstone && is_last && ((is_first && !is_being_read) || careless)) || !is_last
            }
            _ => true,
        };
        let going: BTreeSet<i64> = self
            .entries
            .iter()
            .filter(|entry| goes(entry) && !mix(salt, entry.offset).is_multiple_of(3))
            .map(|entry| entry.offset)
            .collect();
        self.entries.retain(|entry| !going.contains(&entry.offset));
    }

    fn push(&mut self, body: Body, fate: Fate) {
        self.entries.push(Entry { offset: self.next, body, fate });
        self.next += 1;
    }
}

/// A number that looks random, the same for the same two.
pub fn mix(salt: u64, other: i64) -> u64 {
    let mut z = salt ^ other.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

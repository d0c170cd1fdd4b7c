//! What do the values of several keys name, and what is written of it?
//!
//! The evidence of one event stands in the windows of many keys, and each is written again with every event
//! that comes to it. So what is shared is written once, under a digest of its bytes, and a value only names
//! it. What all rules show of an event is named in turn by what each of them shows.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::codec::{Durable, Writer};
use crate::model::{FieldTable, Held};

/// Shorter parts stay where they are: a digest has 16 bytes, and a key of its own costs more.
pub(super) const LEAST: usize = 96;

/// A key that changed, with what it holds now; `None` when it is gone.
pub type Dirty = (Vec<u8>, Option<Apart>);

/// A value and what it names.
#[derive(Debug, Default)]
pub struct Apart {
    /// The value without that.
    pub bytes: Vec<u8>,
    /// What it names, in the order in which it does.
    pub parts: Vec<Part>,
}

/// What a value names.
#[derive(Debug)]
pub struct Part {
    /// Its own digest, then those of all that it names.
    digests: Arc<[u128]>,
    fresh: Option<Fresh>,
    source: Option<Arc<dyn Source>>,
}

/// How something that others hold too was written.
#[derive(Debug)]
pub(super) enum Form {
    /// Apart, under these digests: its own, then those of what it names.
    Apart(Arc<[u128]>),
    /// In its place, being short: the bytes, and what they name.
    Short(Box<[u8]>, Box<[Part]>),
}

/// What was written just now.
#[derive(Debug)]
struct Fresh {
    bytes: Vec<u8>,
    /// What that names.
    below: Vec<Part>,
}

/// What can be written again.
trait Source: Send + Sync + fmt::Debug {
    fn fresh(&self, table: &FieldTable) -> Fresh;
}

impl<T: Durable + Send + Sync + fmt::Debug> Source for Held<T> {
    fn fresh(&self, table: &FieldTable) -> Fresh {
        let mut out = Writer::new(table);
        self.what().write(&mut out);
        let Apart { bytes, parts: below } = out.finish();
        Fresh { bytes, below }
    }
}

impl Part {
    /// Bytes that name these parts.
    pub(super) fn new(Apart { bytes, parts: below }: Apart) -> Self {
        let named = below.iter().flat_map(|part| part.digests.iter().copied());
        let digests = std::iter::once(xxh3_128(&bytes)).chain(named).collect();
        Self { digests, fresh: Some(Fresh { bytes, below }), source: None }
    }

    /// What others hold too, under the digests that it has.
    pub(super) fn known<T>(digests: &Arc<[u128]>, held: Arc<Held<T>>) -> Self
    where
        T: Durable + Send + Sync + fmt::Debug + 'static,
    {
        Self { digests: Arc::clone(digests), fresh: None, source: Some(held) }
    }

    /// The same, which others hold too.
    pub(super) fn of<T>(self, held: Arc<Held<T>>) -> Self
    where
        T: Durable + Send + Sync + fmt::Debug + 'static,
    {
        Self { source: Some(held), ..self }
    }

    /// The same, named once more.
    pub(super) fn again(&self) -> Self {
        Self { digests: Arc::clone(&self.digests), fresh: None, source: self.source.clone() }
    }

    /// Its own digest.
    pub(super) fn digest(&self) -> u128 {
        self.digests.first().copied().unwrap_or_default()
    }

    /// Its own digest, then those of all that it names.
    pub fn digests(&self) -> &Arc<[u128]> {
        &self.digests
    }

    /// Gives the bytes of those of its digests that are wanted, which are no longer wanted then.
    ///
    /// What is not written just now is written again, under the name that it has: with fewer fields read
    /// than before, its bytes may be others.
    pub fn write(self, table: &FieldTable, wanted: &mut BTreeSet<u128>, take: &mut dyn FnMut(u128, Vec<u8>)) {
        // Whoever named it before named all below it.
        let own = self.digest();
        if !wanted.contains(&own) {
            return;
        }
        let again = || self.source.map(|source| source.fresh(table));
        let Some(Fresh { bytes, below }) = self.fresh.or_else(again) else { return };
        for part in below {
            part.write(table, wanted, take);
        }
        if wanted.remove(&own) {
            take(own, bytes);
        }
    }
}

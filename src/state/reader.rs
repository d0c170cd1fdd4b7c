//! How is a value taken from the bytes that hold it? The other side of [`super::codec`].

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::codec::{AGAIN, APART, Corrupt, Durable, FIRST, IN_PLACE, VERSION};
use crate::model::{FieldId, FieldTable, Shared};

/// Texts kept to be shared between the values that are read; more are read, but not shared.
const SHARED_TEXTS: usize = 4_096;

/// Bytes that are read one after the other.
#[derive(Debug)]
pub struct Reader<'b> {
    /// The digests of what comes, in its order.
    digests: &'b [[u8; 16]],
    rest: &'b [u8],
    table: &'b FieldTable,
    names: &'b mut Names,
    /// It stands under the digest of its bytes: they are what was written there.
    is_named: bool,
}

/// What occurs in many values.
#[derive(Debug, Default)]
pub struct Names {
    /// Topics, paths, tenants.
    texts: BTreeSet<Arc<str>>,
    parts: BTreeMap<u128, Arc<[u8]>>,
    /// Parts that were read before.
    known: BTreeMap<u128, Arc<dyn Any + Send + Sync>>,
    /// The value is one in which what is there several times was written once.
    is_once: bool,
    /// What such a value holds several times, in the order in which it was read.
    within: Vec<Arc<dyn Any + Send + Sync>>,
    /// Its texts.
    said: Vec<Arc<str>>,
}

impl Names {
    /// With parts that values name.
    pub fn with(parts: BTreeMap<u128, Arc<[u8]>>) -> Self {
        Self { parts, ..Self::default() }
    }

    /// A value that [`Writer::once`] wrote begins.
    pub fn begin_once(&mut self) {
        self.is_once = true;
    }

    /// It is at its end.
    pub fn end_once(&mut self) {
        self.is_once = false;
        self.within.clear();
        self.said.clear();
    }

    /// The one text that is shared by all who ask for it.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.texts.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(text);
        if self.texts.len() < SHARED_TEXTS {
            self.texts.insert(Arc::clone(&shared));
        }
        shared
    }
}

/// The digests that a value names, and what stands behind them.
///
/// # Errors
/// A version that is not known, or bytes that end too soon.
pub fn split(bytes: &[u8]) -> Result<(&[[u8; 16]], &[u8]), Corrupt> {
    let Some((&VERSION, mut rest)) = bytes.split_first() else {
        return Err(Corrupt("version that is known"));
    };
    let count = usize::try_from(number_in(&mut rest)?).map_err(|_| Corrupt("length"))?;
    let len = count.checked_mul(16).ok_or(Corrupt("length"))?;
    let (digests, rest) = rest.split_at_checked(len).ok_or(Corrupt("digest of a part"))?;
    Ok((digests.as_chunks().0, rest))
}

impl<'b> Reader<'b> {
    /// Reads what a [`Writer`] wrote.
    ///
    /// # Errors
    /// A version that is not known.
    pub fn new(bytes: &'b [u8], table: &'b FieldTable, names: &'b mut Names) -> Result<Self, Corrupt> {
        let (digests, rest) = split(bytes)?;
        Ok(Self { digests, rest, table, names, is_named: false })
    }

    /// Reads what [`Writer::into_bytes`] gave.
    pub(super) fn within(rest: &'b [u8], table: &'b FieldTable, names: &'b mut Names) -> Self {
        Self { digests: &[], rest, table, names, is_named: false }
    }

    /// Whether it stands under the digest of its bytes.
    pub(super) fn is_named(&self) -> bool {
        self.is_named
    }

    /// Something that others hold too: one for all.
    ///
    /// # Errors
    /// The bytes end or hold something else, or a part is not there.
    pub fn one_for_all<T: Durable + Send + Sync + 'static>(&mut self) -> Result<Shared<T>, Corrupt> {
        match self.array()? {
            [IN_PLACE] => return T::read(self).map(Shared::new),
            [FIRST] => {
                let read = T::read(self).map(Shared::new)?;
                self.names.within.push(Arc::new(read.clone()));
                return Ok(read);
            }
            [AGAIN] => return self.again().map(|known: Arc<Shared<T>>| Shared::clone(&known)),
            [APART] => {}
            _ => return Err(Corrupt("way to share")),
        }
        let digest = self.digest()?;
        let known = self.names.known.get(&digest).and_then(|known| known.downcast_ref::<Shared<T>>());
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let read = Shared::new(self.part(digest, T::read)?);
        self.names.known.insert(digest, Arc::new(read.clone()));
        Ok(read)
    }

    fn again<T: Send + Sync + 'static>(&mut self) -> Result<Arc<T>, Corrupt> {
        let place = usize::try_from(self.number()?).ok();
        let known = place.and_then(|place| self.names.within.get(place)).map(Arc::clone);
        known.and_then(|known| known.downcast().ok()).ok_or(Corrupt("part that is known"))
    }

    /// What [`Writer::held`] wrote.
    pub(super) fn held<T: Durable + Send + Sync + 'static>(&mut self) -> Result<Arc<T>, Corrupt> {
        if !self.names.is_once {
            return T::read(self).map(Arc::new);
        }
        match self.array()? {
            [FIRST] => {
                let read = T::read(self).map(Arc::new)?;
                self.names.within.push(Arc::<T>::clone(&read));
                Ok(read)
            }
            [AGAIN] => self.again(),
            _ => Err(Corrupt("way to share")),
        }
    }

    /// A text that many values share, as [`Writer::standing_text`] wrote it.
    ///
    /// # Errors
    /// The bytes end, or are no text.
    pub fn shared(&mut self) -> Result<Arc<str>, Corrupt> {
        let number = if self.names.is_once { self.number()? } else { 0 };
        if let Some(place) = number.checked_sub(1) {
            let known = usize::try_from(place).ok().and_then(|place| self.names.said.get(place));
            return known.map(Arc::clone).ok_or(Corrupt("text that is known"));
        }
        let text = self.text()?;
        let shared = self.names.share(text);
        if self.names.is_once && !text.is_empty() {
            self.names.said.push(Arc::clone(&shared));
        }
        Ok(shared)
    }

    fn digest(&mut self) -> Result<u128, Corrupt> {
        let (first, rest) = self.digests.split_first().ok_or(Corrupt("digest of a part"))?;
        self.digests = rest;
        Ok(u128::from_le_bytes(*first))
    }

    fn part<T>(
        &mut self,
        digest: u128,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Corrupt>,
    ) -> Result<T, Corrupt> {
        let bytes = self.names.parts.get(&digest).map(Arc::clone).ok_or(Corrupt("part that is known"))?;
        let mut from = Reader::new(&bytes, self.table, self.names)?;
        from.is_named = xxh3_128(&bytes) == digest;
        let part = read(&mut from)?;
        from.finish().map(|()| part)
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything was read.
    ///
    /// # Errors
    /// Bytes are left.
    pub fn finish(self) -> Result<(), Corrupt> {
        if self.rest.is_empty() && self.digests.is_empty() { Ok(()) } else { Err(Corrupt("end")) }
    }

    /// The fields of this run.
    pub fn table(&self) -> &'b FieldTable {
        self.table
    }

    /// So many bytes as they are.
    ///
    /// # Errors
    /// There are fewer.
    pub fn raw(&mut self, len: usize) -> Result<&'b [u8], Corrupt> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Corrupt("bytes any more"))?;
        self.rest = rest;
        Ok(head)
    }

    /// So many bytes, whose number the type says.
    ///
    /// # Errors
    /// There are fewer.
    pub fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Corrupt> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Corrupt("bytes any more"))?;
        self.rest = rest;
        Ok(*head)
    }

    /// A number as [`Writer::number`] wrote it.
    ///
    /// # Errors
    /// The bytes end, or it has more than 64 bits.
    pub fn number(&mut self) -> Result<u64, Corrupt> {
        number_in(&mut self.rest)
    }

    /// The number of elements that follow. Each takes a byte at least, so that no number asks for more
    /// room than there are bytes.
    ///
    /// # Errors
    /// More than can follow.
    pub fn count(&mut self) -> Result<usize, Corrupt> {
        let len = usize::try_from(self.number()?).map_err(|_| Corrupt("length"))?;
        if len <= self.rest.len() { Ok(len) } else { Err(Corrupt("length")) }
    }

    /// A text as [`Writer::text`] wrote it.
    ///
    /// # Errors
    /// The bytes end, or are no text.
    pub fn text(&mut self) -> Result<&'b str, Corrupt> {
        let len = self.count()?;
        std::str::from_utf8(self.raw(len)?).map_err(|_| Corrupt("text"))
    }

    /// The field that a [`Writer`] named; `None` when no rule of this run reads it.
    ///
    /// # Errors
    /// The bytes end, or name no field.
    pub fn field(&mut self) -> Result<Option<FieldId>, Corrupt> {
        match self.number()? {
            0 => {
                let path = self.shared()?;
                Ok(self.table.id(&path))
            }
            code => {
                let index = u16::try_from(code - 1).map_err(|_| Corrupt("field"))?;
                let known = usize::from(index) < crate::model::core::ALL.len();
                if known { Ok(Some(FieldId::new(index))) } else { Err(Corrupt("field")) }
            }
        }
    }
}

/// Reads what [`number_into`] wrote.
pub(super) fn number_in(rest: &mut &[u8]) -> Result<u64, Corrupt> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(Corrupt("bytes any more"))?;
        *rest = tail;
        let low = u64::from(byte & 0x7F);
        if shift == 63 && low > 1 {
            break;
        }
        number |= low << shift;
        if *byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Corrupt("number of 64 bits"))
}

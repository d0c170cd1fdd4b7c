//! How is one value written as bytes, and read again?
//!
//! ```text
//!  version, number of digests, the digests of what is written apart in the order of its places, the rest
//! ```
//!
//! The digests stand in front so that they can be found by who does not know what the rest means.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::apart::{self, Apart, Form, Part};
use crate::model::{FieldId, FieldTable, Held, Shared};

/// The form that is written, in front of every value. One that is not known is not read.
pub const VERSION: u8 = 3;

/// Texts kept to be shared between the values that are read; more are read, but not shared.
const SHARED_TEXTS: usize = 4_096;

/// Something that can be written, and read again as it was.
pub trait Durable: Sized {
    /// Adds it to what is written.
    fn write(&self, out: &mut Writer<'_>);

    /// Takes it from what is read.
    ///
    /// # Errors
    /// The bytes end too soon or say what cannot be.
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt>;
}

/// Why bytes could not be read: what was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt(pub &'static str);

impl fmt::Display for Corrupt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the bytes hold no {}", self.0)
    }
}

impl std::error::Error for Corrupt {}

/// Bytes that grow.
#[derive(Debug)]
pub struct Writer<'t> {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// Whether what others may hold too is written apart.
    takes_apart: bool,
    table: &'t FieldTable,
}

impl<'t> Writer<'t> {
    /// Nothing yet. Fields are named by this table.
    pub fn new(table: &'t FieldTable) -> Self {
        Self { bytes: Vec::new(), parts: Vec::new(), takes_apart: true, table }
    }

    /// Nothing yet, where all is to stand in one place.
    pub fn in_one(table: &'t FieldTable) -> Self {
        Self { takes_apart: false, ..Self::new(table) }
    }

    /// What was written.
    pub fn finish(self) -> Apart {
        let Self { bytes: rest, parts, .. } = self;
        let mut bytes = Vec::with_capacity(2 + 16 * parts.len() + rest.len());
        bytes.push(VERSION);
        number_into(&mut bytes, parts.len() as u64);
        for part in &parts {
            bytes.extend_from_slice(&part.digest().to_le_bytes());
        }
        bytes.extend_from_slice(&rest);
        Apart { bytes, parts }
    }

    /// Something that others hold too.
    pub fn shared<T: Durable + Send + Sync + fmt::Debug + 'static>(&mut self, shared: &Shared<T>) {
        if !self.takes_apart {
            self.bytes.push(0);
            return T::write(shared, self);
        }
        let held = shared.held();
        match held.note() {
            Some(Form::Apart(digests)) => {
                self.bytes.push(1);
                self.parts.push(Part::known(digests, Arc::clone(&held)));
            }
            Some(Form::Short(bytes, parts)) => {
                self.bytes.push(0);
                self.bytes.extend_from_slice(bytes);
                self.parts.extend(parts.iter().map(Part::again));
            }
            None => self.first(held),
        }
    }

    /// Something that others hold too, and nobody wrote before.
    fn first<T: Durable + Send + Sync + fmt::Debug + 'static>(&mut self, held: Arc<Held<T>>) {
        let mut out = Self::new(self.table);
        held.what().write(&mut out);
        if out.bytes.len() < apart::LEAST {
            self.bytes.push(0);
            self.bytes.extend_from_slice(&out.bytes);
            held.take_note(Form::Short(out.bytes.into(), out.parts.iter().map(Part::again).collect()));
            self.parts.append(&mut out.parts);
            return;
        }
        let part = Part::new(out.finish());
        self.bytes.push(1);
        held.take_note(Form::Apart(Arc::clone(part.digests())));
        self.parts.push(part.of(held));
    }

    /// The fields of this run.
    pub fn table(&self) -> &'t FieldTable {
        self.table
    }

    /// How many bytes were written, without what stands apart.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A number, seven bits a byte, the low ones first.
    pub fn number(&mut self, number: u64) {
        number_into(&mut self.bytes, number);
    }

    /// A text with its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.raw(text.as_bytes());
    }
}

/// Bytes that are read one after the other.
#[derive(Debug)]
pub struct Reader<'b> {
    /// The digests of what comes, in its order.
    digests: &'b [[u8; 16]],
    rest: &'b [u8],
    table: &'b FieldTable,
    names: &'b mut Names,
}

/// What occurs in many values.
#[derive(Debug, Default)]
pub struct Names {
    /// Topics, paths, tenants.
    texts: BTreeSet<Arc<str>>,
    parts: BTreeMap<u128, Arc<[u8]>>,
    /// Parts that were read before.
    known: BTreeMap<u128, Arc<dyn Any + Send + Sync>>,
}

impl Names {
    /// With parts that values name.
    pub fn with(parts: BTreeMap<u128, Arc<[u8]>>) -> Self {
        Self { parts, ..Self::default() }
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
        Ok(Self { digests, rest, table, names })
    }

    /// Something that others hold too: one for all.
    ///
    /// # Errors
    /// The bytes end or hold something else, or a part is not there.
    pub fn one_for_all<T: Durable + Send + Sync + 'static>(&mut self) -> Result<Shared<T>, Corrupt> {
        if !bool::read(self)? {
            return T::read(self).map(Shared::new);
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
        whole(self.table, self.names, &bytes, read)
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

    /// A text that many values share.
    ///
    /// # Errors
    /// The bytes end, or are no text.
    pub fn shared(&mut self) -> Result<Arc<str>, Corrupt> {
        let text = self.text()?;
        Ok(self.names.share(text))
    }

    /// The field that a [`Writer`] named; `None` when no rule of this run reads it.
    ///
    /// # Errors
    /// The bytes end, or name no field.
    pub fn field(&mut self) -> Result<Option<FieldId>, Corrupt> {
        match self.number()? {
            0 => {
                let path = self.text()?;
                Ok(self.table.id(path))
            }
            code => {
                let index = u16::try_from(code - 1).map_err(|_| Corrupt("field"))?;
                let known = usize::from(index) < crate::model::core::ALL.len();
                if known { Ok(Some(FieldId::new(index))) } else { Err(Corrupt("field")) }
            }
        }
    }
}

/// Writes a number, seven bits a byte, the low ones first.
pub(super) fn number_into(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
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

/// A whole value, with what others may hold too apart from it.
pub fn apart(table: &FieldTable, write: impl FnOnce(&mut Writer<'_>)) -> Apart {
    let mut out = Writer::new(table);
    write(&mut out);
    out.finish()
}

/// A whole value as bytes.
pub fn written(table: &FieldTable, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Writer::in_one(table);
    write(&mut out);
    out.finish().bytes
}

/// A whole value in bytes that [`written`] or [`apart()`] gave.
///
/// # Errors
/// The bytes hold something else, or more.
pub fn whole<T>(
    table: &FieldTable,
    names: &mut Names,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, Corrupt>,
) -> Result<T, Corrupt> {
    let mut from = Reader::new(bytes, table, names)?;
    let whole = read(&mut from)?;
    from.finish().map(|()| whole)
}

impl Durable for FieldId {
    /// Fields of the core set by their number, which every run has in common; others by their path.
    fn write(&self, out: &mut Writer<'_>) {
        if self.index() < crate::model::core::ALL.len() {
            out.number(self.index() as u64 + 1);
        } else {
            out.number(0);
            let table = out.table();
            out.text(table.path(*self));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.field()?.ok_or(Corrupt("field that a rule reads"))
    }
}

/// Writes and reads a struct field by field, in this order. Its parameter, if it has one, is durable
/// itself.
#[macro_export]
macro_rules! durable {
    ($name:ident<$parameter:ident> $fields:tt) => {
        $crate::durable!(@ [<$parameter: $crate::state::Durable>] $name<$parameter> $fields);
    };
    ($name:ident $fields:tt) => {
        $crate::durable!(@ [] $name $fields);
    };
    (@ [$($bound:tt)*] $name:ty { $($field:tt),+ $(,)? }) => {
        impl $($bound)* $crate::state::Durable for $name {
            fn write(&self, out: &mut $crate::state::Writer<'_>) {
                $( $crate::state::Durable::write(&self.$field, out); )+
            }
            fn read(from: &mut $crate::state::Reader<'_>) -> Result<Self, $crate::state::Corrupt> {
                Ok(Self { $( $field: $crate::state::Durable::read(from)?, )+ })
            }
        }
    };
}

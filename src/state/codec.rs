//! How is one value written as bytes, and read again?
//!
//! ```text
//!  version, number of digests, the digests of what is written apart in the order of its places, the rest
//! ```
//!
//! The digests stand in front so that they can be found by who does not know what the rest means.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::apart::{self, Apart, Form, Part};
use super::reader::{Names, Reader};
use crate::model::{FieldId, FieldTable, Held, Shared};

/// The form that is written, in front of every value. One that is not known is not read.
pub const VERSION: u8 = 5;

/// Bytes of most values, so that they need not grow step by step.
const ROOM: usize = 512;

/// How something that others may hold too is written: in its place, by its digest, or in its place for the
/// first time and by its number from then on.
pub(super) const IN_PLACE: u8 = 0;
pub(super) const APART: u8 = 1;
pub(super) const FIRST: u8 = 2;
pub(super) const AGAIN: u8 = 3;

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
    sharing: Sharing,
    table: &'t FieldTable,
}

/// Where what others may hold too is written.
#[derive(Debug)]
enum Sharing {
    Apart,
    /// In its place, each time.
    InPlace,
    /// In its place the first time.
    Once(Known),
}

/// What was written, by its address, with its number.
#[derive(Debug, Default)]
struct Known {
    things: HashMap<usize, u64, foldhash::fast::FixedState>,
    texts: HashMap<usize, u64, foldhash::fast::FixedState>,
}

/// The number of an address that is known; it is from now on.
fn number_of(known: &mut HashMap<usize, u64, foldhash::fast::FixedState>, address: usize) -> Option<u64> {
    let number = known.len() as u64;
    match known.entry(address) {
        Entry::Occupied(known) => Some(*known.get()),
        Entry::Vacant(new) => {
            new.insert(number);
            None
        }
    }
}

impl<'t> Writer<'t> {
    /// Nothing yet. Fields are named by this table.
    pub fn new(table: &'t FieldTable) -> Self {
        Self { bytes: Vec::with_capacity(ROOM), parts: Vec::new(), sharing: Sharing::Apart, table }
    }

    /// Nothing yet, where all is to stand in one place.
    pub fn in_one(table: &'t FieldTable) -> Self {
        Self { sharing: Sharing::InPlace, ..Self::new(table) }
    }

    /// The same, with what is there several times written once. It must be there until all is written.
    pub fn once(table: &'t FieldTable) -> Self {
        Self { sharing: Sharing::Once(Known::default()), ..Self::new(table) }
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
        match &self.sharing {
            Sharing::Apart => {}
            Sharing::InPlace => {
                self.bytes.push(IN_PLACE);
                return T::write(shared, self);
            }
            Sharing::Once(_) => return self.once_only(shared.address(), |out| T::write(shared, out)),
        }
        let held = shared.held();
        match held.note() {
            Some(Form::Apart(digests)) => {
                self.bytes.push(APART);
                self.parts.push(Part::known(digests, Arc::clone(&held)));
            }
            Some(Form::Short(bytes, parts)) => {
                self.bytes.push(IN_PLACE);
                self.bytes.extend_from_slice(bytes);
                self.parts.extend(parts.iter().map(Part::again));
            }
            None => self.first(held),
        }
    }

    /// Something that others hold too, but that is not written apart for them.
    pub(super) fn held<T: Durable>(&mut self, held: &Arc<T>) {
        match &self.sharing {
            Sharing::Once(_) => self.once_only(Arc::as_ptr(held).addr(), |out| T::write(held, out)),
            _ => T::write(held, self),
        }
    }

    /// A text that stands where it does until all is written.
    pub(super) fn standing_text(&mut self, text: &str) {
        if let Sharing::Once(known) = &mut self.sharing {
            let address = Some(text.as_ptr().addr()).filter(|_| !text.is_empty());
            match address.and_then(|address| number_of(&mut known.texts, address)) {
                Some(number) => return self.number(number + 1),
                None => self.number(0),
            }
        }
        self.text(text);
    }

    /// What is within it is known before it is itself, as it is when it is read.
    fn once_only(&mut self, address: usize, write: impl FnOnce(&mut Self)) {
        let Sharing::Once(Known { things, .. }) = &self.sharing else { return write(self) };
        if let Some(number) = things.get(&address).copied() {
            self.bytes.push(AGAIN);
            return self.number(number);
        }
        self.bytes.push(FIRST);
        write(self);
        if let Sharing::Once(Known { things, .. }) = &mut self.sharing {
            number_of(things, address);
        }
    }

    /// Something that others hold too, and nobody wrote before.
    fn first<T: Durable + Send + Sync + fmt::Debug + 'static>(&mut self, held: Arc<Held<T>>) {
        let mut out = Self::new(self.table);
        held.what().write(&mut out);
        if out.bytes.len() < apart::LEAST {
            self.bytes.push(IN_PLACE);
            self.bytes.extend_from_slice(&out.bytes);
            held.take_note(Form::Short(out.bytes.into(), out.parts.iter().map(Part::again).collect()));
            self.parts.append(&mut out.parts);
            return;
        }
        let part = Part::new(out.finish());
        self.bytes.push(APART);
        held.take_note(Form::Apart(Arc::clone(part.digests())));
        self.parts.push(part.of(held));
    }

    /// The bytes alone, of something that is a part of another value.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
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

/// Writes a number, seven bits a byte, the low ones first.
pub(super) fn number_into(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
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
            out.standing_text(table.path(*self));
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

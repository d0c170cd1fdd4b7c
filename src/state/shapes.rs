//! How are numbers, texts and collections written?

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use compact_str::CompactString;
use smallvec::{Array, SmallVec};
use uuid::Uuid;

use super::codec::{Corrupt, Durable, Writer};
use super::reader::Reader;
use crate::model::Shared;

impl Durable for () {
    fn write(&self, _: &mut Writer<'_>) {}
    fn read(_: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(())
    }
}

impl Durable for bool {
    fn write(&self, out: &mut Writer<'_>) {
        out.raw(&[u8::from(*self)]);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Corrupt("boolean")),
        }
    }
}

macro_rules! numbers {
    ($($number:ty),+) => { $(
        impl Durable for $number {
            fn write(&self, out: &mut Writer<'_>) {
                out.number(*self as u64);
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
                Self::try_from(from.number()?).map_err(|_| Corrupt("number in range"))
            }
        }
    )+ };
}

numbers!(u8, u16, u32, u64, usize);

impl Durable for i64 {
    /// Small numbers of either sign are short.
    fn write(&self, out: &mut Writer<'_>) {
        out.number(((*self << 1) ^ (*self >> 63)).cast_unsigned());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let number = from.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

impl Durable for i32 {
    fn write(&self, out: &mut Writer<'_>) {
        i64::from(*self).write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Self::try_from(i64::read(from)?).map_err(|_| Corrupt("number in range"))
    }
}

impl Durable for u128 {
    fn write(&self, out: &mut Writer<'_>) {
        out.raw(&self.to_be_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.array().map(Self::from_be_bytes)
    }
}

impl Durable for f64 {
    fn write(&self, out: &mut Writer<'_>) {
        out.raw(&self.to_bits().to_be_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.array().map(|bytes| Self::from_bits(u64::from_be_bytes(bytes)))
    }
}

impl Durable for Uuid {
    fn write(&self, out: &mut Writer<'_>) {
        out.raw(self.as_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.array().map(Self::from_bytes)
    }
}

impl Durable for IpAddr {
    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::V4(address) => {
                out.raw(&[4]);
                out.raw(&address.octets());
            }
            Self::V6(address) => {
                out.raw(&[6]);
                out.raw(&address.octets());
            }
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        match from.array()? {
            [4] => from.array::<4>().map(Self::from),
            [6] => from.array::<16>().map(Self::from),
            _ => Err(Corrupt("address")),
        }
    }
}

macro_rules! texts {
    ($($text:ty),+) => { $(
        impl Durable for $text {
            fn write(&self, out: &mut Writer<'_>) {
                out.text(self);
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
                from.text().map(Self::from)
            }
        }
    )+ };
}

texts!(String, CompactString);

impl Durable for Arc<str> {
    fn write(&self, out: &mut Writer<'_>) {
        out.standing_text(self);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.shared()
    }
}

impl<T: Durable + Send + Sync + 'static> Durable for Arc<T> {
    fn write(&self, out: &mut Writer<'_>) {
        out.held(self);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.held()
    }
}

impl<T: Durable + Send + Sync + Debug + 'static> Durable for Shared<T> {
    fn write(&self, out: &mut Writer<'_>) {
        out.shared(self);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        from.one_for_all()
    }
}

impl<T: Durable> Durable for Box<T> {
    fn write(&self, out: &mut Writer<'_>) {
        T::write(self, out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        T::read(from).map(Self::new)
    }
}

impl<T: Durable> Durable for Option<T> {
    fn write(&self, out: &mut Writer<'_>) {
        self.is_some().write(out);
        if let Some(inside) = self {
            inside.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        if bool::read(from)? { T::read(from).map(Some) } else { Ok(None) }
    }
}

macro_rules! collections {
    ($($collection:ty $(where T: $more:ident)?),+) => { $(
        impl<T: Durable $(+ $more)?> Durable for $collection {
            fn write(&self, out: &mut Writer<'_>) {
                out.number(self.len() as u64);
                for element in self {
                    element.write(out);
                }
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
                (0..from.count()?).map(|_| T::read(from)).collect()
            }
        }
    )+ };
}

collections!(Vec<T>, Box<[T]>, VecDeque<T>, BTreeSet<T> where T: Ord);

impl<K: Durable + Ord, V: Durable> Durable for BTreeMap<K, V> {
    fn write(&self, out: &mut Writer<'_>) {
        out.number(self.len() as u64);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        (0..from.count()?).map(|_| Durable::read(from)).collect()
    }
}

impl<A: Array> Durable for SmallVec<A>
where
    A::Item: Durable,
{
    fn write(&self, out: &mut Writer<'_>) {
        out.number(self.len() as u64);
        for element in self {
            element.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        (0..from.count()?).map(|_| Durable::read(from)).collect()
    }
}

impl<T: Durable, const LEN: usize> Durable for [T; LEN] {
    fn write(&self, out: &mut Writer<'_>) {
        for element in self {
            element.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let elements: Vec<T> = (0..LEN).map(|_| T::read(from)).collect::<Result<_, _>>()?;
        elements.try_into().map_err(|_| Corrupt("array"))
    }
}

macro_rules! tuples {
    ($(($($part:ident $place:tt),+))+) => { $(
        impl<$($part: Durable),+> Durable for ($($part,)+) {
            fn write(&self, out: &mut Writer<'_>) {
                $( self.$place.write(out); )+
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
                Ok(($( $part::read(from)?, )+))
            }
        }
    )+ };
}

tuples! { (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) }

/// Writes an id: those that look as Okta's do take less than half of their text.
pub fn write_id(id: &str, out: &mut Writer<'_>) {
    let uuid = Uuid::try_parse(id).ok();
    let short = uuid.filter(|uuid| uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id);
    short.is_some().write(out);
    match short {
        Some(uuid) => uuid.write(out),
        None => out.text(id),
    }
}

/// An id as [`write_id`] wrote it.
///
/// # Errors
/// The bytes end, or hold none.
pub fn read_id(from: &mut Reader<'_>) -> Result<CompactString, Corrupt> {
    if bool::read(from)? {
        let uuid = Uuid::read(from)?;
        return Ok(CompactString::from(&*uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())));
    }
    CompactString::read(from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::FieldTable;
    use crate::state::{Names, codec};

    fn written<T: Durable>(value: &T) -> Vec<u8> {
        let table = FieldTable::default();
        codec::written(&table, |out| value.write(out))
    }

    fn read<T: Durable>(bytes: &[u8]) -> Result<T, Corrupt> {
        let (table, mut names) = (FieldTable::default(), Names::default());
        let mut from = Reader::new(bytes, &table, &mut names)?;
        let value = T::read(&mut from)?;
        from.finish().map(|()| value)
    }

    type Everything = (
        (bool, u8, i64, u64),
        (f64, String, Option<i32>),
        (Vec<(u128, String)>, BTreeMap<u16, BTreeSet<i64>>, VecDeque<Option<bool>>),
    );

    proptest! {
        #[test]
        fn what_is_written_is_read(value in any::<Everything>()) {
            let read = read::<Everything>(&written(&value)).unwrap();
            prop_assert_eq!(written(&read), written(&value));
            prop_assert_eq!(read.2, value.2);
        }

        #[test]
        fn no_bytes_make_the_reader_panic_or_ask_for_more_room_than_they_have(
            bytes in proptest::collection::vec(any::<u8>(), 0..200)
        ) {
            let mut bytes = bytes;
            bytes.splice(0..0, [codec::VERSION, 0]);
            if let Ok(value) = read::<Everything>(&bytes) {
                // A number may have been longer than it had to be, so the bytes may differ.
                prop_assert!(written(&value).len() <= bytes.len());
            }
        }

        #[test]
        fn what_breaks_off_is_told(value in any::<Everything>(), cut in any::<proptest::sample::Index>()) {
            let bytes = written(&value);
            let cut = cut.index(bytes.len());
            prop_assert!(read::<Everything>(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_are_small() {
        for (number, bytes) in [(0, 1), (-1, 1), (63, 1), (-64, 1), (64, 2), (i64::MAX, 10), (i64::MIN, 10)] {
            assert_eq!(written::<i64>(&number).len(), 2 + bytes, "{number}");
            assert_eq!(read::<i64>(&written(&number)), Ok(number));
        }
        assert_eq!(read::<u8>(&written(&300_u64)), Err(Corrupt("number in range")));
        assert!(read::<u64>(&[codec::VERSION, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]).is_err());
    }

    #[test]
    fn addresses_and_ids_are_read_again() {
        for address in ["192.0.2.1", "2001:db8::1"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(read(&written(&address)), Ok(address));
        }
        assert_eq!(read(&written(&Uuid::from_u128(7))), Ok(Uuid::from_u128(7)));
    }

    #[test]
    fn another_version_is_not_read() {
        assert_eq!(read::<bool>(&[9, 1]), Err(Corrupt("version that is known")));
        assert_eq!(read::<bool>(&[]), Err(Corrupt("version that is known")));
        assert_eq!(read::<bool>(&[codec::VERSION, 0, 1, 0]), Err(Corrupt("end")));
    }
}

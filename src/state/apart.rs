//! Which parts of a value do others hold too, and how is it put together again?
//!
//! The evidence of one event stands in the windows of many keys, and each is written again with every event that
//! comes to it. So what is shared is written once, under a digest of its bytes, and a value only names it:
//!
//! ```text
//!  parts:  count, then for each: how far on in the rest it stands, its digest
//!  rest:   the other bytes, one after the other
//! ```

use xxhash_rust::xxh3::xxh3_128;

use super::codec::{Corrupt, number_in, number_into};
use crate::model::Change;

/// Shorter parts stay where they are: a digest has 16 bytes, and a key of its own costs more.
const LEAST: usize = 96;

/// A value whose shared parts are marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Where the shared parts begin and how long they are, one behind the other.
    pub parts: Vec<(usize, usize)>,
}

/// A digest, and what it stands for.
pub type Part<'m> = (u128, &'m [u8]);

impl Marked {
    /// That a key holds this value now, or nothing.
    pub fn change(key: Vec<u8>, value: Option<Self>) -> Change {
        match value {
            Some(Self { bytes, parts }) => Change { key, value: Some(bytes), parts },
            None => Change::new(key, None),
        }
    }

    /// Marks a part, if that is worth it.
    pub(super) fn mark(&mut self, start: usize) {
        let len = self.bytes.len().saturating_sub(start);
        if len >= LEAST {
            self.parts.push((start, len));
        }
    }

    /// The value with digests in the place of its parts, and the parts.
    pub fn apart(&self) -> (Vec<u8>, Vec<Part<'_>>) {
        let mut parts: Vec<Part<'_>> = Vec::with_capacity(self.parts.len());
        let (mut head, mut rest) = (Vec::new(), Vec::new());
        number_into(&mut head, self.parts.len() as u64);
        let mut end = 0;
        for (start, len) in &self.parts {
            let between = self.bytes.get(end..*start).unwrap_or_default();
            let part = self.bytes.get(*start..*start + *len).unwrap_or_default();
            number_into(&mut head, between.len() as u64);
            rest.extend_from_slice(between);
            let digest = xxh3_128(part);
            head.extend_from_slice(&digest.to_le_bytes());
            parts.push((digest, part));
            end = start + len;
        }
        rest.extend_from_slice(self.bytes.get(end..).unwrap_or_default());
        head.extend_from_slice(&rest);
        (head, parts)
    }
}

/// The digests in a value that was taken apart.
///
/// # Errors
/// It is no such value.
pub fn digests(value: &[u8]) -> Result<Vec<u128>, Corrupt> {
    Ok(split(value)?.0.into_iter().map(|(_, digest)| digest).collect())
}

/// The value as it was before it was taken apart.
///
/// # Errors
/// It is no such value, or a part is not known.
pub fn together<'p>(value: &[u8], part: impl Fn(u128) -> Option<&'p [u8]>) -> Result<Vec<u8>, Corrupt> {
    let (parts, mut rest) = split(value)?;
    let mut bytes = Vec::with_capacity(value.len());
    for (between, digest) in parts {
        let (head, tail) = rest.split_at_checked(between).ok_or(Corrupt("bytes before a part"))?;
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(part(digest).ok_or(Corrupt("part that is known"))?);
        rest = tail;
    }
    bytes.extend_from_slice(rest);
    Ok(bytes)
}

/// For each part how much stands before it, and its digest; and the rest.
type Split<'v> = (Vec<(usize, u128)>, &'v [u8]);

fn split(value: &[u8]) -> Result<Split<'_>, Corrupt> {
    let mut rest = value;
    let count = number_in(&mut rest)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let between = usize::try_from(number_in(&mut rest)?).map_err(|_| Corrupt("length"))?;
        let (digest, tail) = rest.split_first_chunk().ok_or(Corrupt("digest of a part"))?;
        parts.push((between, u128::from_le_bytes(*digest)));
        rest = tail;
    }
    Ok((parts, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn marked(pieces: &[(usize, bool)]) -> Marked {
        let mut marked = Marked::default();
        for (place, (len, is_part)) in pieces.iter().enumerate() {
            let start = marked.bytes.len();
            marked.bytes.extend((0..*len).map(|byte| (byte * 7 + place) as u8));
            if *is_part {
                marked.mark(start);
            }
        }
        marked
    }

    #[test]
    fn what_is_taken_apart_comes_together_again() {
        for pieces in [
            &[][..],
            &[(5, false)],
            &[(100, true)],
            &[(3, false), (200, true), (300, true), (9, false), (96, true)],
            &[(95, true), (1, false)],
        ] {
            let marked = marked(pieces);
            let (value, parts) = marked.apart();
            let held: BTreeMap<u128, &[u8]> = parts.into_iter().collect();
            assert_eq!(digests(&value).unwrap().len(), marked.parts.len());
            let whole = together(&value, |digest| held.get(&digest).copied()).unwrap();
            assert_eq!(whole, marked.bytes, "{pieces:?}");
        }
    }

    #[test]
    fn a_value_is_small_whatever_its_parts_are() {
        let marked = marked(&[(10, false), (5_000, true)]);
        let (value, parts) = marked.apart();
        assert!(value.len() < 40 && parts[0].1.len() == 5_000);
        assert_eq!(together(&value, |_| None), Err(Corrupt("part that is known")));
    }

    #[test]
    fn bytes_that_are_no_value_are_told() {
        for bytes in [&[][..], &[1], &[1, 0, 3], &[0xFF; 12]] {
            assert!(digests(bytes).is_err(), "{bytes:?}");
        }
    }
}

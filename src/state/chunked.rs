//! How is a long value written again without what did not change in it?
//!
//! It is cut where its bytes say so, not at fixed lengths, so that what comes in or goes out moves only the
//! cuts beside it. The pieces are written under their digests like other parts, and the value becomes the
//! list of these; a list that is long is cut again:
//!
//! ```text
//!  level 0:  0, the bytes
//!  level n:  n, the list of digests whose pieces are level n-1, one behind the other
//! ```

use super::apart::{Apart, Part};
use super::codec::Corrupt;

/// A shorter value stays whole: each change reaches several pieces, which cost a key and two records each.
const WHOLE: usize = 16_384;
/// A shorter list stays whole.
const LIST: usize = 2_048;
/// A piece is at least this long and at most that, in bytes; `CUT` makes most about 1,000 longer than the
/// least.
const LEAST: usize = 256;
const MOST: usize = 8_192;
/// A cut is where these bits of the rolling hash are 0.
const CUT: u64 = 0x3FF << 40;
/// Enough for 2^64 bytes.
const LEVELS: u8 = 12;

/// A number for each byte, as random as any.
const GEAR: [u64; 256] = gear();

const fn gear() -> [u64; 256] {
    let (mut table, mut place, mut state) = ([0; 256], 0, 0_u64);
    while place < 256 {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        table[place] = mixed ^ (mixed >> 31);
        place += 1;
    }
    table
}

/// Where the first piece of the bytes ends.
fn first_cut(bytes: &[u8]) -> usize {
    let most = bytes.len().min(MOST);
    let mut hash = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(most).skip(LEAST.min(most)) {
        hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
        if hash & CUT == 0 {
            return place + 1;
        }
    }
    most
}

fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let (piece, rest) = bytes.split_at(first_cut(bytes));
        bytes = rest;
        Some(piece)
    })
}

/// The value to write for these bytes; the pieces that it names are added.
pub fn cut(mut bytes: Vec<u8>, parts: &mut Vec<Part>) -> Vec<u8> {
    let mut level = 0_u8;
    while bytes.len() > if level == 0 { WHOLE } else { LIST } && level < LEVELS {
        let mut list = Vec::with_capacity(bytes.len() / 32);
        for piece in pieces(&bytes) {
            let part = Part::new(Apart { bytes: piece.to_vec(), parts: Vec::new() });
            list.extend_from_slice(&part.digest().to_le_bytes());
            parts.push(part);
        }
        bytes = list;
        level += 1;
    }
    bytes.insert(0, level);
    bytes
}

/// The bytes of a value as [`cut`] gave it; the digests of its pieces are added.
///
/// # Errors
/// It is no such value, or a piece is not there.
pub fn joined<'p>(
    value: &[u8],
    piece: impl Fn(u128) -> Option<&'p [u8]>,
    named: &mut Vec<u128>,
) -> Result<Vec<u8>, Corrupt> {
    let (level, rest) = value.split_first().ok_or(Corrupt("level of a value"))?;
    if *level > LEVELS {
        return Err(Corrupt("level of a value"));
    }
    let mut bytes = rest.to_vec();
    for _ in 0..*level {
        let (digests, []) = bytes.as_chunks::<16>() else { return Err(Corrupt("list of pieces")) };
        let mut below = Vec::new();
        for digest in digests.iter().map(|digest| u128::from_le_bytes(*digest)) {
            named.push(digest);
            below.extend_from_slice(piece(digest).ok_or(Corrupt("piece that is known"))?);
        }
        bytes = below;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::model::FieldTable;

    fn noise(len: usize) -> Vec<u8> {
        (0..len).map(|place| xxhash_rust::xxh3::xxh3_64(&place.to_le_bytes()) as u8).collect()
    }

    fn parts_of(bytes: &[u8]) -> (Vec<u8>, BTreeMap<u128, Vec<u8>>) {
        let mut parts = Vec::new();
        let value = cut(bytes.to_vec(), &mut parts);
        let mut wanted = parts.iter().map(Part::digest).collect();
        let mut written = BTreeMap::new();
        for part in parts {
            part.write(&FieldTable::default(), &mut wanted, &mut |digest, bytes| {
                written.insert(digest, bytes);
            });
        }
        (value, written)
    }

    #[test]
    fn a_short_value_is_whole() {
        let (value, parts) = parts_of(&noise(WHOLE));
        assert_eq!((value.len(), parts.len()), (WHOLE + 1, 0));
    }

    #[test]
    fn a_long_value_is_short_however_long_it_is() {
        let (value, parts) = parts_of(&noise(1_000_000));
        assert!(value.len() <= LIST + 1 && value[0] == 2, "{} bytes", value.len());
        let mean = 1_000_000 / parts.len();
        assert!((700..2_000).contains(&mean), "{mean} bytes a piece");
    }

    #[test]
    fn what_comes_in_or_goes_out_changes_little() {
        let before = noise(200_000);
        let (_, known) = parts_of(&before);
        for (at, gone, comes) in [(0, 300, 0), (0, 0, 5), (100_000, 0, 80), (199_000, 1_000, 900)] {
            let mut after = before.clone();
            after.splice(at..at + gone, noise(comes).into_iter().map(|byte| byte ^ 0x55));
            let (_, parts) = parts_of(&after);
            let news: Vec<_> = parts.iter().filter(|(digest, _)| !known.contains_key(digest)).collect();
            let bytes: usize = news.iter().map(|(_, bytes)| bytes.len()).sum();
            assert!(bytes < 16_000, "{at}: {} pieces, {bytes} bytes", news.len());
        }
    }

    #[test]
    fn what_is_no_value_or_lacks_a_piece_is_told() {
        let (value, parts) = parts_of(&noise(50_000));
        let mut named = Vec::new();
        assert!(joined(&value, |_| None, &mut named).is_err());
        for wrong in [&[][..], &[99, 1], &[1, 2, 3]] {
            assert!(joined(wrong, |digest| parts.get(&digest).map(Vec::as_slice), &mut named).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_was_cut_is_joined(len in 0_usize..60_000, step in 1_u8..20) {
            let bytes: Vec<u8> = noise(len).into_iter().map(|byte| byte / step).collect();
            let (value, parts) = parts_of(&bytes);
            let mut named = Vec::new();
            let again = joined(&value, |digest| parts.get(&digest).map(Vec::as_slice), &mut named);
            prop_assert_eq!(again, Ok(bytes));
            let named: BTreeSet<u128> = named.into_iter().collect();
            prop_assert_eq!(named, parts.keys().copied().collect());
        }
    }
}

//! How many distinct values does a window hold?

use hashbrown::HashMap;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use super::gauge::{Bag, Frame};
use super::series::Series;

/// The distinct values of one event, as hashes; nearly always one.
pub(super) type Values = SmallVec<[u64; 1]>;

/// A counted value's hash, case aside, as everywhere in rules.
pub(super) fn value(text: &str) -> u64 {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return xxh3_64(text.as_bytes());
    }
    xxh3_64(text.to_lowercase().as_bytes())
}

/// How often each value is there.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    counts: HashMap<u64, u32, foldhash::fast::FixedState>,
}

impl Distinct {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether a value is there.
    pub(super) fn holds(&self, value: u64) -> bool {
        self.counts.contains_key(&value)
    }
}

impl Bag for Distinct {
    type Mark = Values;

    fn add(&mut self, values: &Values) {
        for value in values {
            *self.counts.entry(*value).or_default() += 1;
        }
    }

    fn take(&mut self, values: &Values) {
        for value in values {
            if let Some(count) = self.counts.get_mut(value) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(value);
                }
            }
        }
    }
}

/// Adds values to an event that is there, and to the frame if it lies over it. Whether any is new.
pub(super) fn merge(
    series: &mut Series<Values>,
    place: usize,
    more: Values,
    frame: &mut Frame<Distinct>,
) -> bool {
    let Some(occurrence) = series.get_mut(place) else { return false };
    let new: Values = more.into_iter().filter(|value| !occurrence.mark.contains(value)).collect();
    occurrence.mark.extend_from_slice(&new);
    frame.grown(place, &new);
    !new.is_empty()
}

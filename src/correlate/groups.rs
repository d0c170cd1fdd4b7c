//! How many events does each inner group of a window have?
//!
//! Besides the count of each group it is kept how many groups have each count, so that the largest, the
//! smallest and the part between two bounds are there without a look at every group.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::distinct::Values;
use super::gauge::Bag;

/// Bounds of a count, both included.
pub(super) type Range = (u64, u64);

/// The counts of all groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    counts: HashMap<u64, u64, foldhash::fast::FixedState>,
    /// How many groups have each count.
    sizes: BTreeMap<u64, u64>,
    /// The counts of all groups together.
    members: u64,
    /// How many groups have a count in each of these ranges.
    within: Vec<(Range, u64)>,
}

impl Groups {
    /// Without a group yet, and with an eye on some ranges of counts.
    pub(super) fn new(ranges: &[Range]) -> Self {
        Self { within: ranges.iter().map(|range| (*range, 0)).collect(), ..Self::default() }
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The largest count; 0 without a group.
    pub(super) fn most(&self) -> f64 {
        self.sizes.last_key_value().map_or(0.0, |(count, _)| *count as f64)
    }

    /// The smallest count.
    pub(super) fn least(&self) -> Option<f64> {
        self.sizes.first_key_value().map(|(count, _)| *count as f64)
    }

    /// The mean of the counts.
    pub(super) fn mean(&self) -> Option<f64> {
        self.of_groups(self.members)
    }

    /// The part of the groups whose count lies in the range.
    pub(super) fn within(&self, range: Range) -> Option<f64> {
        let (_, groups) = self.within.iter().find(|(known, _)| *known == range)?;
        self.of_groups(*groups)
    }

    fn of_groups(&self, number: u64) -> Option<f64> {
        (self.len() > 0).then(|| number as f64 / self.len() as f64)
    }

    /// A group goes from one count to another.
    fn shift(&mut self, from: u64, to: u64) {
        if from > 0 {
            let size = self.sizes.entry(from).or_default();
            *size = size.saturating_sub(1);
            if *size == 0 {
                self.sizes.remove(&from);
            }
        }
        if to > 0 {
            *self.sizes.entry(to).or_default() += 1;
        }
        for ((low, high), groups) in &mut self.within {
            let inside = |count: u64| u64::from(count > 0 && (*low..=*high).contains(&count));
            *groups = *groups + inside(to) - inside(from);
        }
    }
}

impl Bag for Groups {
    type Mark = Values;

    fn add(&mut self, groups: &Values) {
        for group in groups {
            let count = self.counts.entry(*group).or_default();
            *count += 1;
            let count = *count;
            self.members += 1;
            self.shift(count - 1, count);
        }
    }

    fn take(&mut self, groups: &Values) {
        for group in groups {
            let Some(count) = self.counts.get_mut(group) else { continue };
            *count -= 1;
            let count = *count;
            if count == 0 {
                self.counts.remove(group);
            }
            self.members -= 1;
            self.shift(count + 1, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[u64]) -> Values {
        Values::from_slice(values)
    }

    fn told(groups: &Groups) -> (usize, f64, Option<f64>, Option<f64>, Option<f64>) {
        (groups.len(), groups.most(), groups.least(), groups.mean(), groups.within((2, 3)))
    }

    #[test]
    fn counts_follow_what_comes_and_goes() {
        let mut groups = Groups::new(&[(2, 3)]);
        assert_eq!(told(&groups), (0, 0.0, None, None, None));
        for group in [1, 1, 1, 1, 2, 2, 3] {
            groups.add(&values(&[group]));
        }
        groups.add(&values(&[3, 4]));
        assert_eq!(told(&groups), (4, 4.0, Some(1.0), Some(9.0 / 4.0), Some(0.5)));
        groups.take(&values(&[1]));
        groups.take(&values(&[3, 4]));
        assert_eq!(told(&groups), (3, 3.0, Some(1.0), Some(2.0), Some(2.0 / 3.0)));
        for group in [1, 1, 1, 2, 2, 3] {
            groups.take(&values(&[group]));
        }
        assert_eq!(told(&groups), (0, 0.0, None, None, None));
        assert!(groups.sizes.is_empty() && groups.counts.is_empty());
    }
}

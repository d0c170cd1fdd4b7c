//! Which keys does a match belong to?

use compact_str::CompactString;
use smallvec::SmallVec;
use xxhash_rust::xxh3::Xxh3;

use crate::limits;
use crate::model::{Match, Value};
use crate::rule::{GroupBy, GroupSource};

/// One key of a correlation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Tenant and values as one number, case aside: what the key is known by.
    pub(super) hash: u128,
    /// The values as they stand in the match, in the order of the group-by.
    pub(super) values: SmallVec<[CompactString; 2]>,
}

/// The keys of a match: one for each combination of values, each once. None if a field is missing.
///
/// Events of different tenants never share a key, whatever the rule groups by. Beyond
/// [`limits::KEYS_PER_MATCH`] combinations the rest is left out, and told by the second value.
pub(super) fn keys(group_by: &[GroupBy], branch: usize, matched: &Match) -> (Vec<Key>, u64) {
    let mut combinations: Vec<SmallVec<[CompactString; 2]>> = vec![SmallVec::new()];
    let mut left_out = 0;
    for field in group_by {
        let values = field.source.get(branch).map(|source| read(source, matched)).unwrap_or_default();
        let mut longer = Vec::with_capacity(combinations.len() * values.len());
        for combination in &combinations {
            for value in &values {
                let mut combination = combination.clone();
                combination.push(value.clone());
                longer.push(combination);
            }
        }
        left_out += longer.len().saturating_sub(limits::KEYS_PER_MATCH) as u64;
        longer.truncate(limits::KEYS_PER_MATCH);
        combinations = longer;
    }
    let org = matched.event.event().org.as_deref().unwrap_or_default();
    let mut keys: Vec<Key> = Vec::with_capacity(combinations.len());
    for values in combinations {
        let hash = digest(org, &values);
        if keys.iter().all(|key| key.hash != hash) {
            keys.push(Key { hash, values });
        }
    }
    (keys, left_out)
}

fn read(source: &GroupSource, matched: &Match) -> Vec<CompactString> {
    match source {
        GroupSource::Field(field) => {
            let values = matched.event.event().fields.values(*field);
            values.filter_map(text).collect()
        }
        GroupSource::Group(name) => {
            let named = matched.group.iter().find(|(field, _)| field == name);
            named.map(|(_, value)| CompactString::from(value)).into_iter().collect()
        }
    }
}

fn text(value: Value<'_>) -> Option<CompactString> {
    match value {
        Value::Text("") | Value::Container => None,
        Value::Text(text) => Some(CompactString::from(text)),
        other => Some(CompactString::from(other.to_string())),
    }
}

fn digest(org: &str, values: &[CompactString]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(org.as_bytes());
    for value in values {
        // 0xFF never occurs in UTF-8, so no two lists of values read the same.
        hash.update(&[0xFF]);
        hash.update(value.to_lowercase().as_bytes());
    }
    hash.digest128()
}

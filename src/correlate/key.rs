//! Which keys does a match belong to?

use compact_str::CompactString;
use smallvec::{SmallVec, smallvec};
use xxhash_rust::xxh3::xxh3_128;

use crate::durable;
use crate::limits;
use crate::model::{Match, Value};
use crate::rule::{Correlation, GroupBy, GroupSource, NewValueTest, Scope, Test};

/// One key of a correlation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Tenant and values as one number, case aside: what the key is known by.
    pub hash: u128,
    /// The values as they stand in the match, in the order of the group-by.
    pub values: Values,
}

durable!(Key { hash, values });

/// The values of a match that make a key.
type Values = SmallVec<[CompactString; 2]>;

/// The keys of a match; nearly every one has a single key.
pub type Keys = SmallVec<[Key; 1]>;

/// The keys of a match: one for each combination of values, each once. None if a field is missing.
///
/// Events of different tenants never share a key, whatever the rule groups by. Beyond
/// [`limits::KEYS_PER_MATCH`] combinations the rest is left out, and told by the second value.
pub fn keys(group_by: &[GroupBy], branch: usize, matched: &Match) -> (Keys, u64) {
    let mut combinations: SmallVec<[Values; 1]> = smallvec![Values::new()];
    let mut left_out = 0;
    for field in group_by {
        let values = field.source.get(branch).map(|source| read(source, matched)).unwrap_or_default();
        if let [only] = values.as_slice() {
            combinations.iter_mut().for_each(|combination| combination.push(only.clone()));
            continue;
        }
        let wanted = combinations.len().saturating_mul(values.len());
        left_out += wanted.saturating_sub(limits::KEYS_PER_MATCH) as u64;
        let pairs = combinations.iter().flat_map(|one| values.iter().map(move |value| (one, value)));
        let longer = pairs.take(limits::KEYS_PER_MATCH).map(|(combination, value)| {
            let mut longer = combination.clone();
            longer.push(value.clone());
            longer
        });
        combinations = longer.collect();
    }
    let org = matched.event.event().org.as_deref().unwrap_or_default();
    let mut keys = Keys::new();
    for values in combinations {
        let hash = digest(org, values.iter().map(CompactString::as_str));
        if keys.iter().all(|key| key.hash != hash) {
            keys.push(Key { hash, values });
        }
    }
    (keys, left_out)
}

/// The keys of a match that are here: all of them, or the one that it was sent for. What was left out was
/// counted by whoever sent it.
pub(super) fn keys_here(group_by: &[GroupBy], branch: usize, matched: &Match) -> (Keys, u64) {
    let (mut all, left_out) = keys(group_by, branch, matched);
    let Some(only) = matched.only else { return (all, left_out) };
    all.retain(|key| key.hash == only);
    (all, 0)
}

/// The keys by which a correlation's state is held, each of which may live in another shard.
pub fn homes(correlation: &Correlation, branch: usize, matched: &Match) -> (Keys, u64) {
    match &correlation.test {
        Test::NewValue(NewValueTest { scope: Scope::Org, .. }) => keys(&[], branch, matched),
        _ => keys(&correlation.group_by, branch, matched),
    }
}

fn read(source: &GroupSource, matched: &Match) -> Values {
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

/// What the alerts of a correlation are held together by, as a digest.
pub(super) fn of_group(org: &str, group: &[(String, String)]) -> u128 {
    digest(org, group.iter().map(|(_, value)| value.as_str()))
}

fn digest<'v>(org: &str, values: impl IntoIterator<Item = &'v str>) -> u128 {
    // Most keys are short ASCII, which needs no allocation.
    let mut bytes: SmallVec<[u8; 128]> = SmallVec::from_slice(org.as_bytes());
    for value in values {
        // 0xFF never occurs in UTF-8, so no two lists of values read the same.
        bytes.push(0xFF);
        if value.is_ascii() {
            let start = bytes.len();
            bytes.extend_from_slice(value.as_bytes());
            bytes.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
        } else {
            bytes.extend_from_slice(value.to_lowercase().as_bytes());
        }
    }
    xxh3_128(&bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Shared;
    use crate::model::{Enriched, Event, FieldId, Fields, Observation, Position, RuleIndex, core};

    fn matched(org: Option<&str>, values: &[(FieldId, &[&str])]) -> Match {
        let mut fields = Fields::new(core::ALL.len());
        for (field, values) in values {
            fields.set_list(*field, values.iter().map(|value| Some(Value::Text(value))));
        }
        let event = Event {
            position: Position::default(),
            uuid: "u1".into(),
            published_ms: 0,
            org: org.map(Arc::from),
            envelope: "raw".into(),
            lossy: false,
            fields,
            raw: None,
        };
        let observation = Observation { event, place: None };
        let event = Enriched::alone(observation, false);
        Match {
            rule: RuleIndex(0),
            event: Shared::new(event),
            evidence: SmallVec::new(),
            group: vec![("user".to_owned(), "ana@example.com".to_owned())],
            key: 0,
            only: None,
        }
    }

    fn by(fields: &[FieldId]) -> Vec<GroupBy> {
        let by = |field: &FieldId| GroupBy {
            name: String::new(),
            source: vec![GroupSource::Field(*field)],
            hidden: false,
        };
        fields.iter().map(by).collect()
    }

    fn values(keys: &[Key]) -> Vec<Vec<&str>> {
        keys.iter().map(|key| key.values.iter().map(CompactString::as_str).collect()).collect()
    }

    #[test]
    fn every_element_of_an_array_is_a_key_once() {
        let matched =
            matched(None, &[(core::TARGET_ID, &["a", "b", "A"]), (core::CLIENT_IP, &["203.0.113.7"])]);
        let (keys, left_out) = keys(&by(&[core::TARGET_ID, core::CLIENT_IP]), 0, &matched);
        assert_eq!(values(&keys), [["a", "203.0.113.7"], ["b", "203.0.113.7"]]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn a_missing_field_makes_no_key_and_no_group_by_makes_one() {
        let matched = matched(None, &[(core::TARGET_ID, &["a"])]);
        assert!(keys(&by(&[core::TARGET_ID, core::CLIENT_IP]), 0, &matched).0.is_empty());
        assert_eq!(keys(&[], 0, &matched).0.len(), 1);
    }

    #[test]
    fn tenants_and_neighbouring_values_do_not_run_together() {
        let hash = |org: Option<&str>, id: &str, ip: &str| {
            let matched = matched(org, &[(core::ACTOR_ID, &[id]), (core::CLIENT_IP, &[ip])]);
            keys(&by(&[core::ACTOR_ID, core::CLIENT_IP]), 0, &matched).0[0].hash
        };
        let one = hash(Some("acme"), "ab", "c");
        assert_eq!(one, hash(Some("acme"), "AB", "C"));
        assert_ne!(one, hash(Some("acme"), "a", "bc"));
        assert_ne!(one, hash(Some("other"), "ab", "c"));
        assert_ne!(one, hash(None, "ab", "c"));
    }

    #[test]
    fn a_correlation_s_match_gives_its_own_group() {
        let group_by = |name: &str| {
            vec![GroupBy {
                name: String::new(),
                source: vec![GroupSource::Group(name.to_owned())],
                hidden: false,
            }]
        };
        let matched = matched(None, &[]);
        assert_eq!(values(&keys(&group_by("user"), 0, &matched).0), [["ana@example.com"]]);
        assert!(keys(&group_by("ip"), 0, &matched).0.is_empty());
    }

    #[test]
    fn arrays_that_multiply_are_cut_and_told() {
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let matched = matched(None, &[(core::TARGET_ID, &many), (core::TARGET_TYPE, &many)]);
        let (keys, left_out) = keys(&by(&[core::TARGET_ID, core::TARGET_TYPE]), 0, &matched);
        assert_eq!((keys.len(), left_out), (limits::KEYS_PER_MATCH, 400 - 256));
    }
}

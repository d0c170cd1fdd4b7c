//! What does a match say in the fields that a rule counts?

use smallvec::SmallVec;
use xxhash_rust::xxh3::Xxh3;

use super::distinct::{Values, value};
use crate::limits;
use crate::model::{FieldId, Match, Value};
use crate::rule::Counted;

/// The distinct values of a branch's fields, as hashes; of several fields, their combinations. `None`
/// if one of the fields has no value.
pub(super) fn values(counted: &Counted, branch: usize, matched: &Match) -> Option<Values> {
    let mut lists: SmallVec<[Values; 1]> = SmallVec::new();
    for field in counted.of_branch(branch) {
        let found = of_field(field?, matched);
        if found.is_empty() {
            return None;
        }
        lists.push(found);
    }
    let mut values = match lists.len() {
        1 => lists.pop()?,
        _ => combinations(&lists),
    };
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then_some(values)
}

fn of_field(field: FieldId, matched: &Match) -> Values {
    matched.event.event().fields.values(field).filter_map(hash).collect()
}

/// A number equals the text that spells it.
fn hash(counted: Value<'_>) -> Option<u64> {
    match counted {
        Value::Text(text) => Some(value(text)),
        Value::Container => None,
        other => Some(value(&other.to_string())),
    }
}

/// One hash for each combination, at most [`limits::KEYS_PER_MATCH`].
fn combinations(lists: &[Values]) -> Values {
    let mut combined: Values = Values::from_slice(&[0]);
    for list in lists {
        let pairs = combined.iter().flat_map(|before| list.iter().map(|value| pair(*before, *value)));
        combined = pairs.take(limits::KEYS_PER_MATCH).collect();
    }
    combined
}

fn pair(before: u64, value: u64) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&before.to_le_bytes());
    hash.update(&value.to_le_bytes());
    hash.digest()
}

/// The numbers of a branch's one field, as they are or as texts spell them. `None` if there are none.
pub(super) fn numbers(counted: &Counted, branch: usize, matched: &Match) -> Option<SmallVec<[f64; 1]>> {
    let field = counted.of_branch(branch).next()??;
    let numbers: SmallVec<[f64; 1]> = matched.event.event().fields.values(field).filter_map(number).collect();
    (!numbers.is_empty()).then_some(numbers)
}

fn number(counted: Value<'_>) -> Option<f64> {
    let number = match counted {
        Value::Integer(number) => number as f64,
        Value::Number(number) => number,
        Value::Text(text) => text.trim().parse().ok()?,
        Value::Boolean(_) | Value::Container => return None,
    };
    number.is_finite().then_some(number)
}

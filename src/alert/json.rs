//! How are values written into JSON, and how is what says nothing left out?

use serde_json::{Map, Value, json};

use crate::model::ListInfo;

/// A text, or null when there is none, which [`tidy`] takes out.
pub(super) fn text(value: &str) -> Value {
    if value.is_empty() { Value::Null } else { Value::String(value.to_owned()) }
}

/// The same for what may be missing.
pub(super) fn maybe(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
}

/// A finite number with at most so many decimals; JSON has no others.
pub(super) fn number(value: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    Value::from((value * scale).round() / scale)
}

/// An instant as RFC 3339 with milliseconds, in UTC; empty outside the years that it can write.
pub(super) fn time(ms: i64) -> String {
    crate::text::rfc3339(ms).unwrap_or_default()
}

/// A list by its name and what tells its state.
pub(super) fn list(list: &ListInfo) -> Value {
    json!({ "name": list.name.as_ref(), "digest": list.digest, "entries": list.entries })
}

/// Takes out nulls and whatever is empty without them.
pub(super) fn tidy(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(key, value)| (key, tidy(value)));
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(tidy).filter(|one| !is_empty(one)).collect()),
        scalar => scalar,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Puts a value at a dotted path, unless something stands there or on the way.
pub(super) fn put(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.entry(path).or_insert(value);
        }
        Some((first, rest)) => {
            let inner = map.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_left_out_however_deep() {
        let value = json!({"a": {"b": null, "c": [null, {}]}, "d": 0, "e": false, "f": ""});
        assert_eq!(tidy(value), json!({"d": 0, "e": false, "f": ""}));
    }

    #[test]
    fn an_instant_has_milliseconds_and_a_zone() {
        assert_eq!(time(1_786_636_700_353), "2026-08-13T15:58:20.353Z");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(i64::MAX), "");
    }

    #[test]
    fn a_path_never_overwrites() {
        let mut map = Map::new();
        put(&mut map, "a.b", json!(1));
        put(&mut map, "a.b", json!(2));
        put(&mut map, "a.b.c", json!(3));
        assert_eq!(Value::Object(map), json!({"a": {"b": 1}}));
    }

    #[test]
    fn no_number_is_written_that_json_has_not() {
        assert_eq!(number(f64::NAN, 1), Value::Null);
        assert_eq!(number(2_291.449, 1), json!(2_291.4));
    }
}

//! How is a value masked within an event's own JSON?

use serde_json::Value;

use super::masked::Masks;

/// Masks every value that must not be seen, in place; `path` is where the value stands. Arrays add
/// nothing to a path, as in rules.
pub(super) fn walk(masks: &Masks<'_>, value: &mut Value, path: &str, unproven: bool) {
    at(masks, value, &mut path.to_owned(), unproven, false);
}

fn at(masks: &Masks<'_>, value: &mut Value, path: &mut String, unproven: bool, hidden: bool) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                let len = path.len();
                if len > 0 {
                    path.push('.');
                }
                path.push_str(key);
                let hidden = hidden || masks.hides(path, unproven);
                at(masks, inner, path, unproven, hidden);
                path.truncate(len);
            }
        }
        Value::Array(list) => {
            list.iter_mut().for_each(|inner| at(masks, inner, path, unproven, hidden));
        }
        Value::Null => {}
        scalar if hidden => *scalar = Value::String(masks.mask(&plain(scalar))),
        Value::String(text) => masks.text(text),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

fn plain(scalar: &Value) -> String {
    scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned)
}

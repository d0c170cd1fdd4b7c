//! Which keys does a test of a rule have?

use serde_json::{Map, Value, json};

use super::super::case;
use super::{about, detection, object, properties, reference, word};

/// The list under `tests`.
pub(super) fn tests() -> Value {
    json!({
        "type": "array",
        "description": "At least one test that alerts, and one near miss that does not.",
        "items": object(case::TEST_KEYS, &["name", "events", "expect"], explain),
    })
}

/// What a key of a test says.
fn explain(key: &str) -> Option<Value> {
    let list = |items: Value| json!({ "type": "array", "items": items });
    match key {
        "name" => Some(about(reference("text"), "What it shows.")),
        "events" => Some(about(
            list(reference("changes")),
            "Each a few changes of an ordinary sign-in by ana@example.com.",
        )),
        "expect" => Some(about(
            list(object(case::EXPECT_KEYS, &[], expectation)),
            "Every alert of the file's rules that must be raised; [] means none at all.",
        )),
        "until" => Some(about(
            reference("moment"),
            "Until when the test's time goes on; by default to its last event.",
        )),
        _ => None,
    }
}

fn expectation(key: &str) -> Option<Value> {
    match key {
        "rule" => Some(about(reference("rule"), "Its name or id.")),
        "at" => Some(reference("moment")),
        "key" => Some(about(reference("text"), "Value of its group, or of its entity.")),
        "message" => Some(about(reference("text"), "Part of its sentence.")),
        "mode" => Some(about(word(&["active", "shadow"]), "Where it goes.")),
        "count" => Some(json!({ "type": "integer", "minimum": 0, "description": "Events that contribute." })),
        _ => None,
    }
}

/// One event: when, and what differs from the template.
pub(super) fn changes() -> Value {
    // What is computed cannot be set.
    let patterns: Map<String, Value> =
        detection::written("").into_iter().map(|pattern| (pattern, json!({}))).collect();
    json!({
        "type": "object",
        "properties": properties(case::EVENT_KEYS, moment),
        "patternProperties": patterns,
        "required": ["at"],
        "additionalProperties": false,
    })
}

/// What a key of an event says.
fn moment(key: &str) -> Option<Value> {
    match key {
        "at" => Some(reference("moment")),
        "arrive" => Some(about(reference("moment"), "When it comes in; by default at its own time.")),
        "every" => Some(about(reference("moment"), "Time from one to the next.")),
        "repeat" => Some(json!({ "type": "integer", "minimum": 0, "maximum": case::REPEAT_MAX,
                                 "description": "How many of them." })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_parser_is_explained() {
        for key in case::TEST_KEYS {
            assert!(explain(key).is_some(), "{key}");
        }
        for key in case::EVENT_KEYS {
            assert!(moment(key).is_some(), "{key}");
        }
        for key in case::EXPECT_KEYS {
            assert!(expectation(key).is_some(), "{key}");
        }
    }
}

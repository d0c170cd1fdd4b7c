//! What may stand in a rule document, in a form that editors understand?
//!
//! A JSON Schema of draft 7, which YAML's language servers follow best. Which keys there are comes
//! from the tables that the parser goes by; a test asks that each of them is explained here.

mod cases;
mod correlation;
mod detection;
mod document;

use serde_json::{Map, Value, json};

/// The schema of one rule document; a file may hold several.
pub fn rule_schema() -> Value {
    let mut schema = document::document();
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        schema.insert("title".to_owned(), "A rule of oktawatch".into());
        schema.insert("definitions".to_owned(), definitions());
    }
    schema
}

/// What several places refer to.
fn definitions() -> Value {
    json!({
        // Any scalar but null is text to the parser.
        "text": types(&["string", "number", "boolean"]),
        "texts": texts(),
        "timespan": timespan(),
        "moment": {
            "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d|w))+$",
            "description": "Time since the test's start: `0s`, `90s`, `1h30m`.",
            "examples": ["0s", "90s", "1h30m"],
        },
        "rule": reference("text"),
        "rules": reference("texts"),
        "values": detection::values(),
        "selection": detection::selection(),
        "alternatives": detection::alternatives(),
        "filter": document::filter(),
        "changes": cases::changes(),
        "thresholds": correlation::thresholds(),
    })
}

/// A value of one of these types.
fn types(types: &[&str]) -> Value {
    json!({ "type": types })
}

fn texts() -> Value {
    json!({ "anyOf": [reference("text"), { "type": "array", "items": reference("text") }] })
}

fn timespan() -> Value {
    json!({
        "type": "string", "pattern": "^[0-9]+[smhdw]$",
        "description": "A whole number and s, m, h, d or w.",
        "examples": ["10m", "1h", "14d"],
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// A value of one of these words.
fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// With a sentence that editors show.
fn about(schema: Value, text: &str) -> Value {
    match schema {
        // Beside a reference, draft 7 ignores everything.
        Value::Object(map) if map.contains_key("$ref") => json!({ "allOf": [map], "description": text }),
        Value::Object(mut map) => {
            map.insert("description".to_owned(), text.into());
            Value::Object(map)
        }
        other => other,
    }
}

/// An object of exactly these keys, each as `explain` says; what it does not explain may be anything.
fn object(keys: &[&str], required: &[&str], explain: impl Fn(&str) -> Option<Value>) -> Value {
    json!({
        "type": "object",
        "properties": properties(keys, explain),
        "required": required,
        "additionalProperties": false,
    })
}

fn properties(keys: &[&str], explain: impl Fn(&str) -> Option<Value>) -> Map<String, Value> {
    keys.iter().map(|key| ((*key).to_owned(), explain(key).unwrap_or_else(|| json!({})))).collect()
}

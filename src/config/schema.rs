//! What may stand in a configuration file, in a form that editors understand?
//!
//! A JSON Schema of draft 7. Keys and defaults are the program's own; what each key means is read
//! from the example configuration, where it is told once for everybody.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Config, Duration, Size};
use crate::error::Failure;
use crate::model::IpRole;

const EXAMPLE: &str = include_str!("../../deploy/oktawatch.example.toml");

/// Keys with a fixed set of words.
const WORDS: &[(&str, &[&str])] = &[
    ("input.start", &["earliest", "latest"]),
    ("output.format", &["ocsf", "ecs", "splunk_hec", "flat"]),
    ("output.ocsf_version", &["1.5.0", "1.6.0", "1.7.0", "1.8.0"]),
    ("engine.delivery", &["exactly_once", "at_least_once"]),
    ("log.format", &["json", "text"]),
];

/// The schema of a configuration file.
///
/// # Errors
/// The defaults cannot be written as JSON.
pub fn config_schema() -> Result<Value, Failure> {
    let defaults = serde_json::to_value(Config::default())
        .map_err(|error| Failure::new("cannot print the configuration").detail(error))?;
    let meanings = meanings(EXAMPLE);
    let mut tables = Map::new();
    for (table, keys) in defaults.as_object().into_iter().flatten() {
        let mut properties = Map::new();
        for (key, default) in keys.as_object().into_iter().flatten() {
            let path = format!("{table}.{key}");
            properties.insert(key.clone(), told(setting(&path, default), &path, &meanings));
        }
        let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        tables.insert(table.clone(), told(schema, table, &meanings));
    }
    Ok(json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The configuration of oktawatch",
        "type": "object",
        "properties": tables,
        "additionalProperties": false,
    }))
}

fn told(schema: Value, path: &str, meanings: &BTreeMap<String, String>) -> Value {
    match (schema, meanings.get(path)) {
        (Value::Object(mut schema), Some(text)) => {
            schema.insert("description".to_owned(), text.as_str().into());
            Value::Object(schema)
        }
        (schema, _) => schema,
    }
}

/// What one key takes, by its name or by its default.
fn setting(path: &str, default: &Value) -> Value {
    if let Some((_, words)) = WORDS.iter().find(|(key, _)| *key == path) {
        return json!({ "type": "string", "enum": words, "default": default });
    }
    match path {
        "geoip.sites" => return json!({ "type": "array", "items": site(), "default": default }),
        "geoip.roles" => return json!({ "type": "array", "items": role(), "default": default }),
        "kafka.properties" => {
            let scalar = json!({ "type": ["string", "number", "boolean"] });
            return json!({ "type": "object", "additionalProperties": scalar, "default": default });
        }
        _ => {}
    }
    match default {
        Value::Bool(_) => json!({ "type": "boolean", "default": default }),
        Value::Number(_) => json!({ "type": "integer", "minimum": 0, "default": default }),
        Value::Array(_) => json!({ "type": "array", "items": { "type": "string" }, "default": default }),
        Value::String(text) if Duration::parse(text).is_ok() => {
            json!({ "type": "string", "pattern": "^ *[0-9]+ *(ms|s|m|h|d|w) *$", "default": default })
        }
        Value::String(text)
            if text.ends_with('B') && serde_json::from_value::<Size>(default.clone()).is_ok() =>
        {
            json!({ "type": ["string", "integer"], "minimum": 0,
                    "pattern": "^ *[0-9]+ *(|B|kB|MB|KiB|MiB|GiB) *$", "default": default })
        }
        Value::Null => json!({ "type": "string" }),
        _ => json!({ "type": "string", "default": default }),
    }
}

fn site() -> Value {
    json!({
        "type": "object",
        "properties": {
            "cidr": { "type": "string", "description": "The range, IPv4 or IPv6." },
            "name": { "type": "string", "description": "Its name: enriched.ip.site." },
            "country": { "type": "string", "pattern": "^[A-Za-z]{2}$", "description": "ISO 3166-1 alpha-2." },
            "city": { "type": "string" },
            "lat": { "type": "number", "minimum": -90, "maximum": 90 },
            "lon": { "type": "number", "minimum": -180, "maximum": 180 },
        },
        "required": ["cidr", "name"],
        "additionalProperties": false,
    })
}

fn role() -> Value {
    let words: Vec<&str> = IpRole::ALL.iter().map(|role| role.as_str()).collect();
    json!({
        "type": "object",
        "properties": {
            "cidr": { "type": "string", "description": "A range or an address, IPv4 or IPv6." },
            "agent": { "type": "string", "description": "A user agent; * stands for anything." },
            "zone": { "type": "string", "description": "A network zone of Okta's, by its name." },
            "role": { "type": "string", "enum": words, "description": "enriched.ip.role" },
        },
        "required": ["role"],
        "anyOf": [{ "required": ["cidr"] }, { "required": ["agent"] }, { "required": ["zone"] }],
        "additionalProperties": false,
    })
}

/// The comment above each table and key of the example; keys that stand together share one.
fn meanings(example: &str) -> BTreeMap<String, String> {
    let (mut found, mut table, mut comment, mut open) = (BTreeMap::new(), String::new(), Vec::new(), true);
    for line in example.lines() {
        let bare = line.trim_start_matches(['#', ' ']);
        let key = bare.split_once(" = ").map(|(key, _)| key).filter(|key| is_key(key));
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut table);
            found.insert(table.clone(), comment.join(" "));
            (comment, open) = (Vec::new(), true);
        } else if let Some(key) = key {
            found.entry(format!("{table}.{key}")).or_insert_with(|| comment.join(" "));
            open = false;
        } else if line.trim().is_empty() {
            (comment, open) = (Vec::new(), true);
        } else {
            if !open {
                (comment, open) = (Vec::new(), true);
            }
            comment.push(bare.to_owned());
        }
    }
    found
}

fn is_key(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_lowercase() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    #[test]
    fn every_table_and_key_has_a_meaning_and_a_type() {
        let schema = config_schema().unwrap();
        let mut keys = 0;
        for (table, of_table) in schema["properties"].as_object().unwrap() {
            assert!(!of_table["description"].as_str().unwrap().is_empty(), "{table}");
            for (key, setting) in of_table["properties"].as_object().unwrap() {
                keys += 1;
                assert!(setting["description"].as_str().is_some_and(|text| text.len() > 4), "{table}.{key}");
                assert!(setting.get("type").is_some(), "{table}.{key}");
            }
        }
        assert!(keys > 30, "{keys}");
        let lateness = &schema["properties"]["time"]["properties"]["allowed_lateness"];
        assert!(lateness["pattern"].as_str().unwrap().contains("ms|s|m|h|d|w"));
        assert_eq!(lateness["default"], "5m");
        assert_eq!(schema["properties"]["engine"]["properties"]["commit_bytes"]["type"][1], "integer");
        assert!(
            schema["properties"]["geoip"]["properties"]["asn"]["description"]
                .as_str()
                .unwrap()
                .starts_with("Databases in MaxMind")
        );
    }

    #[test]
    fn the_words_are_those_that_load() {
        for (key, words) in WORDS {
            let set = |word: &str| load(&[], &[((*key).to_owned(), word.to_owned())]);
            for word in *words {
                assert!(set(word).is_ok(), "{key} {word}");
            }
            assert!(set("nonsense").is_err(), "{key}");
        }
    }
}

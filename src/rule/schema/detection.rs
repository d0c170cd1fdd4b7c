//! Which fields and values does a selection have?

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::fields::{self, TARGET_ATTRIBUTES};
use super::super::modifier;
use super::{reference, types};
use crate::model::{FieldDef, FieldKind, OPEN_MAPS};

/// The map under `detection`.
pub(super) fn detection() -> Value {
    json!({
        "type": "object",
        "description": "Selections by name, and the condition over them.",
        "properties": {
            "condition": {
                "anyOf": [reference("text"), { "type": "array", "items": reference("text"), "minItems": 1 }],
                "description": "Names of selections with and, or, not, brackets, `1 of name*`, `all of them`.",
                "examples": ["selection", "selection and not 1 of filter_*"],
            },
        },
        "required": ["condition"],
        "additionalProperties": reference("alternatives"),
    })
}

/// A selection or a keyword, or a list of which one must match.
pub(super) fn alternatives() -> Value {
    json!({ "anyOf": [
        reference("selection"),
        reference("text"),
        { "type": "array", "items": reference("alternatives"), "minItems": 1 },
    ] })
}

/// Fields with their values: all must match.
pub(super) fn selection() -> Value {
    let mut patterns = Map::new();
    let behind = modifiers();
    let keywords = format!("^{}$", behind.replacen(")*", ")+", 1));
    for pattern in written(&behind).into_iter().chain(computed(&behind)).chain([keywords]) {
        patterns.insert(pattern, reference("values"));
    }
    json!({
        "type": "object",
        "minProperties": 1,
        "properties": suggestions(),
        "patternProperties": patterns,
        "additionalProperties": false,
    })
}

/// One value or a list, of which one must match.
pub(super) fn values() -> Value {
    let one = types(&["string", "number", "boolean", "null"]);
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}

/// What may follow a field's name.
fn modifiers() -> String {
    let names: Vec<&str> = modifier::names().collect();
    format!(r"(\|({}))*", names.join("|"))
}

/// Regular expressions of all fields that Okta writes, each with this behind it.
pub(super) fn written(behind: &str) -> Vec<String> {
    let maps: Vec<String> = open_maps().map(escaped).collect();
    let known: BTreeSet<&str> = paths(false).chain(containers()).collect();
    let known: Vec<String> = known.into_iter().map(escaped).collect();
    vec![format!(r"^({}){behind}$", known.join("|")), format!(r"^({})(\.[^.|\s]+)+{behind}$", maps.join("|"))]
}

/// The same of all that is computed.
fn computed(behind: &str) -> Vec<String> {
    let attributes: Vec<&str> = TARGET_ATTRIBUTES.iter().map(|(name, _)| *name).collect();
    let known: Vec<String> = paths(true).map(escaped).collect();
    vec![
        format!(r"^({}){behind}$", known.join("|")),
        format!(r"^enriched\.target\.[^|]*[^|\s][^|]*\.({}){behind}$", attributes.join("|")),
    ]
}

fn paths(computed: bool) -> impl Iterator<Item = &'static str> {
    fields::catalogue().map(|def| def.path).filter(move |path| path.starts_with("enriched.") == computed)
}

/// Maps of any key, besides the targets by type.
fn open_maps() -> impl Iterator<Item = &'static str> {
    OPEN_MAPS.iter().copied().filter(|map| *map != "enriched.target")
}

/// Objects and lists, of which presence can be asked.
fn containers() -> impl Iterator<Item = &'static str> {
    let above =
        paths(false).flat_map(|path| path.match_indices('.').filter_map(move |(at, _)| path.get(..at)));
    above.chain(open_maps())
}

fn escaped(path: &str) -> String {
    path.replace('.', r"\.")
}

/// Every field by itself and with the modifiers that its kind is mostly used with, so that editors
/// offer them with example and meaning.
fn suggestions() -> Map<String, Value> {
    let mut found = Map::new();
    for def in fields::catalogue() {
        found.insert(def.path.to_owned(), suggestion(def));
        for modifier in usual(def.kind) {
            found.insert(format!("{}|{modifier}", def.path), reference("values"));
        }
    }
    found
}

fn suggestion(def: &FieldDef) -> Value {
    let several = if def.many { ", any of several" } else { "" };
    let about = format!("{} ({}{several}). Example: {}", def.about, def.kind.as_str(), def.example);
    json!({ "allOf": [reference("values")], "description": about })
}

fn usual(kind: FieldKind) -> &'static [&'static str] {
    match kind {
        FieldKind::Text => &["contains", "startswith", "endswith"],
        FieldKind::Ip => &["cidr"],
        FieldKind::Integer | FieldKind::Number => &["gte", "lte"],
        FieldKind::Boolean | FieldKind::Time => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fields::{PathKind, kind_of};
    use super::*;

    fn fits(path: &str) -> bool {
        let patterns = [written(""), computed("")].concat();
        patterns.iter().any(|pattern| regex::Regex::new(pattern).unwrap().is_match(path))
    }

    #[test]
    fn the_patterns_know_the_fields_that_the_parser_knows() {
        for path in [
            "eventType",
            "debugContext.debugData.any",
            "debugContext.debugData.a.b",
            "target.detailEntry.x",
            "enriched.target.User.id",
            "enriched.target.URL Pattern.alternateId",
            "actor",
            "device",
            "target",
            "client.userAgent",
            "transaction.detail",
            "",
            "evntType",
            "enriched",
            "enriched.geo",
            "actor.idd",
            "enriched.target.User",
            "enriched.target.User.email",
            "enriched.target..id",
            "eventType ",
            "debugContext.debugData.",
            "debugContext.debugData.a b",
            "device.device_integrator",
        ] {
            assert_eq!(fits(path), kind_of(path) != PathKind::Unknown, "{path}");
        }
    }

    #[test]
    fn every_field_and_modifier_is_offered() {
        let schema = selection();
        for def in fields::catalogue() {
            assert!(schema["properties"].get(def.path).is_some(), "{}", def.path);
        }
        let with = written(&modifiers());
        let first = regex::Regex::new(&with[0]).unwrap();
        for modifier in modifier::names() {
            assert!(first.is_match(&format!("eventType|{modifier}|all")), "{modifier}");
        }
        assert!(!first.is_match("eventType|contians"));
    }
}

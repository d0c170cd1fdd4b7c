//! Which keys does each type of correlation have?

use serde_json::{Map, Value, json};

use super::super::types;
use super::{about, object, properties, reference, types as of_types, word};
use crate::model::RuleKind;

/// The map under `correlation`: its type decides which keys it has.
pub(super) fn correlation() -> Value {
    let names: Vec<&str> = types::names().collect();
    let each: Vec<Value> = types::KINDS.iter().map(|kind| of_type(*kind)).collect();
    json!({
        "type": "object",
        "description": "What the matches of other rules must come to.",
        "properties": { "type": about(word(&names), "How they are put together.") },
        "required": ["type"],
        "allOf": each,
    })
}

fn of_type(kind: RuleKind) -> Value {
    let keys = types::keys_of(kind);
    json!({
        "if": { "properties": { "type": { "const": kind.as_str() } }, "required": ["type"] },
        "then": {
            "properties": properties(&keys, |key| explain(kind, key)),
            "required": required(kind),
            "additionalProperties": false,
        },
    })
}

/// The keys that a type cannot do without.
fn required(kind: RuleKind) -> &'static [&'static str] {
    match kind {
        RuleKind::Detection => &[],
        RuleKind::Temporal | RuleKind::TemporalOrdered | RuleKind::RiskScore => &["rules", "timespan"],
        RuleKind::Sequence => &["steps"],
        RuleKind::Absence => &["trigger", "absent"],
        RuleKind::NewValue => &["rules", "field"],
        RuleKind::Aggregate => &["rules", "timespan", "values", "condition"],
        RuleKind::Baseline => &["rules", "bucket"],
        _ => &["rules", "timespan", "condition"],
    }
}

/// What a key of a type says.
pub(super) fn explain(kind: RuleKind, key: &str) -> Option<Value> {
    let texts = |text: &str| Some(about(reference("texts"), text));
    let span = |text: &str| Some(about(reference("timespan"), text));
    match key {
        "type" => Some(json!({})),
        "rules" => Some(about(reference("rules"), "The rules whose matches it takes, by name or id.")),
        "group-by" => {
            texts("Fields that keep matches apart: each combination of their values is a key of its own.")
        }
        "timespan" => span("The window: it slides with every event."),
        "aliases" => Some(aliases()),
        "generate" => Some(json!({
            "type": "boolean", "description": "Whether the rules it takes raise alerts of their own as well.",
        })),
        "condition" => condition(kind),
        "steps" => Some(steps()),
        "until" => Some(about(reference("rules"), "Rules whose matches stop it.")),
        "within" => span("The longest time from the first event to the last."),
        "unequal" => texts("Fields in which a step differs from the step before."),
        "equal" => texts("Fields that are alike in all steps, besides group-by."),
        "trigger" => Some(about(reference("rules"), "Rules whose matches ask for a partner.")),
        "absent" => Some(about(reference("rules"), "Rules whose matches are partners.")),
        "field" => texts("The field whose values are new or not; of several, their combination."),
        "learning" => span("So long after the entity's first event nothing is new yet; by default 14d."),
        "forget" => span("A value that was not seen for longer is new again; by default 60d."),
        "scope" => Some(about(
            word(&["entity", "org"]),
            "Who remembers together: each entity, or all of the tenant.",
        )),
        "values" => Some(figures()),
        "per" => Some(about(
            reference("text"),
            "The field of the inner groups: groups, most, least, mean, share(2..6).",
        )),
        "metric" => {
            Some(about(reference("text"), "What is counted in a bucket: `count` or `distinct(field)`."))
        }
        "bucket" => span("The length of a bucket of time: `1h` or `1d`."),
        "history" => span("How far back the habit reaches; by default 30d."),
        "deviations" => Some(json!({ "type": "number", "minimum": 0, "maximum": 100,
            "description": "How many standard deviations above the mean; by default 3." })),
        "floor" => Some(json!({ "type": "integer", "minimum": 0,
            "description": "The figure is at least this; by default 5." })),
        "min_history" => span("So long before the bucket the entity must have been seen; by default 7d."),
        "decay" => span("The half-life of a match's risk; by default it does not fade."),
        "threshold" => Some(json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000,
            "description": "The risks of the matches come to at least this." })),
        "distinct_tactics" => Some(count("The matching rules are tagged with so many tactics.")),
        "distinct_techniques" => Some(count("The matching rules are tagged with so many techniques.")),
        "hours_of_week" => Some(json!({ "type": "boolean",
            "description": "Compare an hour only with the same hour of other weeks; the bucket is 1h." })),
        "when" => {
            Some(about(word(&["after", "before"]), "On which side of the trigger the partner must stand."))
        }
        _ => None,
    }
}

fn aliases() -> Value {
    json!({
        "type": "object",
        "description": "One name for fields that are called otherwise in each rule.",
        "additionalProperties": { "type": "object", "additionalProperties": { "type": "string" } },
    })
}

fn steps() -> Value {
    let step = object(types::STEP_KEYS, &["rule"], |key| match key {
        "rule" => Some(about(reference("rules"), "The rule, or several of which any will do.")),
        "min" => Some(count("At least so many events; with `distinct`, so many values.")),
        "max" => Some(count("At most so many events between the steps beside it.")),
        "distinct" => Some(about(reference("text"), "A field whose values count instead of events.")),
        "within" => Some(about(reference("timespan"), "The longest time since the end of the step before.")),
        _ => None,
    });
    json!({
        "type": "array", "minItems": 1, "maxItems": crate::limits::SEQUENCE_STEPS, "items": step,
        "description": "What must follow one another, in this order.",
    })
}

/// The named figures of an aggregate.
fn figures() -> Value {
    json!({
        "type": "object", "minProperties": 1, "maxProperties": crate::limits::AGGREGATE_VALUES,
        "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_]*$" },
        "additionalProperties": about(
            reference("text"),
            "count, count(rule), distinct(field), sum(field), avg(field), min(field), max(field), median(field), \
             percentile(field, 95), share(field), share(rule), span; with `per`: groups, most, least, mean, share(2..6).",
        ),
        "description": "Figures of the window by name; the condition and the message speak of them.",
    })
}

fn count(text: &str) -> Value {
    json!({ "type": "integer", "minimum": 1, "description": text })
}

/// Comparisons of one figure.
pub(super) fn thresholds() -> Value {
    json!({ "type": "object", "properties": comparisons(), "additionalProperties": false, "minProperties": 1 })
}

fn comparisons() -> Map<String, Value> {
    properties(types::OPERATORS, |_| Some(of_types(&["number"])))
}

fn condition(kind: RuleKind) -> Option<Value> {
    match kind {
        RuleKind::Temporal | RuleKind::TemporalOrdered => Some(json!({
            "anyOf": [reference("thresholds"), reference("text")],
            "description": "How many of the rules, or which: `a and not b`. By default all of them.",
        })),
        RuleKind::EventCount => Some(about(reference("thresholds"), "How many events: `gte: 5`.")),
        RuleKind::ValueCount => Some(figure("texts", json!({}), "How many distinct values a field has.")),
        RuleKind::ValuePercentile => {
            let percentile = json!({ "percentile": { "type": "number", "minimum": 0, "maximum": 100 } });
            Some(figure(
                "text",
                percentile,
                "The value below which so many percent of the field's values lie.",
            ))
        }
        RuleKind::ValueSum | RuleKind::ValueAvg | RuleKind::ValueMedian => {
            Some(figure("text", json!({}), "What the numbers in a field come to."))
        }
        RuleKind::Aggregate => Some(about(
            reference("text"),
            "A formula over the values: `n >= 10 and (ips >= 5 or share < 60%)`.",
        )),
        _ => None,
    }
}

/// Comparisons beside the field whose figure they compare.
fn figure(field: &str, more: Value, text: &str) -> Value {
    let mut keys = comparisons();
    keys.insert("field".to_owned(), reference(field));
    let mut required = vec!["field"];
    if let Value::Object(more) = more {
        required.extend(more.contains_key("percentile").then_some("percentile"));
        keys.extend(more);
    }
    json!({
        "type": "object", "properties": keys, "required": required, "additionalProperties": false,
        "minProperties": required.len() + 1, "description": text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_every_type_is_explained() {
        for kind in types::KINDS {
            for key in types::keys_of(*kind) {
                assert!(explain(*kind, key).is_some(), "{} {key}", kind.as_str());
            }
            for key in required(*kind) {
                assert!(types::keys_of(*kind).contains(key), "{} {key}", kind.as_str());
            }
        }
    }

    #[test]
    fn the_schema_has_the_keys_that_the_parser_knows() {
        let schema = correlation();
        let types = schema["allOf"].as_array().unwrap();
        assert_eq!(types.len(), types::KINDS.len());
        for (kind, schema) in types::KINDS.iter().zip(types) {
            let properties = schema["then"]["properties"].as_object().unwrap();
            let mut known = types::keys_of(*kind);
            known.sort_unstable();
            assert!(properties.keys().map(String::as_str).eq(known), "{}", kind.as_str());
        }
    }
}

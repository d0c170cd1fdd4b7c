//! Which keys does a document have at its top?

use serde_json::{Value, json};

use super::super::{document, exception, options};
use super::{about, cases, correlation, detection, object, properties, reference, word};

/// The whole document: a rule, or a filter of rules.
pub(super) fn document() -> Value {
    json!({
        "type": "object",
        // What editors offer before it is known that the document is a filter.
        "properties": { "filter": {} },
        "if": { "required": ["filter"] },
        "then": {
            "properties": properties(document::FILTER_KEYS, explain),
            "required": ["title", "logsource"],
            "additionalProperties": false,
        },
        "else": {
            "properties": properties(document::KEYS, explain),
            "required": ["title", "id", "name"],
            "additionalProperties": false,
            "oneOf": [
                { "required": ["detection", "logsource"], "properties": { "logsource": { "required": ["product"] } } },
                { "required": ["correlation"] },
            ],
        },
    })
}

/// The map under `filter`.
pub(super) fn filter() -> Value {
    let mut schema = detection::detection();
    schema["description"] = "What must hold besides of the rules it goes on.".into();
    schema["required"] = json!(["rules", "condition"]);
    schema["properties"] = json!({
        "rules": about(reference("rules"), "The detections it goes on, by name or id; `any`: all of its log source."),
        "condition": reference("text"),
    });
    schema
}

/// What a key of the document says.
pub(super) fn explain(key: &str) -> Option<Value> {
    let text = |text: &str| Some(about(reference("text"), text));
    let texts = |text: &str| Some(about(reference("texts"), text));
    match key {
        "title" => text("What it finds, in a few words."),
        "id" => Some(json!({
            "type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            "description": "A UUID, made once and never changed: alert ids are derived from it.",
        })),
        "name" => Some(json!({
            "type": "string", "pattern": "^[a-z][a-z0-9_-]*$",
            "description": "Short and unique, in lower case: correlations, tests and metrics find the rule by it.",
        })),
        "description" => text("What it finds and why that matters."),
        "author" => text("Who wrote it."),
        "license" => text("Under which licence."),
        "date" => Some(date("When it was written.")),
        "modified" => Some(date("When it was last changed.")),
        "status" => Some(about(word(document::STATUSES), "How far it is.")),
        "level" => {
            let levels: Vec<&str> = document::LEVELS.iter().map(|level| level.as_str()).collect();
            Some(about(word(&levels), "How bad a match is."))
        }
        "tags" => texts("ATT&CK tactics and techniques: attack.credential-access, attack.t1621."),
        "references" => texts("Links to what is known of it."),
        "falsepositives" => texts("What looks alike and is harmless."),
        "fields" => texts("Fields that an analyst wants to see besides those that it reads."),
        "taxonomy" | "related" | "scope" => Some(json!({ "description": "Kept for other Sigma tools." })),
        "logsource" => Some(logsource()),
        "detection" => Some(detection::detection()),
        "filter" => Some(reference("filter")),
        "correlation" => Some(correlation::correlation()),
        "tests" => Some(cases::tests()),
        options::KEY => Some(object(options::KEYS, &[], option)),
        _ => None,
    }
}

fn date(text: &str) -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}$", "description": text })
}

fn logsource() -> Value {
    let keys: Vec<&str> = document::LOGSOURCE_KEYS.iter().copied().filter(|key| *key != "category").collect();
    object(&keys, &[], |key| match key {
        "product" | "service" => Some(json!({ "const": "okta" })),
        "definition" => Some(json!({})),
        _ => None,
    })
}

/// What a key of the options says.
pub(super) fn option(key: &str) -> Option<Value> {
    let words = |words: Vec<&str>, text: &str| Some(about(word(&words), text));
    match key {
        "mode" => words(
            options::MODES.iter().map(|(word, _)| *word).collect(),
            "active: to the alerts topic; shadow: judged, but to the shadow topic; off: not judged.",
        ),
        "suppress" => Some(about(
            reference("timespan"),
            "Further satisfying events within this time belong to the same alert; by default the timespan.",
        )),
        "update_every" => Some(about(reference("timespan"), "An alert is updated at most this often.")),
        "entity" => words(
            options::ENTITIES.iter().map(|entity| entity.as_str()).collect(),
            "What the alert is about.",
        ),
        "risk" => Some(
            json!({ "type": "integer", "minimum": 0, "maximum": 100, "description": "By default from the level." }),
        ),
        "confidence" => words(
            options::CONFIDENCES.iter().map(|(word, _)| *word).collect(),
            "How sure a match is to mean what the rule says.",
        ),
        "runbook" => Some(about(
            reference("text"),
            "Markdown: what an alert means, how to check it, how to answer it, what looks alike, what it misses.",
        )),
        "message" => Some(about(
            reference("text"),
            "The sentence a person reads first, with {placeholders}: {count}, {key}, {span}, {ip}, a field's path, …",
        )),
        "exceptions" => Some(json!({
            "type": "array",
            "description": "What the rule does not alert of, each with an end and an owner.",
            "items": object(exception::KEYS, &["match", "until", "owner", "reason"], exception),
        })),
        "evidence" => Some(object(options::EVIDENCE_KEYS, &[], |key| {
            (key == "max").then(|| {
                json!({ "type": "integer", "minimum": 0, "maximum": crate::limits::EVIDENCE_PER_KEY,
                        "description": "Events that the alert shows at most." })
            })
        })),
        _ => None,
    }
}

fn exception(key: &str) -> Option<Value> {
    match key {
        "match" => Some(reference("alternatives")),
        "until" => Some(date("Its last day; an exception that has expired is an error in `check`.")),
        "owner" => Some(about(reference("text"), "Who answers for it.")),
        "reason" => Some(about(reference("text"), "Why it is harmless.")),
        "ticket" => Some(about(reference("text"), "Where that was decided.")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_parser_is_explained() {
        for key in document::KEYS.iter().chain(document::FILTER_KEYS) {
            assert!(explain(key).is_some(), "{key}");
        }
        for key in exception::KEYS {
            assert!(super::exception(key).is_some(), "{key}");
        }
        for key in options::KEYS {
            assert!(option(key).is_some(), "{key}");
        }
    }
}

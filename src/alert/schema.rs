//! Which keys does an alert in the flat format have?

use serde_json::{Map, Value, json};

/// A list of texts.
const TEXTS: &str = "texts";
/// An instant, RFC 3339 in UTC with milliseconds.
const TIME: &str = "time";

/// Key, type, whether it is always there, and what it says.
type Key = (&'static str, &'static str, bool, &'static str);

const KEYS: &[Key] = &[
    ("alert_id", "string", true, "The same for every update of the alert, and when it is computed again."),
    ("activity", "create or update", true, "Whether it is new or told again with more."),
    ("message", "string", true, "The sentence a person reads first."),
    ("time", TIME, true, "When this record was made, by the clock."),
    ("created", TIME, true, "When the alert was first raised, by the clock."),
    ("first_seen", TIME, true, "Time of its first event."),
    ("last_seen", TIME, true, "Time of its last event."),
    ("count", "integer", true, "Events that contributed."),
    ("omitted_events", "integer", true, "Of them, those that are not shown."),
    ("late_events", "integer", true, "Of them, those that came late."),
    ("may_be_low", "boolean", true, "Whether events were dropped at a bound, so that counts may be low."),
    ("watermark", TIME, false, "Event time up to which the stream was taken to be complete."),
    ("window_start", TIME, false, "Begin of the window that came true."),
    ("window_end", TIME, false, "Its end."),
    ("window_s", "integer", false, "Its length in seconds."),
    ("group_by", TEXTS, false, "The group-by values, as field=value."),
    ("measured", TEXTS, false, "What was measured, against what was asked."),
    ("org", "string", false, "The Okta tenant."),
    ("entity", "string", false, "What the alert is about."),
    ("entity_type", "string", true, "actor, target_user, ip, token, app or org."),
    ("user", "string", false, "The actor's login; masked where it may be a mistyped password."),
    ("user_id", "string", false, "The actor's id."),
    ("user_name", "string", false, "The actor's name."),
    ("principal", "string", false, "Who really acts: human, admin, service_account, token_granter, …"),
    ("session_id", "string", false, "The Okta session."),
    ("token_id", "string", false, "The API token that made the request, or that it is about."),
    ("ip", "string", false, "Client address of the decisive event."),
    ("ip_anonymous", "boolean", false, "Whether it is an anonymiser."),
    ("ip_site", "string", false, "The organisation's site that holds it."),
    ("country", "string", false, "ISO 3166-1 alpha-2 of the address."),
    ("country_name", "string", false, "Its English name."),
    ("region", "string", false, "First-level subdivision."),
    ("city", "string", false, "City."),
    ("lat", "number", false, "Latitude in degrees."),
    ("lon", "number", false, "Longitude in degrees."),
    ("asn", "integer", false, "Autonomous system of the address."),
    ("asn_org", "string", false, "Its organisation."),
    ("user_agent", "string", false, "Client software."),
    ("target", TEXTS, false, "What was acted on in the decisive event."),
    ("fired_by", "string", true, "uuid of the event that made it come true first."),
    ("event_uuids", TEXTS, true, "uuids of the events that are shown."),
    ("event_types", TEXTS, false, "Their types."),
    ("results", TEXTS, false, "Their outcomes."),
    ("ips", TEXTS, false, "Their addresses."),
    ("users", TEXTS, false, "Their actors."),
    ("records", TEXTS, true, "Where they stand: topic/partition/offset."),
    ("read", TEXTS, false, "What the rule read of the decisive event, as field=value."),
    ("listed", TEXTS, false, "Fields of the events whose values lists hold, as field=list."),
    ("lists", TEXTS, false, "Lists that the rule goes by, each with the digest of its state."),
    ("rule", "string", true, "The rule's name."),
    ("rule_id", "string", true, "The rule's UUID."),
    ("rule_title", "string", true, "The rule's title."),
    ("rule_description", "string", false, "What it finds."),
    ("rule_version", "string", false, "Digest of its meaning: equal as long as it matches the same."),
    ("rule_type", "string", true, "detection, or the type of the correlation."),
    ("mode", "string", true, "active or shadow."),
    ("severity", "string", true, "informational, low, medium, high or critical."),
    ("risk_score", "integer", true, "0 to 100."),
    ("tags", TEXTS, false, "The rule's tags."),
    ("tactics", TEXTS, false, "ATT&CK tactics."),
    ("techniques", TEXTS, false, "ATT&CK techniques."),
    ("runbook", "string", false, "Markdown: what it means, how to check it, how to answer it."),
    ("runbook_url", "string", false, "A runbook elsewhere."),
    ("rules_digest", "string", false, "Digest of the meaning of all rules that ran."),
    ("product_version", "string", true, "Version of the program."),
    ("raw_event", "string", false, "JSON of the decisive event, with output.raw_event."),
];

/// The schema, of draft 7, of an alert in the flat format.
pub fn alert_schema() -> Value {
    let properties: Map<String, Value> = KEYS.iter().map(|key| (key.0.to_owned(), property(key))).collect();
    let required: Vec<&str> = KEYS.iter().filter(|key| key.2).map(|key| key.0).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An alert of oktawatch in the flat format",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let (_, kind, _, about) = *key;
    let mut schema = match kind {
        TEXTS => json!({ "type": "array", "items": { "type": "string" } }),
        TIME => json!({ "type": "string", "format": "date-time" }),
        "create or update" => json!({ "type": "string", "enum": ["create", "update"] }),
        kind => json!({ "type": kind }),
    };
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), about.into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_keys_are_those_that_the_format_writes() {
        let source = include_str!("flat.rs");
        let key = |line: &'static str| {
            let key = line.trim_start().strip_prefix('"')?.split_once("\":")?.0;
            (!key.is_empty()).then_some(key)
        };
        let mut written: BTreeSet<&str> = source.lines().filter_map(key).collect();
        written.insert("raw_event");
        let told: BTreeSet<&str> = KEYS.iter().map(|key| key.0).collect();
        assert_eq!(told, written);
    }
}

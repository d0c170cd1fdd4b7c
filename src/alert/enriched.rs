//! How is an event written with everything that was added to it?

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::facts::{
    admin_facts, asn_facts, geo_facts, home_facts, ip_facts, keepalive_facts, position, principal_facts,
    session_facts, system_facts, token_facts, travel_facts, user_facts,
};
use super::json::{maybe, put, text, tidy, time};
use super::mask::Masker;
use super::masked::Masks;
use super::{OutRecord, event_facts, header};
use crate::enrich::actor_key;
use crate::model::{Enriched, Evidence, FieldId, FieldTable, Shared, Value as FieldValue};

/// What the headers call the shape of the value.
const SCHEMA: &str = "okta-event-1";

/// The event's own JSON with one more object, `enriched`; without its JSON, the values that were
/// read, by path. The key is the actor's.
pub(super) fn record(topic: &Arc<str>, masker: &Masker, event: &Enriched, table: &FieldTable) -> OutRecord {
    let shown = Shared::new(Evidence::from(event_facts(event)));
    let masks = Masks::of_event(masker, &shown);
    let unproven = shown.actor.unproven;
    let mut enriched = enriched(event, table);
    masks.value(&mut enriched, "enriched", unproven);
    let payload = match masks.is_empty() {
        true => event.event().raw.as_deref().and_then(|raw| spliced(raw, &enriched)),
        false => None,
    };
    let payload = payload.unwrap_or_else(|| {
        let mut whole = original(event, table);
        masks.value(&mut whole, "", unproven);
        if let Value::Object(map) = &mut whole {
            map.insert("enriched".to_owned(), enriched);
        }
        whole.to_string()
    });
    let mut key = actor_key(&event.observation).to_string();
    masks.key(&mut key, &shown.actor);
    let headers = vec![header("content-type", super::JSON), header("schema-version", SCHEMA)];
    OutRecord { topic: topic.clone(), key: Some(key.into_bytes()), headers, payload: payload.into_bytes() }
}

/// The original bytes with the object put before the last brace, so that nothing of the event is
/// written anew. `None` when the event has such a key itself.
fn spliced(raw: &str, enriched: &Value) -> Option<String> {
    let body = raw.trim_end().strip_suffix('}')?;
    if raw.contains("\"enriched\"") {
        return None;
    }
    let comma = if body.trim_end().ends_with('{') { "" } else { "," };
    Some(format!("{body}{comma}\"enriched\":{enriched}}}"))
}

/// The event's JSON as a value, else what was read of it.
fn original(event: &Enriched, table: &FieldTable) -> Value {
    let raw = event.event().raw.as_deref();
    raw.and_then(|raw| serde_json::from_str(raw).ok()).filter(Value::is_object).unwrap_or_else(|| {
        let mut map = Map::new();
        for (id, path) in table.iter().filter(|(_, path)| !path.starts_with("enriched.")) {
            if let Some(value) = field(event, id) {
                put(&mut map, path, value);
            }
        }
        map.insert("uuid".to_owned(), text(&event.event().uuid));
        map.insert("published".to_owned(), Value::from(time(event.event().published_ms)));
        Value::Object(map)
    })
}

/// Everything computed, under the names that rules know it by.
fn enriched(event: &Enriched, table: &FieldTable) -> Value {
    let observation = &event.observation;
    let place = observation.place.as_deref();
    let facts = json!({
        "org": maybe(event.event().org.as_deref()),
        "geo": place.and_then(|place| place.geo.as_deref()).map(geo_facts),
        "asn": place.and_then(|place| place.asn.as_deref()).map(asn_facts),
        "ip": place.map(ip_facts),
        "user": event.user.as_ref().map(user_facts),
        "session": event.session.as_ref().map(session_facts),
        "travel": event.travel.as_ref().map(travel_facts),
        "principal": principal_facts(&event.principal),
        "system": event.principal.system.as_ref().map(system_facts),
        "token": event.token.as_deref().map(token_facts),
        "admin": event.admin.as_deref().map(admin_facts),
        "keepalive": event.keepalive.as_ref().map(keepalive_facts),
        "home": event.home.as_ref().map(home_facts),
        "late": event.late,
        "lossy": event.event().lossy,
        "envelope": text(&event.event().envelope),
        "record": position(&event.event().position),
    });
    let mut facts = tidy(facts);
    if let Value::Object(map) = &mut facts {
        for (id, path) in table.iter() {
            let inner = path.strip_prefix("enriched.");
            if let Some((inner, value)) = inner.zip(field(event, id)) {
                put(map, inner, value);
            }
        }
    }
    facts
}

/// A field's value; a list for a field of several.
fn field(event: &Enriched, id: FieldId) -> Option<Value> {
    let mut values: Vec<Value> = event.event().fields.values(id).filter_map(scalar).collect();
    if values.len() > 1 { Some(Value::Array(values)) } else { values.pop() }
}

fn scalar(value: FieldValue<'_>) -> Option<Value> {
    match value {
        FieldValue::Text(text) => Some(Value::from(text)),
        FieldValue::Integer(number) => Some(Value::from(number)),
        FieldValue::Number(number) => Some(Value::from(number)),
        FieldValue::Boolean(flag) => Some(Value::from(flag)),
        FieldValue::Container => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;
    use crate::config::Output;
    use crate::model::{Event, Fields, Observation, Position, SessionFacts, core};

    fn event(raw: Option<&str>, login: &str, id: &str) -> (FieldTable, Enriched) {
        let table = FieldTable::default();
        let mut fields = Fields::new(table.len());
        if !id.is_empty() {
            fields.set(core::ACTOR_ID, FieldValue::Text(id));
        }
        fields.set(core::ACTOR_ALTERNATE_ID, FieldValue::Text(login));
        fields.set(core::OUTCOME_RESULT, FieldValue::Text("FAILURE"));
        fields.set(core::ENRICHED_RISK_LEVEL, FieldValue::Text("HIGH"));
        let event = Event {
            position: Position::default(),
            uuid: "u1".into(),
            published_ms: samples::T0,
            org: Some(Arc::from("acme")),
            envelope: "raw".into(),
            lossy: false,
            fields,
            raw: raw.map(Arc::from),
        };
        let observation = Observation { event, place: Some(samples::lisbon()) };
        let session = Some(SessionFacts { id: "s1".into(), ..SessionFacts::default() });
        (table, Enriched { session, ..Enriched::alone(observation, false) })
    }

    fn rendered(raw: Option<&str>, login: &str, id: &str) -> (String, String) {
        let (table, event) = event(raw, login, id);
        let masker = Masker::new(&Output::default());
        let record = record(&Arc::from("enriched"), &masker, &event, &table);
        (String::from_utf8(record.key.unwrap()).unwrap(), String::from_utf8(record.payload).unwrap())
    }

    #[test]
    fn the_event_keeps_its_bytes_and_gains_one_object() {
        let raw = r#"{ "z":1.50, "a":{"b":"c"} }"#;
        let (key, payload) = rendered(Some(raw), "ana@example.com", "00u1");
        assert_eq!(key, "acme|login|ana@example.com");
        assert!(payload.starts_with(r#"{ "z":1.50, "a":{"b":"c"} ,"enriched":{"#), "{payload}");
        let value: Value = serde_json::from_str(&payload).unwrap();
        assert_eq!(value["enriched"]["geo"]["city"], "Lisbon");
        assert_eq!(value["enriched"]["asn"]["number"], 64_500);
        assert_eq!(value["enriched"]["session"]["id"], "s1");
        assert_eq!(value["enriched"]["risk"]["level"], "HIGH");
        assert_eq!(value["enriched"]["ip"]["anonymous"], false);
        assert_eq!(value["enriched"]["org"], "acme");
    }

    #[test]
    fn an_empty_event_and_one_with_the_object_are_still_json() {
        for raw in ["{}", r#"{"enriched":{"old":1}}"#] {
            let value: Value = serde_json::from_str(&rendered(Some(raw), "ana", "00u1").1).unwrap();
            assert_eq!(value["enriched"]["geo"]["country"], "PT");
            assert_eq!(value["enriched"]["old"], Value::Null);
        }
    }

    #[test]
    fn without_its_json_an_event_shows_what_was_read() {
        let value: Value = serde_json::from_str(&rendered(None, "ana", "00u1").1).unwrap();
        assert_eq!(value["actor"]["alternateId"], "ana");
        assert_eq!(
            (value["uuid"].as_str(), value["published"].as_str()),
            (Some("u1"), Some("2026-08-13T15:58:20.353Z"))
        );
    }

    #[test]
    fn what_may_be_a_password_is_masked_in_key_and_value() {
        let raw = r#"{"actor":{"alternateId":"Winter2026!"},"enriched":1}"#;
        for raw in [Some(raw), None] {
            let (key, payload) = rendered(raw, "Winter2026!", "");
            assert!(key.starts_with("masked:"), "{key}");
            assert!(!payload.to_lowercase().contains("winter2026") && payload.contains(&key), "{payload}");
        }
    }
}

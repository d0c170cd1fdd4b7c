//! How is an event written with everything that was added to it?

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::facts::{asn_facts, geo_facts, ip_facts, position, session_facts, travel_facts, user_facts};
use super::json::{maybe, put, text, tidy, time};
use super::mask::{Masker, Masks};
use super::{OutRecord, evidence, header};
use crate::model::{Enriched, FieldId, FieldTable, Value as FieldValue};

/// What the headers call the shape of the value.
const SCHEMA: &str = "okta-event-1";

/// The event's own JSON with one more object, `enriched`; without its JSON, the values that were
/// read, by path. The key is the actor's.
pub(super) fn record(topic: &Arc<str>, masker: &Masker, event: &Enriched, table: &FieldTable) -> OutRecord {
    let shown = Arc::new(evidence(table, &[], event));
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
    let mut key = event.observation.actor_key.to_string();
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
        "late": event.late,
        "lossy": event.event().lossy,
        "envelope": text(event.event().envelope),
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

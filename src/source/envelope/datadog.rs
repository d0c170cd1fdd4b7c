//! How does a log that Datadog has processed become Okta's event again?
//!
//! Its pipeline moves a few attributes to standard names and leaves the others where they were.

use serde_json::{Map, Value, json};

/// Okta's event for a log with `attributes`, as JSON.
pub(super) fn rewrite(log: &str) -> Option<String> {
    let mut log: Value = serde_json::from_str(log).ok()?;
    let time = log.get("timestamp").cloned();
    let Some(Value::Object(mut event)) = log.get_mut("attributes").map(Value::take) else { return None };
    let moved = Value::Object(event.clone());
    let moves = [("/evt/name", "eventType"), ("/evt/id", "uuid"), ("/evt/outcome", "outcome")];
    for (from, to) in moves {
        fill(&mut event, to, moved.pointer(from).cloned());
    }
    if let Some(Value::String(result)) = event.get("outcome").cloned() {
        event.insert("outcome".to_owned(), json!({ "result": result.to_uppercase() }));
    }
    fill(&mut event, "published", time);
    let actor = json!({
        "id": moved.pointer("/usr/id"), "alternateId": moved.pointer("/usr/email"),
        "displayName": moved.pointer("/usr/name"),
    });
    fill(&mut event, "actor", Some(actor));
    fill(&mut event, "client", moved.pointer("/network/client/ip").map(|ip| json!({ "ipAddress": ip })));
    Some(Value::Object(event).to_string())
}

fn fill(event: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        event.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_attributes_go_back_and_the_others_stay() {
        let log = json!({"timestamp": "2026-08-13T15:58:20Z", "attributes": {
            "evt": {"name": "user.session.start", "outcome": "success"}, "usr": {"email": "ana@example.com"},
            "network": {"client": {"ip": "203.0.113.7"}}, "uuid": "u-1", "severity": "INFO",
        }});
        let event: Value = serde_json::from_str(&rewrite(&log.to_string()).unwrap()).unwrap();
        assert_eq!(event.pointer("/eventType").unwrap(), "user.session.start");
        assert_eq!(event.pointer("/actor/alternateId").unwrap(), "ana@example.com");
        assert_eq!(event.pointer("/client/ipAddress").unwrap(), "203.0.113.7");
        assert_eq!(event.pointer("/outcome/result").unwrap(), "SUCCESS");
        assert_eq!(event.pointer("/published").unwrap(), "2026-08-13T15:58:20Z");
        assert_eq!(event.pointer("/severity").unwrap(), "INFO");
    }
}

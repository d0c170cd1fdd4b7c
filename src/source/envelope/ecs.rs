//! How does an event in the Elastic Common Schema become Okta's again?
//!
//! Filebeat's module and the ingest pipeline of the integration rename what they keep and drop the
//! rest. What they kept goes back under Okta's names; the event is marked lossy.

use serde_json::{Map, Value, json};

/// Keys that Okta itself writes in snake case.
const SNAKE_CASE: [&str; 3] = ["device", "flattened", "suspicious_activity"];

/// Okta's event for an ECS document, as JSON.
pub(super) fn rewrite(document: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    let okta = document.get("okta").unwrap_or(&Value::Null);
    let mut event = match camel_case(okta) {
        Value::Object(event) => event,
        _ => Map::new(),
    };
    restore_security_context(&mut event);
    restore_debug_data(&mut event);
    restore_provider(&mut event);
    restore_client(&mut event, &document);
    let text = |paths: &[&str]| {
        paths.iter().find_map(|path| document.pointer(path).filter(|value| !value.is_null()))
    };
    default(&mut event, "eventType", text(&["/event/action"]));
    default(&mut event, "uuid", text(&["/event/id", "/@metadata/_id", "/_id"]));
    default(&mut event, "published", text(&["/@timestamp", "/event/created"]));
    default(&mut event, "displayMessage", text(&["/message"]));
    if !event.contains_key("outcome") {
        default(&mut event, "outcome", outcome(&document).as_ref());
    }
    Some(Value::Object(event).to_string())
}

fn default(event: &mut Map<String, Value>, key: &str, value: Option<&Value>) {
    if let Some(value) = value
        && event.get(key).is_none_or(Value::is_null)
    {
        event.insert(key.to_owned(), value.clone());
    }
}

fn outcome(document: &Value) -> Option<Value> {
    let result = document.pointer("/event/outcome")?.as_str()?.to_uppercase();
    Some(json!({ "result": result }))
}

/// Renames every key; under a key whose content Okta writes in snake case, nothing.
fn camel_case(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.iter().map(camel_member).collect()),
        Value::Array(elements) => Value::Array(elements.iter().map(camel_case).collect()),
        other => other.clone(),
    }
}

fn camel_member((key, value): (&String, &Value)) -> (String, Value) {
    let as_is = SNAKE_CASE.contains(&key.as_str()) && value.is_object();
    let value = if as_is { value.clone() } else { camel_case(value) };
    (camel_key(key), value)
}

fn camel_key(key: &str) -> String {
    if key == "ip" { "ipAddress".to_owned() } else { camel_words(key) }
}

fn camel_words(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

/// `security_context.as.{number,organization.name}` is `securityContext.{asNumber,asOrg}`.
fn restore_security_context(event: &mut Map<String, Value>) {
    if let Some(Value::Object(context)) = event.get_mut("securityContext") {
        let system = context.remove("as").unwrap_or_default();
        default(context, "asNumber", system.get("number"));
        default(context, "asOrg", system.pointer("/organization/name"));
    }
}

/// `flattened` holds debug data under Okta's own names; the rest was renamed.
fn restore_debug_data(event: &mut Map<String, Value>) {
    let Some(Value::Object(data)) =
        event.get_mut("debugContext").and_then(|context| context.get_mut("debugData"))
    else {
        return;
    };
    if let Some(Value::Object(flattened)) = data.remove("flattened") {
        data.extend(flattened);
    }
    if let Some(Value::Object(activity)) = data.remove("suspiciousActivity") {
        let named = activity.into_iter().map(|(key, value)| (suspicious_key(&key), value));
        data.extend(named);
    }
    let risk = [("level", data.remove("riskLevel")), ("reasons", data.remove("riskReasons"))];
    let risk: Map<String, Value> =
        risk.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    if !risk.is_empty() {
        default(data, "risk", Some(&Value::Object(risk)));
    }
    if let Some(behaviors) = data.remove("riskBehaviors") {
        default(data, "behaviors", Some(&positive(behaviors)));
    }
}

/// The pipeline keeps the names of the positive behaviours only.
fn positive(behaviors: Value) -> Value {
    match behaviors {
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| Value::String(format!("{name}=POSITIVE")))
            .collect(),
        other => other,
    }
}

fn suspicious_key(key: &str) -> String {
    let words = camel_words(key);
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("suspiciousActivity{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// Filebeat's module wrote the interface under the provider's name; only the provider's own
/// constants are believed.
fn restore_provider(event: &mut Map<String, Value>) {
    let Some(Value::Object(context)) = event.get_mut("authenticationContext") else { return };
    let is_constant = |value: &Value| {
        value.as_str().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    };
    if let Some(interface) =
        context.get("authenticationProvider").filter(|value| !is_constant(value)).cloned()
    {
        context.remove("authenticationProvider");
        default(context, "interface", Some(&interface));
    }
}

/// Address, location and user agent stand in the common fields.
fn restore_client(event: &mut Map<String, Value>, document: &Value) {
    let first = |paths: &[&str]| paths.iter().find_map(|path| document.pointer(path)).cloned();
    let client = event.entry("client").or_insert_with(|| json!({}));
    let Value::Object(client) = client else { return };
    default(client, "ipAddress", first(&["/client/ip", "/source/ip"]).as_ref());
    if let Some(agent) = first(&["/user_agent/original"]) {
        default(client, "userAgent", Some(&json!({ "rawUserAgent": agent })));
    }
    if let Some(geo) = first(&["/client/geo", "/source/geo"]) {
        default(client, "geographicalContext", Some(&geographical_context(&geo)));
    }
    if let Some(Value::Array(chain)) = event.get_mut("request").and_then(|request| request.get_mut("ipChain"))
    {
        for hop in chain.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(address) = hop.remove("ipAddress") {
                hop.insert("ip".to_owned(), address);
            }
        }
    }
}

fn geographical_context(geo: &Value) -> Value {
    json!({
        "city": geo.get("city_name"),
        "state": geo.get("region_name"),
        "country": geo.get("country_name"),
        "geolocation": geo.get("location"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(document: &Value) -> Value {
        serde_json::from_str(&rewrite(&document.to_string()).unwrap()).unwrap()
    }

    #[test]
    fn names_and_places_are_okta_s_again() {
        let event = rewritten(&json!({
            "@timestamp": "2026-08-13T15:58:20.353Z",
            "event": {"action": "user.session.start", "id": "u-1"},
            "client": {"geo": {"city_name": "Lisbon", "country_name": "Portugal", "location": {"lat": 38.7, "lon": -9.1}}},
            "okta": {
                "actor": {"alternate_id": "ana@example.com"},
                "client": {"ip": "203.0.113.7", "user_agent": {"raw_user_agent": "curl"}},
                "security_context": {"as": {"number": 64500, "organization": {"name": "Example"}}, "is_proxy": false},
                "debug_context": {"debug_data": {
                    "dt_hash": "h", "risk_level": "HIGH", "flattened": {"requestUri": "/api/v1/authn"},
                    "suspicious_activity": {"event_ip": "192.0.2.9"}
                }},
                "device": {"os_platform": "macOS"},
                "request": {"ip_chain": [{"ip": "203.0.113.7"}]},
                "authentication_context": {"authentication_provider": "IDP Instance"}
            }
        }));
        assert_eq!(event.pointer("/eventType").unwrap(), "user.session.start");
        assert_eq!(event.pointer("/published").unwrap(), "2026-08-13T15:58:20.353Z");
        assert_eq!(event.pointer("/actor/alternateId").unwrap(), "ana@example.com");
        assert_eq!(event.pointer("/client/ipAddress").unwrap(), "203.0.113.7");
        assert_eq!(event.pointer("/client/userAgent/rawUserAgent").unwrap(), "curl");
        assert_eq!(event.pointer("/client/geographicalContext/geolocation/lat").unwrap(), 38.7);
        assert_eq!(event.pointer("/securityContext/asNumber").unwrap(), 64500);
        assert_eq!(event.pointer("/securityContext/asOrg").unwrap(), "Example");
        assert_eq!(event.pointer("/debugContext/debugData/dtHash").unwrap(), "h");
        assert_eq!(event.pointer("/debugContext/debugData/requestUri").unwrap(), "/api/v1/authn");
        assert_eq!(event.pointer("/debugContext/debugData/risk/level").unwrap(), "HIGH");
        assert_eq!(event.pointer("/debugContext/debugData/suspiciousActivityEventIp").unwrap(), "192.0.2.9");
        assert_eq!(event.pointer("/device/os_platform").unwrap(), "macOS");
        assert_eq!(event.pointer("/request/ipChain/0/ip").unwrap(), "203.0.113.7");
        assert_eq!(event.pointer("/authenticationContext/interface").unwrap(), "IDP Instance");
    }
}

//! How do the day's events look as different collectors forward them?

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::day::Sample;
use super::event::{Draft, host, instant};
use super::random::Random;

/// The record a collector, drawn by chance, makes of an event.
pub(super) fn wrap(random: &mut Random, draft: &Draft) -> Sample {
    let event = draft.json();
    let text = event.to_string();
    let payload = match random.below(10) {
        0 => vector(&text, draft.at_ms),
        1 => splunk(event, draft.at_ms),
        2 => elastic(&text, draft.at_ms),
        3 => event_bridge(event, draft.at_ms, random),
        4 => event_hook(event, draft.at_ms, random),
        5 => json!({"date": draft.at_ms as f64 / 1000.0, "log": text}).to_string(),
        6 => format!("<134>1 {} {} okta - SystemLog - {text}", instant(draft.at_ms), host()),
        7 => pub_sub(&text, random),
        _ => text,
    };
    Sample { at_ms: draft.at_ms, payload: payload.into_bytes() }
}

/// Two records that no one can read: they belong into the dead letters, and nothing stops.
pub(super) fn poison(at_ms: i64, samples: &mut Vec<Sample>) {
    let broken = b"{\"uuid\":\"0f0f0f0f\",\"eventType\":\"user.session.start\",\"publis".to_vec();
    samples.push(Sample { at_ms, payload: broken });
    let foreign = json!({"class_uid": 3002, "metadata": {"product": {"vendor_name": "Okta"}}}).to_string();
    samples.push(Sample { at_ms: at_ms + 1, payload: foreign.into_bytes() });
}

fn vector(text: &str, at_ms: i64) -> String {
    json!({"message": text, "source_type": "http_client", "timestamp": instant(at_ms + 4_000)}).to_string()
}

fn splunk(event: &Value, at_ms: i64) -> String {
    json!({"time": at_ms as f64 / 1000.0, "host": host(), "source": "okta:im2", "sourcetype": "OktaIM2:log",
        "index": "okta", "event": event})
    .to_string()
}

fn elastic(text: &str, at_ms: i64) -> String {
    json!({"@timestamp": instant(at_ms + 30_000), "message": text, "event": {"dataset": "okta.system"},
        "data_stream": {"dataset": "okta.system", "type": "logs"}, "input": {"type": "httpjson"},
        "tags": ["preserve_original_event", "forwarded"]})
    .to_string()
}

fn event_bridge(event: &Value, at_ms: i64, random: &mut Random) -> String {
    json!({"version": "0", "id": random.uuid(), "detail-type": "SystemLog",
        "source": format!("aws.partner/okta.com/{}/logs", super::COMPANY), "account": "000000000000",
        "time": instant(at_ms), "region": "eu-west-1", "resources": [], "detail": event})
    .to_string()
}

fn event_hook(event: &Value, at_ms: i64, random: &mut Random) -> String {
    json!({"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
        "source": format!("https://{}/api/v1/eventHooks/whodemo1", host()), "eventId": random.uuid(),
        "data": {"events": [event]}, "eventTime": instant(at_ms + 900), "contentType": "application/json"})
    .to_string()
}

fn pub_sub(text: &str, random: &mut Random) -> String {
    json!({"message": {"data": STANDARD.encode(text), "attributes": {}, "messageId": random.hex(12)},
        "subscription": "projects/example/subscriptions/okta"})
    .to_string()
}

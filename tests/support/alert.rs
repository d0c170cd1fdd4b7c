//! What did the program find?

use std::collections::BTreeMap;

use serde_json::Value;

use super::topic::Message;

/// What an alert says that a test compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The rule's name.
    pub rule: String,
    /// The deterministic id.
    pub id: String,
    /// 1 for a new alert, 2 for more of it.
    pub activity: i64,
    /// The sentence.
    pub message: String,
    /// The events that caused it.
    pub events: Vec<String>,
}

/// An alert that a test knows of beforehand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// The rule's name.
    pub rule: String,
    /// What it is about: the key of the record.
    pub entity: String,
    /// The one event that causes it; none for correlations.
    pub event: Option<String>,
}

/// Rules of `tests/broker-rules` that look at one event.
const SINGLE: &[&str] = &["token-created", "super-administrator-granted"];
/// Rules there that only feed others.
const FEEDING: &[&str] = &["failed-sign-in", "factor-removed", "factor-enrolled"];

/// An alert in OCSF.
pub fn found(json: &[u8]) -> Found {
    let alert: Value = serde_json::from_slice(json)
        .unwrap_or_else(|error| panic!("an alert is not JSON: {error}: {}", String::from_utf8_lossy(json)));
    let text = |pointer: &str| {
        let value = alert.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("an alert without {pointer}: {alert}")).to_owned()
    };
    let related = alert.pointer("/finding_info/related_events").and_then(Value::as_array);
    let mut events: Vec<String> = related
        .into_iter()
        .flatten()
        .filter_map(|event| Some(event.get("uid")?.as_str()?.to_owned()))
        .collect();
    events.sort();
    Found {
        rule: text("/metadata/event_code"),
        id: text("/metadata/uid"),
        activity: alert["activity_id"].as_i64().expect("an activity"),
        message: text("/message"),
        events,
    }
}

/// Alerts of a topic or of a replay in an order that does not depend on their arrival.
pub fn sorted<'a>(alerts: impl IntoIterator<Item = &'a [u8]>) -> Vec<Found> {
    let mut all: Vec<Found> = alerts.into_iter().map(found).collect();
    all.sort();
    all
}

/// New alerts of a topic, as a test that knows its events would write them, with how often each came.
pub fn counted(messages: &[Message]) -> BTreeMap<Expected, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        let found = found(&message.payload);
        assert_eq!(message.headers["rule"], found.rule, "header and body name the same rule");
        if found.activity != 1 || FEEDING.contains(&found.rule.as_str()) {
            continue;
        }
        let event = SINGLE.contains(&found.rule.as_str()).then(|| found.events.concat());
        *counts.entry(Expected { rule: found.rule, entity: message.key.clone(), event }).or_default() += 1;
    }
    counts
}

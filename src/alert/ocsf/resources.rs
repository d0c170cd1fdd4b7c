//! What was acted on?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::alert::json::text;
use crate::alert::sentence::target as name;
use crate::model::{Alert, Target};

/// Every target once, however many events name it.
pub(super) fn resources(alert: &Alert) -> Vec<Value> {
    distinct(alert).map(resource).collect()
}

/// The targets that can be named, each once, in the order of the events.
pub(super) fn distinct(alert: &Alert) -> impl Iterator<Item = &Target> {
    let mut seen = BTreeSet::new();
    let targets = alert.evidence.iter().flat_map(|event| &event.targets);
    targets.filter(move |target| {
        !name(target).is_empty()
            && seen.insert((target.kind.as_str(), target.id.as_str(), target.alternate_id.as_str()))
    })
}

fn resource(target: &Target) -> Value {
    json!({
        "uid": text(&target.id),
        "name": name(target),
        "type": text(&target.kind),
        "data": { "alternate_id": text(&target.alternate_id) },
    })
}

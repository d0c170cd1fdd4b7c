//! Which values of the finding will an analyst search for elsewhere?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::evidences::{email, named};
use super::resources;
use crate::model::{Alert, Evidence};

/// One kind of observable: its number in the schema, its name there, and where it stands.
struct Kind(u8, &'static str, &'static str);

const IP: Kind = Kind(2, "IP Address", "evidences[].src_endpoint.ip");
const USER_NAME: Kind = Kind(4, "User Name", "evidences[].actor.user.name");
const EMAIL: Kind = Kind(5, "Email Address", "evidences[].actor.user.email_addr");
const RESOURCE: Kind = Kind(10, "Resource UID", "resources[].uid");
const ENDPOINT: Kind = Kind(20, "Endpoint", "evidences[].src_endpoint");
const LOCATION: Kind = Kind(26, "Geo Location", "evidences[].src_endpoint.location");

// The schema has numbers for these (16, 31), but readers with an older list of numbers refuse the
// whole finding over them; all take 99 with the kind in words.
const USER_AGENT: Kind = Kind(99, "HTTP User-Agent", "evidences[].http_request.user_agent");
const USER: Kind = Kind(99, "User Object: uid", "evidences[].actor.user.uid");

/// Every value once; whole objects (endpoint, location) are only pointed at.
pub(super) fn observables(alert: &Alert) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for event in &alert.evidence {
        for (kind, value) in of_event(event) {
            push(&mut list, &mut seen, &kind, value);
        }
    }
    for target in resources::distinct(alert) {
        push(&mut list, &mut seen, &RESOURCE, &target.id);
    }
    let endpoints = || alert.evidence.iter().filter(|event| !event.ip.is_empty());
    let objects =
        [(endpoints().next().is_some(), ENDPOINT), (endpoints().any(|event| located(event)), LOCATION)];
    for (_, Kind(id, name, path)) in objects.iter().filter(|(there, _)| *there) {
        list.push(json!({ "type_id": id, "type": name, "name": path }));
    }
    list
}

fn located(event: &Evidence) -> bool {
    event.place.as_deref().and_then(|place| place.geo.as_deref()).is_some_and(named)
}

fn of_event(event: &Evidence) -> [(Kind, &str); 5] {
    let address = event.ip.parse::<std::net::IpAddr>().is_ok();
    let actor = &event.actor;
    let name = if actor.login.is_empty() { &actor.name } else { &actor.login };
    [
        (IP, if address { event.ip.as_str() } else { "" }),
        (USER_NAME, name),
        (EMAIL, email(&actor.login).unwrap_or_default()),
        (USER, &actor.id),
        (USER_AGENT, &event.user_agent),
    ]
}

fn push<'v>(
    list: &mut Vec<Value>,
    seen: &mut BTreeSet<(&'static str, &'v str)>,
    kind: &Kind,
    value: &'v str,
) {
    let Kind(id, name, path) = *kind;
    if !value.is_empty() && seen.insert((path, value)) {
        list.push(json!({ "type_id": id, "type": name, "name": path, "value": value }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;

    #[test]
    fn a_value_is_listed_once_however_many_events_have_it() {
        let list = observables(&samples::correlation());
        let addresses: Vec<_> = list.iter().filter(|one| one["type_id"] == 2).collect();
        assert_eq!(addresses.len(), 2, "six events from two addresses: {addresses:?}");
        assert!(list.iter().any(|one| one["name"] == LOCATION.2 && one.get("value").is_none()));
    }
}

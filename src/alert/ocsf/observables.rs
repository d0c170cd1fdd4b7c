//! Which values of the finding will an analyst search for elsewhere?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::evidences::email;
use super::resources;
use crate::model::{Alert, Evidence};

/// One kind of observable: its number in the schema, its name there, and where it stands.
struct Kind(u8, &'static str, &'static str);

const IP: Kind = Kind(2, "IP Address", "evidences[].src_endpoint.ip");
const USER_NAME: Kind = Kind(4, "User Name", "evidences[].actor.user.name");
const EMAIL: Kind = Kind(5, "Email Address", "evidences[].actor.user.email_addr");
const RESOURCE: Kind = Kind(10, "Resource UID", "resources[].uid");
const COUNTRY: Kind = Kind(14, "Country", "evidences[].src_endpoint.location.country");
const USER_AGENT: Kind = Kind(16, "HTTP User-Agent", "evidences[].http_request.user_agent");
const ENDPOINT: Kind = Kind(20, "Endpoint", "evidences[].src_endpoint");
const LOCATION: Kind = Kind(26, "Geo Location", "evidences[].src_endpoint.location");
const USER: Kind = Kind(31, "User Object: uid", "evidences[].actor.user.uid");

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
    let has = |list: &[Value], key: &str| list.iter().any(|one| one["name"] == key);
    let (address, country) = (has(&list, IP.2), has(&list, COUNTRY.2));
    let objects = [(address, ENDPOINT), (country, LOCATION)];
    for (_, Kind(id, name, path)) in objects.iter().filter(|(there, _)| *there) {
        list.push(json!({ "type_id": id, "type": name, "name": path }));
    }
    list
}

fn of_event(event: &Evidence) -> [(Kind, &str); 6] {
    let geo = event.place.as_deref().and_then(|place| place.geo.as_deref());
    let address = event.ip.parse::<std::net::IpAddr>().is_ok();
    let actor = &event.actor;
    let name = if actor.login.is_empty() { &actor.name } else { &actor.login };
    [
        (IP, if address { event.ip.as_str() } else { "" }),
        (USER_NAME, name),
        (EMAIL, email(&actor.login).unwrap_or_default()),
        (USER, &actor.id),
        (
            COUNTRY,
            geo.filter(|_| !event.ip.is_empty()).and_then(|geo| geo.country.as_deref()).unwrap_or_default(),
        ),
        (USER_AGENT, &event.user_agent),
    ]
}

fn push<'v>(list: &mut Vec<Value>, seen: &mut BTreeSet<(u8, &'v str)>, kind: &Kind, value: &'v str) {
    let Kind(id, name, path) = kind;
    if !value.is_empty() && seen.insert((*id, value)) {
        list.push(json!({ "type_id": id, "type": name, "name": path, "value": value }));
    }
}

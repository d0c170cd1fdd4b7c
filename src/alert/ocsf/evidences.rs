//! Which events made the rule true, and what stood in them?

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::alert::facts::{admin_facts, ip_facts, position, session_facts, token_facts, travel_facts};
use crate::alert::json::{maybe, text};
use crate::model::{Actor, Alert, Evidence, Geo};

pub(super) fn evidences(alert: &Alert) -> Vec<Value> {
    alert.evidence.iter().map(|event| evidence(event)).collect()
}

fn evidence(event: &Evidence) -> Value {
    json!({
        "uid": event.uuid.as_str(),
        "name": text(&event.event_type),
        "actor": { "user": user(&event.actor), "session": session(event) },
        "src_endpoint": src_endpoint(event),
        "http_request": { "user_agent": text(&event.user_agent) },
        "data": data(event),
    })
}

/// The user, if anything names one.
pub(super) fn user(actor: &Actor) -> Value {
    let name = if actor.login.is_empty() { &actor.name } else { &actor.login };
    if name.is_empty() && actor.id.is_empty() {
        return Value::Null;
    }
    let (type_id, kind) = match actor.kind.as_str() {
        "User" => (1, "User"),
        "SystemPrincipal" => (3, "System"),
        "" => (0, "Unknown"),
        other => (99, other),
    };
    json!({
        "uid": text(&actor.id),
        "name": text(name),
        "full_name": text(&actor.name),
        "email_addr": email(&actor.login),
        "type_id": type_id,
        "type": kind,
    })
}

/// A login that is an e-mail address, as strictly as the schema takes it.
pub(super) fn email(login: &str) -> Option<&str> {
    let (local, domain) = login.split_once('@')?;
    let (host, top) = domain.split_once('.')?;
    let local_good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+,-./=?^_`{|}~".contains(c);
    let host_good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let good = !local.is_empty()
        && !host.is_empty()
        && !top.is_empty()
        && local.chars().all(local_good)
        && host.chars().all(host_good)
        && top.chars().all(|c| host_good(c) || c == '.');
    good.then_some(login)
}

fn session(event: &Evidence) -> Value {
    if event.session_id.is_empty() {
        return Value::Null;
    }
    let started = event.session.as_ref().map(|session| event.published_ms - session.age_s * 1000);
    json!({
        "uid": event.session_id.as_str(),
        "created_time": started,
        "is_mfa": event.session.as_ref().map(|session| session.mfa),
    })
}

/// Where it came from, if the address is known. A masked address is no address: it is the name.
fn src_endpoint(event: &Evidence) -> Value {
    if event.ip.is_empty() {
        return Value::Null;
    }
    let address = event.ip.parse::<IpAddr>().is_ok();
    let place = event.place.as_deref();
    json!({
        "ip": address.then_some(event.ip.as_str()),
        "name": (!address).then_some(event.ip.as_str()),
        "location": place.and_then(|place| place.geo.as_deref()).map_or(Value::Null, location),
        "autonomous_system": place.and_then(|place| place.asn.as_ref()).map(|asn| json!({
            "number": asn.number,
            "name": maybe(asn.org.as_deref()),
        })),
    })
}

/// A location needs a name of some kind; coordinates alone are none.
pub(super) fn named(geo: &Geo) -> bool {
    [&geo.city, &geo.country, &geo.region].into_iter().flatten().any(|name| !name.is_empty())
}

fn location(geo: &Geo) -> Value {
    if !named(geo) {
        return Value::Null;
    }
    json!({
        "city": maybe(geo.city.as_deref()),
        "country": maybe(geo.country.as_deref()),
        "region": maybe(geo.region.as_deref()),
        "lat": geo.lat,
        "long": geo.lon,
        "desc": maybe(geo.country_name.as_deref()),
        "provider": geo.source.as_str(),
    })
}

fn data(event: &Evidence) -> Value {
    let read: Map<String, Value> =
        event.read.iter().map(|(path, value)| (path.to_string(), text(value))).collect();
    json!({
        "published": event.published_ms,
        "display_message": text(&event.display_message),
        "outcome": { "result": text(&event.result), "reason": text(&event.reason) },
        "read": read,
        "targets": event.targets.iter().map(|target| json!({
            "id": text(&target.id),
            "type": text(&target.kind),
            "alternate_id": text(&target.alternate_id),
            "display_name": text(&target.name),
        })).collect::<Vec<_>>(),
        "session": event.session.as_ref().map(session_facts),
        "travel": event.travel.as_ref().map(travel_facts),
        "token": event.token.as_deref().map(token_facts),
        "admin": event.admin.as_deref().map(admin_facts),
        "ip": event.place.as_deref().map(ip_facts),
        "record": position(&event.position),
        "late": event.late,
        "lossy": event.lossy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventFacts;

    #[test]
    fn only_what_the_schema_takes_is_an_address() {
        assert_eq!(email("ana+x@example.co.uk"), Some("ana+x@example.co.uk"));
        for other in
            ["ana", "ana@host", "@example.com", "a na@example.com", "ana@exa_mple.com", "änä@example.com"]
        {
            assert_eq!(email(other), None, "{other}");
        }
    }

    #[test]
    fn a_masked_address_is_a_name() {
        let event = Evidence::from(EventFacts { ip: "masked:0a1b".into(), ..EventFacts::default() });
        let endpoint = src_endpoint(&event);
        assert_eq!(endpoint["ip"], Value::Null);
        assert_eq!(endpoint["name"], "masked:0a1b");
    }
}

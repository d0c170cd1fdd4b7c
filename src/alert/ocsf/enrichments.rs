//! What was added to the events, and who says so?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::alert::facts::{acting, asn_facts, geo_facts, ip_facts, session_facts, travel_facts};
use crate::alert::json::{self, time};
use crate::alert::provenance::{Database, DatabaseRole, Provenance};
use crate::model::{Alert, Evidence, GeoSource, IpRole, Place, PrincipalClass};

const ADDRESS: &str = "evidences[].src_endpoint.ip";

/// Each fact once: place and network for each address, the session's last state, who really acts, every journey, what
/// stands in which list.
pub(super) fn enrichments(alert: &Alert, provenance: &Provenance) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for event in alert.evidence.iter().filter(|event| !event.ip.is_empty()) {
        if seen.insert(event.ip.as_str()) {
            list.extend(of_address(event, provenance));
        }
    }
    let mut sessions = BTreeSet::new();
    for event in alert.evidence.iter().rev() {
        if let Some(session) = &event.session
            && sessions.insert(session.id.as_str())
        {
            let name = "evidences[].actor.session.uid";
            list.push(enrichment(name, &session.id, "session", "oktawatch", session_facts(session)));
        }
    }
    list.extend(principals(alert));
    for event in &alert.evidence {
        if let Some(travel) = &event.travel {
            list.push(enrichment(
                "evidences[].uid",
                &event.uuid,
                "travel",
                "oktawatch",
                travel_facts(travel),
            ));
        }
    }
    list.extend(hits(alert));
    list
}

/// Who really acts, where that is not just a person: each actor once, as of the last event.
fn principals(alert: &Alert) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for event in alert.evidence.iter().rev() {
        let (id, class) = (event.actor.id.as_str(), event.actor.is.class);
        if matches!(class, PrincipalClass::Unknown | PrincipalClass::Human) || !seen.insert(id) {
            continue;
        }
        let data = acting(event).unwrap_or_default();
        list.push(enrichment("evidences[].actor.user.uid", id, "principal", "oktawatch", data));
    }
    list
}

/// Values that stand in a list, each once. The value is what is shown of the field elsewhere.
fn hits(alert: &Alert) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for event in &alert.evidence {
        for (path, name) in &event.listed {
            let value = event.read.iter().find(|(read, _)| read == path).map(|(_, value)| value);
            let info = alert.rule.lists.iter().find(|list| list.name == *name);
            let (Some(value), Some(info)) = (value, info) else { continue };
            if seen.insert((path, value, name)) {
                let by = format!("{name} {}", info.digest);
                list.push(enrichment(path, value, "list", &by, json::list(info)));
            }
        }
    }
    list
}

fn of_address(event: &Evidence, provenance: &Provenance) -> Vec<Value> {
    let Some(place) = event.place.as_deref() else { return Vec::new() };
    let mut list = Vec::new();
    if let Some(geo) = place.geo.as_deref() {
        let database = provenance.database(DatabaseRole::City).filter(|_| geo.source == GeoSource::Database);
        let by = provider(geo.source.as_str(), database);
        list.push(enrichment(ADDRESS, &event.ip, "geo", &by, geo_facts(geo)));
    }
    if let Some(asn) = place.asn.as_deref() {
        let by = provider("oktawatch", provenance.database(DatabaseRole::Asn));
        list.push(enrichment(ADDRESS, &event.ip, "asn", &by, asn_facts(asn)));
    }
    if is_special(place) {
        let by = provider("oktawatch", provenance.database(DatabaseRole::Anonymous));
        list.push(enrichment(ADDRESS, &event.ip, "ip", &by, ip_facts(place)));
    }
    list
}

/// Whether more can be said of an address than that it is the user's.
fn is_special(place: &Place) -> bool {
    let ip = &place.ip;
    let flags = [ip.anonymous, ip.hosting, ip.proxy, ip.private, ip.site.is_some()];
    let network = place.relay() == Some(true) || place.mobile() == Some(true);
    network || flags.contains(&true) || !matches!(ip.role.of, IpRole::UserAgent | IpRole::None)
}

fn enrichment(name: &str, value: &str, kind: &str, provider: &str, data: Value) -> Value {
    json!({ "name": name, "value": value, "type": kind, "provider": provider, "data": data })
}

/// The database with its build, where one says so: `GeoLite2-City 2026-08-04`.
fn provider(otherwise: &str, database: Option<&Database>) -> String {
    let Some(database) = database else { return otherwise.to_owned() };
    let built = time(database.built_ms);
    let day = built.split('T').next().unwrap_or_default();
    format!("{} {day}", database.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;

    #[test]
    fn a_value_that_stands_in_a_list_is_told_once_with_the_list_s_digest() {
        let mut alert = samples::listed();
        let again = alert.evidence[0].clone();
        alert.evidence.push(again);
        let hits: Vec<Value> = hits(&alert);
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0]["name"], "enriched.asn.number");
        assert_eq!((&hits[0]["value"], &hits[0]["type"]), (&"64501".into(), &"list".into()));
        assert_eq!(hits[0]["provider"], "hosting_asns 9f86d081884c7d65");
        assert_eq!(hits[0]["data"]["entries"], 64);
    }
}

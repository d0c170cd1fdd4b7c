//! How does an alert look with one level of keys?
//!
//! Values are scalars or lists of texts, for readers that take nothing deeper.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::json::{maybe, text, tidy, time};
use super::provenance::{Provenance, VERSION};
use super::{raw_event, runbook_link, sentence};
use crate::model::{Activity, Alert, Evidence, PrincipalClass};

/// The alert with one level of keys.
pub(super) fn row(alert: &Alert, raw: bool, provenance: &Provenance) -> Value {
    let mut row = what(alert);
    for part in [who_and_where(alert), events(alert), about_the_rule(alert, provenance)] {
        if let (Value::Object(row), Value::Object(mut part)) = (&mut row, part) {
            row.append(&mut part);
        }
    }
    if let (Value::Object(row), Some(raw)) = (&mut row, raw_event(alert).filter(|_| raw)) {
        row.insert("raw_event".to_owned(), text(raw));
    }
    tidy(row)
}

fn what(alert: &Alert) -> Value {
    json!({
        "alert_id": alert.id.to_string(),
        "activity": match alert.activity { Activity::Create => "create", Activity::Update => "update" },
        "message": alert.sentence,
        "time": time(alert.made_at_ms),
        "created": time(alert.created_at_ms),
        "first_seen": time(alert.first_seen_ms),
        "last_seen": time(alert.last_seen_ms),
        "count": alert.count,
        "omitted_events": alert.omitted,
        "late_events": alert.late_events,
        "may_be_low": alert.may_be_low,
        "watermark": alert.watermark_ms.map(time),
        "window_start": alert.window.map(|window| time(window.start_ms)),
        "window_end": alert.window.map(|window| time(window.end_ms)),
        "window_s": alert.window.map(|window| window.timespan_ms / 1000),
        "group_by": alert.group.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        "measured": alert.measured.iter().map(super::told).collect::<Vec<_>>(),
    })
}

fn who_and_where(alert: &Alert) -> Value {
    let event = sentence::decisive(alert);
    let place = event.and_then(|event| event.place.as_deref());
    let geo = place.and_then(|place| place.geo.as_deref());
    let asn = place.and_then(|place| place.asn.as_deref());
    json!({
        "org": maybe(alert.org.as_deref()),
        "entity": text(&alert.entity.value),
        "entity_type": alert.entity.kind.as_str(),
        "user": event.map_or(Value::Null, |event| text(sentence::user(event))),
        "user_id": event.map_or(Value::Null, |event| text(&event.actor.id)),
        "user_name": event.map_or(Value::Null, |event| text(&event.actor.name)),
        "principal": event.map(|event| event.actor.is.class).filter(|class| *class != PrincipalClass::Unknown),
        "session_id": event.map_or(Value::Null, |event| text(&event.session_id)),
        "token_id": event.and_then(|event| event.token.as_ref()).map(|token| text(&token.id)),
        "ip": event.map_or(Value::Null, |event| text(&event.ip)),
        "ip_anonymous": place.map(|place| place.ip.anonymous),
        "ip_site": maybe(place.and_then(|place| place.ip.site.as_deref())),
        "country": maybe(geo.and_then(|geo| geo.country.as_deref())),
        "country_name": maybe(geo.and_then(|geo| geo.country_name.as_deref())),
        "region": maybe(geo.and_then(|geo| geo.region.as_deref())),
        "city": maybe(geo.and_then(|geo| geo.city.as_deref())),
        "lat": geo.and_then(|geo| geo.lat),
        "lon": geo.and_then(|geo| geo.lon),
        "asn": asn.map(|asn| asn.number),
        "asn_org": maybe(asn.and_then(|asn| asn.org.as_deref())),
        "user_agent": event.map_or(Value::Null, |event| text(&event.user_agent)),
        "target": event.map(|event| event.targets.iter().map(sentence::target).collect::<Vec<_>>()),
    })
}

fn events(alert: &Alert) -> Value {
    let values = |value: fn(&Evidence) -> &str| -> BTreeSet<&str> {
        alert.evidence.iter().map(|event| value(event)).filter(|value| !value.is_empty()).collect()
    };
    let uuids: Vec<&str> = alert.evidence.iter().map(|event| event.uuid.as_str()).collect();
    let records = alert.evidence.iter().map(|event| {
        let position = &event.position;
        format!("{}/{}/{}", position.topic, position.partition, position.offset)
    });
    let read = sentence::decisive(alert).into_iter().flat_map(|event| &event.read);
    let listed = alert.evidence.iter().flat_map(|event| &event.listed);
    json!({
        "fired_by": text(&alert.fired_by),
        "event_uuids": uuids,
        "event_types": values(|event| &event.event_type),
        "results": values(|event| &event.result),
        "ips": values(|event| &event.ip),
        "users": values(sentence::user),
        "records": records.collect::<Vec<_>>(),
        "read": read.map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>(),
        "listed": listed.map(|(path, list)| format!("{path}={list}")).collect::<BTreeSet<_>>(),
    })
}

fn about_the_rule(alert: &Alert, provenance: &Provenance) -> Value {
    let rule = &alert.rule;
    let tactics = rule.attacks.iter().filter_map(|attack| attack.tactic.as_ref());
    json!({
        "rule": rule.name.as_ref(),
        "rule_id": rule.id,
        "rule_title": rule.title,
        "rule_description": text(&rule.description),
        "rule_version": text(&rule.digest),
        "rule_type": rule.kind.as_str(),
        "mode": rule.mode.as_str(),
        "severity": rule.level.as_str(),
        "risk_score": rule.risk,
        "tags": rule.tags,
        "tactics": tactics.map(|tactic| tactic.name).collect::<BTreeSet<_>>(),
        "techniques": rule.attacks.iter().filter_map(|attack| attack.technique.as_deref()).collect::<BTreeSet<_>>(),
        "runbook": text(&rule.runbook),
        "runbook_url": runbook_link(rule),
        "rules_digest": text(&provenance.rules_digest),
        "lists": rule.lists.iter().map(|list| format!("{} {}", list.name, list.digest)).collect::<Vec<_>>(),
        "product_version": VERSION,
    })
}

//! How does an alert look in the Elastic Common Schema?
//!
//! `user`, `source` and `okta` are those of the decisive event; all events stand under
//! `oktawatch.evidence`, where the schema has no place for them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::attack_names::{parent, technique_name};
use super::facts::{acting, admin_facts, ip_facts, position, session_facts, token_facts, travel_facts};
use super::json::{maybe, text, tidy, time};
use super::provenance::{Provenance, VERSION};
use super::{raw_event, runbook_link, sentence};
use crate::model::{Activity, Alert, Evidence, Target};

/// The version of the schema that the names are taken from.
pub(super) const ECS_VERSION: &str = "8.17.0";

/// The document of an alert.
pub(super) fn document(alert: &Alert, raw: bool, provenance: &Provenance) -> Value {
    let event = sentence::decisive(alert);
    tidy(json!({
        "@timestamp": time(alert.made_at_ms),
        "ecs": { "version": ECS_VERSION },
        "message": alert.sentence,
        "tags": alert.rule.tags,
        "organization": { "name": maybe(alert.org.as_deref()) },
        "observer": { "vendor": "oktawatch", "product": "oktawatch", "type": "siem", "version": VERSION },
        "event": event_fields(alert, event, raw),
        "rule": rule(alert),
        "threat": threat(alert),
        "user": event.map(|event| user(alert, event)),
        "source": event.map(source),
        "user_agent": { "original": event.map_or(Value::Null, |event| text(&event.user_agent)) },
        "related": related(alert),
        "okta": event.map(okta),
        "oktawatch": own(alert, provenance),
    }))
}

fn event_fields(alert: &Alert, event: Option<&Evidence>, raw: bool) -> Value {
    let event_type = event.map_or("", |event| event.event_type.as_str());
    let (category, kind) = category(event_type);
    json!({
        "kind": "alert",
        "category": [category],
        "type": [kind],
        "action": text(event_type),
        "outcome": event.map_or("unknown", |event| outcome(&event.result)),
        "severity": alert.rule.level.risk(),
        "risk_score": alert.rule.risk,
        "module": "okta",
        "dataset": "okta.alert",
        "provider": "oktawatch",
        "id": alert.id.to_string(),
        "code": alert.rule.name.as_ref(),
        "created": time(alert.created_at_ms),
        "start": time(alert.first_seen_ms),
        "end": time(alert.last_seen_ms),
        // ECS measures it in nanoseconds.
        "duration": (alert.last_seen_ms - alert.first_seen_ms).saturating_mul(1_000_000),
        "reason": alert.sentence,
        "reference": maybe(runbook_link(&alert.rule)),
        "original": if raw { raw_event(alert).map_or(Value::Null, text) } else { Value::Null },
    })
}

/// The schema's category and type for one of Okta's event types.
fn category(event_type: &str) -> (&'static str, &'static str) {
    let starts = |words: &[&str]| words.iter().any(|word| event_type.starts_with(word));
    if starts(&["user.session.", "user.authentication.", "user.mfa.", "app.oauth2."]) {
        ("authentication", "info")
    } else if starts(&["policy.", "zone.", "system.", "security.authenticator."]) {
        ("configuration", "change")
    } else if starts(&["security.", "user.risk."]) {
        ("threat", "indicator")
    } else {
        ("iam", "user")
    }
}

fn outcome(result: &str) -> &'static str {
    match result {
        "SUCCESS" | "ALLOW" => "success",
        "FAILURE" | "DENY" => "failure",
        _ => "unknown",
    }
}

fn rule(alert: &Alert) -> Value {
    let rule = &alert.rule;
    let author = if rule.author.is_empty() { Vec::new() } else { vec![rule.author.as_str()] };
    json!({
        "id": rule.name.as_ref(),
        "uuid": rule.id,
        "name": rule.title,
        "description": text(&rule.description),
        "version": text(&rule.digest),
        "category": rule.kind.as_str(),
        "author": author,
        "reference": runbook_link(rule).or(rule.references.first().map(String::as_str)),
    })
}

fn threat(alert: &Alert) -> Value {
    let attacks = &alert.rule.attacks;
    if attacks.is_empty() {
        return Value::Null;
    }
    let tactics: BTreeSet<(&str, &str)> = attacks
        .iter()
        .filter_map(|attack| attack.tactic.as_ref().map(|tactic| (tactic.uid, tactic.name)))
        .collect();
    let all: BTreeSet<&str> = attacks.iter().filter_map(|attack| attack.technique.as_deref()).collect();
    let techniques: BTreeSet<&str> = all.iter().map(|uid| parent(uid).unwrap_or(uid)).collect();
    let below: BTreeSet<&str> = all.iter().copied().filter(|uid| parent(uid).is_some()).collect();
    let mut technique = named(&techniques);
    if let Value::Object(technique) = &mut technique {
        technique.insert("subtechnique".to_owned(), named(&below));
    }
    json!({
        "framework": "MITRE ATT&CK",
        "tactic": {
            "id": tactics.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(),
            "name": tactics.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
        },
        "technique": technique,
    })
}

fn named(uids: &BTreeSet<&str>) -> Value {
    json!({
        "id": uids,
        "name": uids.iter().filter_map(|uid| technique_name(uid)).collect::<Vec<_>>(),
    })
}

fn user(alert: &Alert, event: &Evidence) -> Value {
    let actor = &event.actor;
    let target = event.targets.iter().find(|target| target.kind == "User");
    json!({
        "id": text(&actor.id),
        "name": text(sentence::user(event)),
        "full_name": text(&actor.name),
        "email": if actor.login.contains('@') { text(&actor.login) } else { Value::Null },
        "domain": maybe(alert.org.as_deref()),
        "target": target.map(target_user),
    })
}

fn target_user(target: &Target) -> Value {
    json!({
        "id": text(&target.id),
        "name": text(if target.alternate_id.is_empty() { &target.name } else { &target.alternate_id }),
        "full_name": text(&target.name),
        "email": if target.alternate_id.contains('@') { text(&target.alternate_id) } else { Value::Null },
    })
}

/// `source.ip` must be an address, so a masked one stands in `source.address` only.
fn source(event: &Evidence) -> Value {
    let geo = event.place.as_deref().and_then(|place| place.geo.as_deref());
    let asn = event.place.as_deref().and_then(|place| place.asn.as_deref());
    let point = geo.and_then(|geo| Some(json!({ "lat": geo.lat?, "lon": geo.lon? })));
    json!({
        "address": text(&event.ip),
        "ip": event.ip.parse::<IpAddr>().ok(),
        "geo": geo.map(|geo| json!({
            "city_name": maybe(geo.city.as_deref()),
            "country_iso_code": maybe(geo.country.as_deref()),
            "country_name": maybe(geo.country_name.as_deref()),
            "region_name": maybe(geo.region.as_deref()),
            "location": point,
        })),
        "as": asn.map(|asn| json!({
            "number": asn.number,
            "organization": { "name": maybe(asn.org.as_deref()) },
        })),
    })
}

fn related(alert: &Alert) -> Value {
    let events = || alert.evidence.iter();
    let ips: BTreeSet<String> =
        events().filter_map(|event| event.ip.parse::<IpAddr>().ok()).map(|ip| ip.to_string()).collect();
    let users: BTreeSet<&str> = events()
        .flat_map(|event| {
            let targets = event.targets.iter().filter(|target| target.kind == "User");
            [event.actor.login.as_str(), event.actor.id.as_str()]
                .into_iter()
                .chain(targets.flat_map(|target| [target.alternate_id.as_str(), target.id.as_str()]))
        })
        .filter(|user| !user.is_empty())
        .collect();
    json!({ "ip": ips, "user": users })
}

/// The decisive event under the names of Elastic's Okta integration.
fn okta(event: &Evidence) -> Value {
    json!({
        "uuid": event.uuid.as_str(),
        "event_type": text(&event.event_type),
        "display_message": text(&event.display_message),
        "outcome": { "result": text(&event.result), "reason": text(&event.reason) },
        "actor": {
            "id": text(&event.actor.id),
            "type": text(&event.actor.kind),
            "alternate_id": text(&event.actor.login),
            "display_name": text(&event.actor.name),
        },
        "authentication_context": { "external_session_id": text(&event.session_id) },
        "transaction": { "detail": { "request_api_token_id": event.token.as_ref().map(|token| text(&token.id)) } },
        "target": targets(event),
    })
}

fn targets(event: &Evidence) -> Vec<Value> {
    let all = event.targets.iter();
    all.map(|target| {
        json!({
            "id": text(&target.id),
            "type": text(&target.kind),
            "alternate_id": text(&target.alternate_id),
            "display_name": text(&target.name),
        })
    })
    .collect()
}

/// What the schema has no names for.
fn own(alert: &Alert, provenance: &Provenance) -> Value {
    json!({
        "activity": match alert.activity { Activity::Create => "create", Activity::Update => "update" },
        "mode": alert.rule.mode.as_str(),
        "level": alert.rule.level.as_str(),
        "entity": { "type": alert.entity.kind.as_str(), "value": text(&alert.entity.value) },
        "group_by": super::group(alert),
        "measured": super::measured(alert),
        "count": alert.count,
        "omitted_events": alert.omitted,
        "late_events": alert.late_events,
        "may_be_low": alert.may_be_low,
        "window": super::window(alert),
        "watermark": alert.watermark_ms.map(time),
        "fired_by": text(&alert.fired_by),
        "runbook": text(&alert.rule.runbook),
        "false_positives": alert.rule.false_positives,
        "rules_digest": text(&provenance.rules_digest),
        "lists": super::lists(&alert.rule),
        "evidence": alert.evidence.iter().map(|event| evidence(event)).collect::<Vec<_>>(),
    })
}

/// One event, as all formats but OCSF show it.
pub(super) fn evidence(event: &Evidence) -> Value {
    json!({
        "uuid": event.uuid.as_str(),
        "time": time(event.published_ms),
        "event_type": text(&event.event_type),
        "display_message": text(&event.display_message),
        "result": text(&event.result),
        "reason": text(&event.reason),
        "user": text(sentence::user(event)),
        "user_id": text(&event.actor.id),
        "principal": acting(event),
        "session_id": text(&event.session_id),
        "source": source(event),
        "ip": event.place.as_deref().map(ip_facts),
        "user_agent": text(&event.user_agent),
        "target": targets(event),
        "read": event.read.iter().map(|(path, value)| json!({ "field": path.as_ref(), "value": text(value) })).collect::<Vec<_>>(),
        "listed": event.listed.iter().map(|(path, list)| json!({ "field": path.as_ref(), "list": list.as_ref() })).collect::<Vec<_>>(),
        "session": event.session.as_ref().map(session_facts),
        "travel": event.travel.as_ref().map(travel_facts),
        "token": event.token.as_deref().map(token_facts),
        "admin": event.admin.as_deref().map(admin_facts),
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
    fn every_event_type_has_a_category_that_the_schema_knows() {
        assert_eq!(category("user.session.start").0, "authentication");
        assert_eq!(category("policy.rule.update").0, "configuration");
        assert_eq!(category("security.threat.detected").0, "threat");
        assert_eq!(category("group.privilege.grant").0, "iam");
        assert_eq!(category("").0, "iam");
    }

    #[test]
    fn a_masked_address_is_no_ip() {
        let event = Evidence::from(EventFacts { ip: "masked:0a1b".into(), ..EventFacts::default() });
        assert_eq!(tidy(source(&event)), json!({ "address": "masked:0a1b" }));
    }
}

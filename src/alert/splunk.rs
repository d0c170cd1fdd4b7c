//! How does an alert look to Splunk's HTTP Event Collector?
//!
//! The envelope that the collector endpoint takes, with the event under the names of the
//! Authentication and Alerts models and of risk-based alerting. The index is the token's own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ecs::evidence;
use super::json::{number, text, tidy, time};
use super::provenance::Provenance;
use super::{raw_event, runbook_link, sentence};
use crate::model::{Activity, Alert, EntityKind, Evidence};

/// The envelope of an alert.
pub(super) fn envelope(alert: &Alert, raw: bool, provenance: &Provenance) -> Value {
    let rule = &alert.rule;
    tidy(json!({
        "time": number(alert.made_at_ms as f64 / 1000.0, 3),
        "host": alert.org.as_deref().unwrap_or("okta"),
        "source": "oktawatch",
        "sourcetype": "oktawatch:alert",
        "event": event(alert, raw, provenance),
        "fields": {
            "rule": rule.name.as_ref(),
            "severity": rule.level.as_str(),
            "mode": rule.mode.as_str(),
            "entity": text(&alert.entity.value),
        },
    }))
}

fn event(alert: &Alert, raw: bool, provenance: &Provenance) -> Value {
    let mut event = facts(alert, raw, provenance);
    if let (Value::Object(event), Value::Object(mut risk)) = (&mut event, risk(alert)) {
        event.append(&mut risk);
    }
    event
}

fn facts(alert: &Alert, raw: bool, provenance: &Provenance) -> Value {
    let rule = &alert.rule;
    let decisive = sentence::decisive(alert);
    let target = decisive.and_then(|event| event.targets.iter().find(|target| target.kind == "User"));
    let app = decisive.and_then(|event| event.targets.iter().find(|target| target.kind == "AppInstance"));
    let actor = decisive.map_or("", sentence::user);
    json!({
        "event_id": alert.id.to_string(),
        "activity": match alert.activity { Activity::Create => "create", Activity::Update => "update" },
        "rule_name": rule.name.as_ref(),
        "rule_title": rule.title,
        "rule_description": text(&rule.description),
        "rule_id": rule.id,
        "rule_version": text(&rule.digest),
        "signature": alert.sentence,
        "security_domain": "identity",
        "severity": rule.level.as_str(),
        "mode": rule.mode.as_str(),
        "confidence": confidence(alert),
        "app": text(app.map_or("okta", sentence::target)),
        "action": decisive.map_or(Value::Null, |event| text(action(event))),
        "src": decisive.map_or(Value::Null, |event| text(&event.ip)),
        "dest": alert.org.as_deref(),
        // A change is made by `src_user` to `user`; anything else is done by `user`.
        "user": text(target.map_or(actor, |target| {
            if target.alternate_id.is_empty() { sentence::target(target) } else { &target.alternate_id }
        })),
        "src_user": text(actor),
        "orig_time": number(alert.fired_at_ms as f64 / 1000.0, 3),
        "orig_event_id": text(&alert.fired_by),
        "first_seen": time(alert.first_seen_ms),
        "last_seen": time(alert.last_seen_ms),
        "count": alert.count,
        "omitted_events": alert.omitted,
        "late_events": alert.late_events,
        "may_be_low": alert.may_be_low,
        "group_by": super::group(alert),
        "measured": super::measured(alert),
        "window": super::window(alert),
        "annotations": { "mitre_attack": techniques(alert) },
        "drilldown_uri": runbook_link(rule),
        "next_steps": text(&rule.runbook),
        "rules_digest": text(&provenance.rules_digest),
        "lists": super::lists(rule),
        "evidence": alert.evidence.iter().map(|event| evidence(event)).collect::<Vec<_>>(),
        "orig_raw": if raw { raw_event(alert).map_or(Value::Null, text) } else { Value::Null },
    })
}

fn action(event: &Evidence) -> &str {
    match event.result.as_str() {
        "SUCCESS" | "ALLOW" => "success",
        "FAILURE" | "DENY" => "failure",
        other => other,
    }
}

fn confidence(alert: &Alert) -> &'static str {
    match alert.rule.confidence {
        crate::model::Confidence::Low => "low",
        crate::model::Confidence::Medium => "medium",
        crate::model::Confidence::High => "high",
    }
}

fn techniques(alert: &Alert) -> BTreeSet<&str> {
    alert.rule.attacks.iter().filter_map(|attack| attack.technique.as_deref()).collect()
}

/// What risk-based alerting takes: who gathers risk, and by which threat objects.
fn risk(alert: &Alert) -> Value {
    let kind = match alert.entity.kind {
        EntityKind::Actor | EntityKind::TargetUser => "user",
        EntityKind::Ip => "system",
        EntityKind::Token | EntityKind::App | EntityKind::Org => "other",
    };
    let addresses: BTreeSet<&str> =
        alert.evidence.iter().map(|event| event.ip.as_str()).filter(|ip| !ip.is_empty()).collect();
    json!({
        "risk_object": text(&alert.entity.value),
        "risk_object_type": kind,
        "risk_score": alert.rule.risk,
        "risk_message": alert.sentence,
        "threat_object_type": if addresses.is_empty() { Value::Null } else { text("ip_address") },
        "threat_object": addresses,
    })
}

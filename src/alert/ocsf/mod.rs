//! How does an alert look as an OCSF Detection Finding (class 2004)?
//!
//! Only keys that every version from 1.5.0 has, each where the class allows it: who acted and from
//! where are told of each event, under `evidences`.

mod enrichments;
mod evidences;
mod finding_info;
mod observables;
mod resources;

use serde_json::{Map, Value, json};

use super::json::{text, tidy, time};
use super::provenance::{Provenance, VERSION};
use super::{id, raw_event, sentence};
use crate::model::{Activity, Alert, Confidence, Level};

const CATEGORY: u32 = 2;
const CLASS: u32 = 2004;

/// The finding, for one version of the schema.
pub(super) fn finding(alert: &Alert, version: &str, raw: bool, provenance: &Provenance) -> Value {
    let activity = match alert.activity {
        Activity::Create => 1,
        Activity::Update => 2,
    };
    let mut finding = json!({
        "activity_id": activity,
        "activity_name": activity_name(alert.activity),
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": format!("Detection Finding: {}", activity_name(alert.activity)),
        "time": alert.made_at_ms,
        "time_dt": time(alert.made_at_ms),
        "start_time": alert.first_seen_ms,
        "start_time_dt": time(alert.first_seen_ms),
        "end_time": alert.last_seen_ms,
        "end_time_dt": time(alert.last_seen_ms),
        "duration": alert.last_seen_ms - alert.first_seen_ms,
        "count": alert.count,
        "message": alert.sentence,
        "metadata": metadata(alert, version),
        "finding_info": finding_info::finding_info(alert),
        "evidences": evidences::evidences(alert),
        "resources": resources::resources(alert),
        "observables": observables::observables(alert),
        "enrichments": enrichments::enrichments(alert, provenance),
        "remediation": remediation(alert),
        "unmapped": unmapped(alert, provenance),
        "raw_data": if raw { raw_event(alert).map_or(Value::Null, text) } else { Value::Null },
    });
    if let Value::Object(finding) = &mut finding {
        finding.append(&mut judgement(alert));
    }
    tidy(finding)
}

fn activity_name(activity: Activity) -> &'static str {
    match activity {
        Activity::Create => "Create",
        Activity::Update => "Update",
    }
}

/// How bad, how sure, and what is to be done with it.
fn judgement(alert: &Alert) -> Map<String, Value> {
    let rule = &alert.rule;
    let (severity_id, severity) = match rule.level {
        Level::Informational => (1, "Informational"),
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    };
    let (confidence_id, confidence, score) = match rule.confidence {
        Confidence::Low => (1, "Low", 30),
        Confidence::Medium => (2, "Medium", 60),
        Confidence::High => (3, "High", 90),
    };
    let (risk_id, risk) = risk_level(rule.risk);
    let judgement = json!({
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "confidence_score": score,
        "risk_score": rule.risk.min(100),
        "risk_level_id": risk_id,
        "risk_level": risk,
        "status_id": 1,
        "status": "New",
        "is_alert": true,
    });
    match judgement {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Each level's own risk score falls into the level of the same name.
fn risk_level(score: u8) -> (u8, &'static str) {
    match score {
        0..=20 => (0, "Info"),
        21..=40 => (1, "Low"),
        41..=60 => (2, "Medium"),
        61..=80 => (3, "High"),
        _ => (4, "Critical"),
    }
}

fn metadata(alert: &Alert, version: &str) -> Value {
    json!({
        "version": version,
        "profiles": ["datetime"],
        "uid": alert.id.to_string(),
        "event_code": alert.rule.name.as_ref(),
        "correlation_uid": id::correlation(alert).to_string(),
        "product": { "name": "oktawatch", "vendor_name": "oktawatch", "version": VERSION },
        "log_name": "System Log",
        "log_provider": "Okta",
        "tenant_uid": alert.org.as_deref(),
        "original_time": time(alert.fired_at_ms),
        "processed_time": alert.made_at_ms,
        "labels": alert.rule.tags,
    })
}

/// What to do next: the runbook, unless it is only a link, and the links.
fn remediation(alert: &Alert) -> Value {
    let rule = &alert.rule;
    match super::runbook_link(rule) {
        Some(link) => json!({ "desc": "See the runbook.", "references": [link] }),
        None if rule.runbook.is_empty() => Value::Null,
        None => json!({ "desc": rule.runbook, "references": rule.references }),
    }
}

/// What the schema has no place for.
fn unmapped(alert: &Alert, provenance: &Provenance) -> Value {
    let measured = &alert.measured;
    let values: Map<String, Value> =
        measured.iter().map(|one| (one.what.clone(), json!(one.observed))).collect();
    let asked = measured.iter().filter(|one| !one.required.is_empty());
    let thresholds: Map<String, Value> = asked.map(|one| (one.what.clone(), json!(one.required))).collect();
    let group: Map<String, Value> =
        alert.group.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    json!({
        "entity": { "type": alert.entity.kind.as_str(), "value": text(&alert.entity.value) },
        "group_by": group,
        "values": values,
        "thresholds": thresholds,
        "window": alert.window.map(|window| json!({
            "start_time": window.start_ms,
            "end_time": window.end_ms,
            "timespan": window.timespan_ms,
            "timespan_text": sentence::duration(window.timespan_ms),
        })),
        "fired_by": text(&alert.fired_by),
        "watermark": alert.watermark_ms,
        "late_events": alert.late_events,
        "omitted_events": alert.omitted,
        "may_be_low": alert.may_be_low,
        "mode": alert.rule.mode.as_str(),
        "rule_status": text(&alert.rule.status),
        "rule_author": text(&alert.rule.author),
        "rule_references": alert.rule.references,
        "false_positives": alert.rule.false_positives,
        "runbook": text(&alert.rule.runbook),
        "rules_digest": text(&provenance.rules_digest),
        "list_digests": super::lists(&alert.rule),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_risk_of_each_level_is_called_as_the_level() {
        let levels = [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];
        let named: Vec<_> = levels.into_iter().map(|level| risk_level(level.risk()).0).collect();
        assert_eq!(named, [0, 1, 2, 3, 4]);
    }
}

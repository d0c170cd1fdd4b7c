//! What was found, by which rule, and from which events?

use serde_json::{Value, json};

use crate::alert::attack_names::{parent, technique_name};
use crate::alert::json::{maybe, text};
use crate::alert::runbook_link;
use crate::model::{Alert, Attack, RuleKind};

pub(super) fn finding_info(alert: &Alert) -> Value {
    let rule = &alert.rule;
    json!({
        "uid": alert.id.to_string(),
        "title": rule.title,
        "desc": text(&rule.description),
        "types": [rule.kind.as_str()],
        "analytic": analytic(alert),
        "attacks": rule.attacks.iter().map(attack).collect::<Vec<_>>(),
        "created_time": alert.created_at_ms,
        "modified_time": alert.made_at_ms,
        "first_seen_time": alert.first_seen_ms,
        "last_seen_time": alert.last_seen_ms,
        "related_events": related_events(alert),
        "related_events_count": alert.count,
        "data_sources": ["Okta System Log"],
        "src_url": maybe(runbook_link(rule)),
    })
}

fn analytic(alert: &Alert) -> Value {
    let rule = &alert.rule;
    let (type_id, name) = match rule.kind {
        RuleKind::Detection => (1, "Rule"),
        RuleKind::EventCount
        | RuleKind::ValueCount
        | RuleKind::ValueSum
        | RuleKind::ValueAvg
        | RuleKind::ValueMedian
        | RuleKind::ValuePercentile
        | RuleKind::Aggregate
        | RuleKind::Baseline
        | RuleKind::RiskScore => (3, "Statistical"),
        _ => (2, "Behavioral"),
    };
    json!({
        "type_id": type_id,
        "type": name,
        "name": rule.name.as_ref(),
        "uid": rule.id,
        "version": text(&rule.digest),
        "desc": text(&rule.title),
        "category": rule.kind.as_str(),
    })
}

/// A sub-technique stands beside its technique. Some readers refuse a technique without a name, so
/// one that has none here goes by its id.
fn attack(attack: &Attack) -> Value {
    let uid = attack.technique.as_deref();
    let technique = uid.map(|uid| parent(uid).unwrap_or(uid)).map(named);
    let sub_technique = uid.filter(|uid| parent(uid).is_some()).map(named);
    let tactic = attack.tactic.as_ref().map(|tactic| json!({ "uid": tactic.uid, "name": tactic.name }));
    json!({ "tactic": tactic, "technique": technique, "sub_technique": sub_technique })
}

fn named(uid: &str) -> Value {
    json!({
        "uid": uid,
        "name": technique_name(uid).unwrap_or(uid),
        "src_url": format!("https://attack.mitre.org/techniques/{}/", uid.replace('.', "/")),
    })
}

fn related_events(alert: &Alert) -> Vec<Value> {
    alert
        .evidence
        .iter()
        .map(|event| {
            json!({
                "uid": event.uuid.as_str(),
                "type": text(&event.event_type),
                "first_seen_time": event.published_ms,
                "last_seen_time": event.published_ms,
            })
        })
        .collect()
}

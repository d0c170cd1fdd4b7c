//! Which sentence has a rule that says none?

use super::figure::{Figure, named_values};
use super::sentence::{decisive, measured_distinct, number, one, one_line, place};
use crate::limits::SENTENCE_VALUES;
use crate::model::{Alert, Measured, RuleKind};

/// The default for the rule's kind.
pub(super) fn unsaid(alert: &Alert) -> String {
    let entity = one_line(&one(alert, "entity"));
    let span = one(alert, "span");
    let what = match alert.rule.kind {
        RuleKind::Detection => entity,
        RuleKind::ValueCount => {
            let what = measured_distinct(alert).map_or("distinct values", |measured| measured.what.as_str());
            format!("{} {what} for {entity} in {span}", one(alert, "distinct"))
        }
        RuleKind::Absence => {
            let what = alert.measured.first().map_or("partners", |measured| measured.what.as_str());
            format!("{entity}, with no {what} within {}", one(alert, "window"))
        }
        RuleKind::NewValue => format!("{} for {entity}", new_value(alert)),
        RuleKind::RiskScore => format!("{} for {entity} in {span}", risk_score(alert)),
        RuleKind::Baseline => match alert.measured.first() {
            Some(Measured { what, observed, required }) => {
                format!("{observed} {what} for {entity}, where {required} is unusual")
            }
            None => format!("more than usual for {entity}"),
        },
        _ => format!(
            "{} {} for {entity} in {span}{}",
            alert.count,
            if alert.count == 1 { "event" } else { "events" },
            named(alert)
        ),
    };
    let countries = Figure::new("countries").map(|figure| figure.values(alert)).unwrap_or_default();
    let from = match decisive(alert).and_then(place) {
        _ if countries.len() > 1 => format!(" from {} countries", countries.len()),
        Some(place) => format!(" from {}", one_line(&place)),
        None => String::new(),
    };
    format!("{}: {what}{from}", alert.rule.title)
}

/// The first few figures of an aggregate: ` (ips 6, share 14%)`.
fn named(alert: &Alert) -> String {
    let first = named_values(alert).take(SENTENCE_VALUES);
    let told: Vec<String> = first.map(|value| format!("{} {}", value.name, value.shown())).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// `client.zone OfficeZone for the first time`; the fields are named as the rule's measure names them.
fn new_value(alert: &Alert) -> String {
    let measured = alert.measured.iter().find_map(|measured| measured.what.strip_prefix("new "));
    let fields: Vec<&str> = measured.unwrap_or_default().split(", ").collect();
    let shown = alert.group.iter().filter(|(name, _)| fields.contains(&name.as_str()));
    let shown: Vec<String> = shown.map(|(name, value)| one_line(&format!("{name} {value}"))).collect();
    let what = if shown.is_empty() { "a new value".to_owned() } else { shown.join(", ") };
    format!("{what} for the first time")
}

/// `risk score 120 (push-bombing 73, new-country 47)`
fn risk_score(alert: &Alert) -> String {
    let score = alert.measured.iter().find(|measured| measured.what == "risk score");
    let parts = alert.measured.iter().filter_map(|measured| {
        Some(format!("{} {}", measured.what.strip_prefix("points of ")?, measured.observed))
    });
    let parts: Vec<String> = parts.collect();
    let (shown, more) = parts.split_at(parts.len().min(SENTENCE_VALUES));
    let more = if more.is_empty() { String::new() } else { format!(" +{}", more.len()) };
    format!("risk score {} ({}{more})", number(score.map(|score| score.observed)), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::samples;
    use super::super::sentence::sentence;
    use super::*;

    #[test]
    fn a_rule_without_a_message_has_a_sentence_for_its_kind() {
        let mut alert = samples::single();
        Arc::make_mut(&mut alert.rule).message = None;
        assert_eq!(sentence(&alert), "Impossible travel: ana@example.com from Berlin, Germany");
        let mut alert = samples::correlation();
        Arc::make_mut(&mut alert.rule).message = None;
        assert_eq!(
            sentence(&alert),
            "MFA push bombing: 6 events for ana@example.com in 4m12s from 2 countries"
        );
        let mut alert = samples::long();
        Arc::make_mut(&mut alert.rule).message = None;
        let told = sentence(&alert);
        assert!(told.contains("97 distinct target.displayName for ana@example.com in 13m18s"), "{told}");
    }

    #[test]
    fn a_new_value_is_named() {
        let mut alert = samples::correlation();
        let rule = Arc::make_mut(&mut alert.rule);
        (rule.message, rule.kind) = (None, RuleKind::NewValue);
        alert.group.push(("client.zone".to_owned(), "OfficeZone".to_owned()));
        alert.measured[0].what = "new client.zone".to_owned();
        alert.evidence.truncate(1);
        assert_eq!(
            sentence(&alert),
            "MFA push bombing: client.zone OfficeZone for the first time for ana@example.com from Lisbon, Portugal"
        );
    }

    #[test]
    fn what_is_above_a_habit_is_told_with_the_habit() {
        let mut alert = samples::correlation();
        let rule = Arc::make_mut(&mut alert.rule);
        (rule.message, rule.kind) = (None, RuleKind::Baseline);
        let (what, required) = ("events per 1h".to_owned(), "> 2.4 (mean 1.2)".to_owned());
        alert.measured = vec![Measured { what, observed: 6.0, required }];
        alert.evidence.truncate(1);
        assert_eq!(
            sentence(&alert),
            "MFA push bombing: 6 events per 1h for ana@example.com, where > 2.4 (mean 1.2) is unusual \
             from Lisbon, Portugal"
        );
    }

    #[test]
    fn a_risk_score_is_told_with_its_parts() {
        let mut alert = samples::correlation();
        let rule = Arc::make_mut(&mut alert.rule);
        (rule.message, rule.kind) = (None, RuleKind::RiskScore);
        let measured = |what: &str, observed: f64| Measured {
            what: what.to_owned(),
            observed,
            required: "any".to_owned(),
        };
        alert.measured = vec![measured("risk score", 161.5), measured("tactics", 2.0)];
        alert.measured.extend(
            [("a", 73.0), ("b", 47.0), ("c", 21.5), ("d", 20.0)]
                .map(|(name, points)| measured(&format!("points of {name}"), points)),
        );
        alert.evidence.truncate(1);
        assert_eq!(
            sentence(&alert),
            "MFA push bombing: risk score 161.5 (a 73, b 47, c 21.5 +1) for ana@example.com in 4m12s \
             from Lisbon, Portugal"
        );
    }
}

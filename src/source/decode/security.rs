//! What were the risk and the behaviours, whichever of their three encodings is there?
//!
//! Structured `securityContext` first, then `logOnlySecurityData` (JSON), then the Java maps
//! `risk` and `behaviors`: the later ones are what Okta wrote before it had the earlier.

use std::borrow::Cow;

use super::{behaviors, json_in_string, risk};
use crate::model::{Fields, Value, core};
use crate::source::absent::is_absent;
use crate::source::parser::string_content;
use crate::source::scan::Items;

/// Fills `enriched.risk.*` and `enriched.behaviors.positive`. Cheap enough to be done for every
/// event, read by a rule or not: the enriched output shows them too.
pub(crate) fn fill(fields: &mut Fields) {
    if let Some((level, reasons)) = find_risk(fields) {
        fields.set(core::ENRICHED_RISK_LEVEL, Value::Text(&level));
        set_texts(fields, core::ENRICHED_RISK_REASONS, &reasons);
    }
    if let Some(names) = find_positive(fields) {
        set_texts(fields, core::ENRICHED_BEHAVIORS_POSITIVE, &names);
    }
}

fn set_texts(fields: &mut Fields, id: crate::model::FieldId, texts: &[String]) {
    if !texts.is_empty() {
        fields.set_list(id, texts.iter().map(|text| Some(Value::Text(text))));
    }
}

type Risk = (String, Vec<String>);

fn find_risk(fields: &Fields) -> Option<Risk> {
    structured_risk(fields).or_else(|| logged_risk(fields)).or_else(|| java_risk(fields))
}

fn structured_risk(fields: &Fields) -> Option<Risk> {
    let level = fields.text(core::CONTEXT_RISK_LEVEL)?.to_owned();
    let texts = fields.values(core::CONTEXT_RISK_REASONS).map(|reason| reason.to_string());
    Some((level, texts.flat_map(|text| split_reasons(&text)).collect()))
}

fn logged_risk(fields: &Fields) -> Option<Risk> {
    let logged = json_in_string::get(fields.text(core::LOG_ONLY_SECURITY_DATA)?, "risk")?;
    let level = json_in_string::get_text(logged, "level").filter(|level| !is_absent(level))?;
    let reasons = json_in_string::get(logged, "reasons").map(texts_of).unwrap_or_default();
    Some((level.into_owned(), reasons.iter().flat_map(|text| split_reasons(text)).collect()))
}

fn java_risk(fields: &Fields) -> Option<Risk> {
    let members = risk::members(fields.text(core::RISK)?)?;
    let value = |key| members.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let level = value("level").filter(|level| !is_absent(level))?;
    Some((level.to_owned(), value("reasons").map(split_reasons).unwrap_or_default()))
}

fn split_reasons(text: &str) -> Vec<String> {
    risk::reasons(text).map(str::to_owned).collect()
}

/// A JSON string's text, or those of a JSON array.
fn texts_of(json: &str) -> Vec<Cow<'_, str>> {
    if !json.starts_with('[') {
        return string_content(json).into_iter().collect();
    }
    let mut items = Items::new(json);
    std::iter::from_fn(|| items.element()?.ok()).filter_map(string_content).collect()
}

fn find_positive(fields: &Fields) -> Option<Vec<String>> {
    structured_positive(fields).or_else(|| logged_positive(fields)).or_else(|| java_positive(fields))
}

fn structured_positive(fields: &Fields) -> Option<Vec<String>> {
    fields.exists(core::CONTEXT_BEHAVIOR_RESULTS).then(|| {
        let names = fields.elements(core::CONTEXT_BEHAVIOR_NAMES);
        let results = fields.elements(core::CONTEXT_BEHAVIOR_RESULTS);
        let positive = names.zip(results).filter(|(_, result)| *result == Some(Value::Text("POSITIVE")));
        positive.filter_map(|(name, _)| Some(name?.to_string())).collect()
    })
}

fn logged_positive(fields: &Fields) -> Option<Vec<String>> {
    let logged = json_in_string::get(fields.text(core::LOG_ONLY_SECURITY_DATA)?, "behaviors")?;
    let behaviors: Vec<_> = json_in_string::members(logged).collect();
    if behaviors.is_empty() {
        return None;
    }
    let positive = behaviors.into_iter().filter(|(_, result)| *result == "\"POSITIVE\"");
    Some(
        positive.filter_map(|(name, _)| Some(string_content(&format!("\"{name}\""))?.into_owned())).collect(),
    )
}

fn java_positive(fields: &Fields) -> Option<Vec<String>> {
    let behaviors = behaviors::parse(fields.text(core::BEHAVIORS)?)?;
    Some(behaviors::positive(&behaviors).into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldId, FieldTable};

    fn filled(values: &[(FieldId, &str)]) -> Fields {
        let mut fields = Fields::new(FieldTable::default().len());
        for (id, text) in values {
            fields.set(*id, Value::Text(text));
        }
        fill(&mut fields);
        fields
    }

    fn reasons(fields: &Fields) -> Vec<String> {
        fields.values(core::ENRICHED_RISK_REASONS).map(|value| value.to_string()).collect()
    }

    fn positive(fields: &Fields) -> Vec<String> {
        fields.values(core::ENRICHED_BEHAVIORS_POSITIVE).map(|value| value.to_string()).collect()
    }

    const LOGGED: (FieldId, &str) = (
        core::LOG_ONLY_SECURITY_DATA,
        r#"{"risk":{"reasons":"Anomalous Device, New ASN","level":"MEDIUM"},
            "behaviors":{"New City":"POSITIVE","New IP":"NEGATIVE"}}"#,
    );
    const JAVA: [(FieldId, &str); 2] = [
        (core::RISK, "{reasons=Anomalous Location, level=HIGH}"),
        (core::BEHAVIORS, "{New Device=POSITIVE, New IP=NEGATIVE}"),
    ];

    #[test]
    fn the_java_maps_speak_when_nothing_else_does() {
        let fields = filled(&JAVA);
        assert_eq!(fields.text(core::ENRICHED_RISK_LEVEL), Some("HIGH"));
        assert_eq!(reasons(&fields), ["Anomalous Location"]);
        assert_eq!(positive(&fields), ["New Device"]);
    }

    #[test]
    fn logged_data_goes_before_the_java_maps() {
        let fields = filled(&[LOGGED, JAVA[0], JAVA[1]]);
        assert_eq!(fields.text(core::ENRICHED_RISK_LEVEL), Some("MEDIUM"));
        assert_eq!(reasons(&fields), ["Anomalous Device", "New ASN"]);
        assert_eq!(positive(&fields), ["New City"]);
    }

    #[test]
    fn structured_data_goes_before_all() {
        let structured = [
            (core::CONTEXT_RISK_LEVEL, "LOW"),
            (core::CONTEXT_BEHAVIOR_NAMES, "New State"),
            (core::CONTEXT_BEHAVIOR_RESULTS, "POSITIVE"),
        ];
        let fields = filled(&[structured[0], structured[1], structured[2], LOGGED, JAVA[0]]);
        assert_eq!(fields.text(core::ENRICHED_RISK_LEVEL), Some("LOW"));
        assert!(reasons(&fields).is_empty());
        assert_eq!(positive(&fields), ["New State"]);
    }

    #[test]
    fn empty_parts_let_the_next_encoding_speak() {
        let empty = (core::LOG_ONLY_SECURITY_DATA, r#"{"risk":{},"behaviors":{}}"#);
        let fields = filled(&[empty, JAVA[0], JAVA[1]]);
        assert_eq!(fields.text(core::ENRICHED_RISK_LEVEL), Some("HIGH"));
        assert_eq!(positive(&fields), ["New Device"]);
        assert!(!filled(&[empty]).exists(core::ENRICHED_RISK_LEVEL));
    }
}

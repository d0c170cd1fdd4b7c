//! How is an alert on the topic read by a person?
//!
//! From the OCSF JSON alone: what cannot be told from it, an analyst would not have either.

use serde_json::Value;

/// Lines of the runbook that are shown.
const RUNBOOK_LINES: usize = 4;

/// One alert in several lines.
pub(super) fn readable(finding: &Value, colour: bool) -> String {
    let mut text = head(finding, colour);
    for (name, value) in facts(finding) {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<8}{value}\n"));
        }
    }
    text.push_str("  events\n");
    for event in list(finding, "/evidences") {
        text.push_str(&format!("    {}\n", line(event)));
    }
    let omitted = finding.pointer("/unmapped/omitted_events").and_then(Value::as_u64).unwrap_or_default();
    if omitted > 0 {
        text.push_str(&format!("    … and {omitted} more\n"));
    }
    text.push_str(&next(finding));
    text
}

fn head(finding: &Value, colour: bool) -> String {
    let severity = word(finding, "/severity").to_uppercase();
    let code = match finding.pointer("/severity_id").and_then(Value::as_u64) {
        Some(4..) => 31,
        Some(3) => 33,
        _ => 36,
    };
    let severity = if colour { format!("\u{1b}[1;{code}m{severity}\u{1b}[0m") } else { severity };
    format!("{severity}  {}\n", word(finding, "/message"))
}

fn facts(finding: &Value) -> [(&'static str, String); 5] {
    let rule =
        format!("{} ({})", word(finding, "/metadata/event_code"), word(finding, "/finding_info/title"));
    [
        ("rule", rule),
        ("why", why(finding)),
        ("places", places(finding).join(" → ")),
        ("attack", attacks(finding)),
        ("id", word(finding, "/metadata/uid")),
    ]
}

/// What was measured against what was asked; for a single event, the fields the rule read.
fn why(finding: &Value) -> String {
    let values = finding.pointer("/unmapped/values").and_then(Value::as_object);
    let measured: Vec<String> = values
        .into_iter()
        .flatten()
        .map(|(what, seen)| {
            let seen = (seen.as_f64().unwrap_or_default() * 1e4).round() / 1e4;
            let asked = finding.pointer("/unmapped/thresholds").and_then(|asked| asked.get(what)?.as_str());
            let asked = asked.map(|asked| format!(" (asked {asked})")).unwrap_or_default();
            format!("{what} {seen}{asked} within {}", word(finding, "/unmapped/window/timespan_text"))
        })
        .collect();
    if !measured.is_empty() {
        return measured.join(", ");
    }
    let read = finding.pointer("/evidences/0/data/read").and_then(Value::as_object);
    let pairs =
        read.into_iter().flatten().map(|(path, value)| format!("{path}={}", value.as_str().unwrap_or("?")));
    pairs.collect::<Vec<_>>().join(", ")
}

/// Each place once, in the order of the events, with its point on the map.
fn places(finding: &Value) -> Vec<String> {
    let mut places = Vec::new();
    for event in list(finding, "/evidences") {
        let place = place(event);
        if !place.is_empty() && !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn place(event: &Value) -> String {
    let Some(location) = event.pointer("/src_endpoint/location") else { return String::new() };
    let point =
        match (location.get("lat").and_then(Value::as_f64), location.get("long").and_then(Value::as_f64)) {
            (Some(lat), Some(long)) => format!(" ({lat:.2}, {long:.2})"),
            _ => String::new(),
        };
    let network = word(event, "/src_endpoint/autonomous_system/name");
    let network = if network.is_empty() { network } else { format!(", {network}") };
    format!("{}, {}{point}{network}", word(location, "/city"), word(location, "/country"))
}

fn attacks(finding: &Value) -> String {
    let attacks = list(finding, "/finding_info/attacks").map(|attack| {
        let (uid, name) = (word(attack, "/technique/uid"), word(attack, "/technique/name"));
        format!("{} {uid} {name}", word(attack, "/tactic/name")).trim().to_owned()
    });
    attacks.collect::<Vec<_>>().join("; ")
}

/// When, what, with what result, by whom, from where, and where the record stands.
fn line(event: &Value) -> String {
    let at = event
        .pointer("/data/published")
        .and_then(Value::as_i64)
        .map(crate::text::instant)
        .unwrap_or_default();
    let at = at.get(11..19).unwrap_or_default();
    let record = format!(
        "{}[{}]@{}",
        word(event, "/data/record/topic"),
        number(event, "/data/record/partition"),
        number(event, "/data/record/offset")
    );
    let result = word(event, "/data/outcome/result");
    let ip = word(event, "/src_endpoint/ip");
    format!(
        "{at}  {:<38} {result:<9} {:<26} {ip:<15} {record}",
        word(event, "/name"),
        word(event, "/actor/user/name")
    )
}

fn next(finding: &Value) -> String {
    let runbook = word(finding, "/unmapped/runbook");
    let lines = runbook.lines().map(str::trim).filter(|line| !line.is_empty()).take(RUNBOOK_LINES);
    let lines: Vec<String> = lines.map(|line| format!("    {line}\n")).collect();
    if lines.is_empty() { String::new() } else { format!("  next\n{}", lines.concat()) }
}

fn list<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn word(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, path: &str) -> String {
    value.pointer(path).map(Value::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_says_what_was_measured_where_and_what_to_do_next() {
        let finding = json!({
            "severity": "High", "severity_id": 4, "message": "five pushes",
            "metadata": {"event_code": "push-bombing", "uid": "id"},
            "evidences": [{"name": "user.mfa.okta_verify.deny_push",
                "data": {"published": 1_773_840_012_000_i64, "record": {"topic": "t", "partition": 2, "offset": 443}},
                "src_endpoint": {"ip": "203.0.113.101",
                    "location": {"city": "Lisbon", "country": "PT", "lat": 38.72, "long": -9.14}}}],
            "unmapped": {"thresholds": {"events": ">= 5"}, "values": {"events": 5.0}, "omitted_events": 4,
                "window": {"timespan_text": "10m"}, "runbook": "Ask the user."},
        });
        let text = readable(&finding, false);
        for part in [
            "HIGH  five pushes",
            "events 5 (asked >= 5) within 10m",
            "Lisbon, PT (38.72, -9.14)",
            "13:20:12  user.mfa.okta_verify.deny_push",
            "t[2]@443",
            "… and 4 more",
            "Ask the user.",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}

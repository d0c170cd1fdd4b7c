//! Which sentence does a person read first?

use std::collections::BTreeSet;

use super::figure::{Figure, NamedValue, named_values};
use super::masked::Masks;
use super::unsaid::unsaid;
use crate::limits::{SENTENCE_VALUE_BYTES, SENTENCE_VALUES};
use crate::model::placeholder::{PLACEHOLDERS, Piece, Style, pieces};
use crate::model::{Alert, Evidence, Geo, Measured, Target, TravelFacts};
use crate::text::cut;

/// The sentence of an alert with everything else filled in: the rule's message with its
/// placeholders resolved, else a default for the rule's kind.
///
/// What may be a mistyped password stands in it only as its mask.
pub fn sentence(alert: &Alert) -> String {
    sentence_of(&Masks::unproven(alert).apply(alert))
}

/// The same for an alert that is masked already.
pub(super) fn sentence_of(alert: &Alert) -> String {
    let template = alert.rule.message.as_deref().and_then(|message| pieces(message).ok());
    match template {
        Some(template) => fill(alert, &template),
        None => unsaid(alert),
    }
}

fn fill(alert: &Alert, template: &[Piece<'_>]) -> String {
    template.iter().fold(String::new(), |mut sentence, piece| {
        match piece {
            Piece::Text(text) => sentence.push_str(text),
            Piece::Slot { name, style } => sentence.push_str(&one_line(&resolve(alert, name, *style))),
        }
        sentence
    })
}

/// A value as it may stand in a sentence: of one line, and no longer than a line.
pub(super) fn one_line(value: &str) -> String {
    let line: String =
        cut(value, SENTENCE_VALUE_BYTES).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.len() > SENTENCE_VALUE_BYTES { format!("{line}…") } else { line }
}

/// City and country of an event, as far as they are known.
pub(super) fn place(evidence: &Evidence) -> Option<String> {
    let geo = evidence.place.as_ref()?.geo.as_ref()?;
    match (geo.city.as_deref(), country(geo)) {
        (Some(city), Some(country)) => Some(format!("{city}, {country}")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    }
}

pub(super) fn country(geo: &Geo) -> Option<&str> {
    geo.country_name.as_deref().or(geo.country.as_deref())
}

/// The event that made the rule true, else the latest that is shown.
pub(super) fn decisive(alert: &Alert) -> Option<&Evidence> {
    let fired = alert.evidence.iter().rfind(|evidence| evidence.uuid == alert.fired_by);
    fired.or(alert.evidence.last()).map(AsRef::as_ref)
}

fn resolve(alert: &Alert, name: &str, style: Style<'_>) -> String {
    let figure = Figure::new(name);
    // A value of the rule has the name before a placeholder that counts; others keep their meaning.
    let is_free = figure.is_some() || PLACEHOLDERS.iter().all(|(known, _)| *known != name);
    if let Some(value) = named_values(alert).find(|value| is_free && value.name == name) {
        return value_of(alert, &value, style);
    }
    match style {
        Style::List => match figure {
            Some(figure) => list(&figure.values(alert), figure.measured(alert)),
            None => list(&read_values(alert, name), None),
        },
        Style::Plain => figure.map_or_else(|| one(alert, name), |figure| figure.count(alert)),
        Style::Noun { one: singular, many } => {
            let count = figure.map_or_else(|| one(alert, name), |figure| figure.count(alert));
            let noun = if count == "1" { singular } else { many };
            format!("{count} {noun}")
        }
    }
}

fn value_of(alert: &Alert, value: &NamedValue<'_>, style: Style<'_>) -> String {
    let shown = value.shown();
    match style {
        Style::List => value.values(alert).map_or(shown, |values| list(&values, Some(value.observed))),
        Style::Plain => shown,
        Style::Noun { one, many } => {
            let noun = if shown == "1" { one } else { many };
            format!("{shown} {noun}")
        }
    }
}

/// A placeholder that stands for one thing, or a field that the rule reads.
pub(super) fn one(alert: &Alert, name: &str) -> String {
    let event = decisive(alert);
    let geo = event.and_then(|event| event.place.as_ref()?.geo.as_deref());
    let travel = event.and_then(|event| event.travel.as_ref());
    let from = travel.and_then(|travel: &TravelFacts| travel.from.as_ref()?.geo.as_deref());
    match name {
        "count" => alert.count.to_string(),
        "title" => alert.rule.title.clone(),
        "entity" => or(Some(alert.entity.value.as_str()), "an unknown entity"),
        "key" => key(alert),
        "span" => duration(alert.last_seen_ms - alert.first_seen_ms),
        "window" => {
            alert.window.map_or_else(|| "no window".to_owned(), |window| duration(window.timespan_ms))
        }
        "distinct" => number(measured_distinct(alert).map(|measured| measured.observed)),
        "user" => or(event.map(user), "an unknown user"),
        "ip" => or(event.map(|event| event.ip.as_str()), "an unknown address"),
        "city" => or(geo.and_then(|geo| geo.city.as_deref()), "an unknown city"),
        "country" => or(geo.and_then(country), "an unknown country"),
        "asn" => event.and_then(asn).unwrap_or_else(|| "an unknown network".to_owned()),
        "from_city" => or(from.and_then(|geo| geo.city.as_deref()), "an unknown city"),
        "from_country" => or(from.and_then(country), "an unknown country"),
        "from_ip" => {
            let ip = travel.and_then(|travel| travel.from.as_ref()?.ip.address);
            ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string())
        }
        "from_uuid" => or(travel.map(|travel| travel.from_uuid.as_str()), "an unknown event"),
        "km" => number(travel.map(|travel| travel.km.round())),
        "kmh" => number(travel.map(|travel| travel.kmh.round())),
        "target" => or(event.and_then(|event| event.targets.iter().map(target).next()), "an unknown target"),
        "app" => or(event.and_then(|event| apps(event).next()), "an unknown application"),
        path => read(alert, path),
    }
}

fn or(text: Option<&str>, otherwise: &str) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or(otherwise).to_owned()
}

pub(super) fn number(figure: Option<f64>) -> String {
    figure.map_or_else(|| "an unknown number of".to_owned(), |figure| figure.to_string())
}

fn key(alert: &Alert) -> String {
    let values: Vec<&str> = alert.group.iter().map(|(_, value)| value.as_str()).collect();
    if values.is_empty() { one(alert, "entity") } else { values.join(", ") }
}

/// Login, else name, else id of who acted.
pub(super) fn user(event: &Evidence) -> &str {
    let actor = &event.actor;
    [&actor.login, &actor.name, &actor.id].into_iter().find(|text| !text.is_empty()).map_or("", |text| text)
}

/// Name, else login, else id of what was acted on.
pub(super) fn target(target: &Target) -> &str {
    let names = [&target.name, &target.alternate_id, &target.id];
    names.into_iter().find(|text| !text.is_empty()).map_or("", |text| text)
}

pub(super) fn apps(event: &Evidence) -> impl Iterator<Item = &str> {
    event.targets.iter().filter(|target| target.kind == "AppInstance").map(target)
}

/// `AS64500 Example Fibre`
pub(super) fn asn(event: &Evidence) -> Option<String> {
    let asn = event.place.as_ref()?.asn.as_ref()?;
    Some(match &asn.org {
        Some(org) => format!("AS{} {org}", asn.number),
        None => format!("AS{}", asn.number),
    })
}

/// What stands at a path in the alert's group, else in the decisive event, else in any that has it.
fn read(alert: &Alert, path: &str) -> String {
    if let Some((_, value)) = alert.group.iter().find(|(name, _)| name == path) {
        return value.clone();
    }
    let at = |event: &Evidence| {
        event.read.iter().find(|(name, _)| name.as_ref() == path).map(|(_, value)| value.to_string())
    };
    let value = decisive(alert).and_then(at).or_else(|| alert.evidence.iter().find_map(|event| at(event)));
    value.unwrap_or_else(|| "an unknown value".to_owned())
}

fn read_values(alert: &Alert, path: &str) -> BTreeSet<String> {
    let read = alert.evidence.iter().flat_map(|event| &event.read);
    read.filter(|(name, _)| name.as_ref() == path).map(|(_, value)| value.to_string()).collect()
}

/// The first few values; of the others, how many: as measured, where the events are not all shown.
fn list(values: &BTreeSet<String>, measured: Option<f64>) -> String {
    if values.is_empty() {
        return "an unknown value".to_owned();
    }
    let shown: Vec<&str> = values.iter().take(SENTENCE_VALUES).map(String::as_str).collect();
    let more = measured.unwrap_or_default().max(values.len() as f64) - shown.len() as f64;
    if more > 0.0 { format!("{} +{more}", shown.join(", ")) } else { shown.join(", ") }
}

pub(super) fn measured_distinct(alert: &Alert) -> Option<&Measured> {
    let distinct = alert.measured.iter().find(|measured| measured.what.starts_with("distinct"));
    distinct.or(alert.measured.first())
}

/// A time span as people say it: its two largest units, `4m12s`, `2h`, `3d4h`.
pub fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    if seconds == 0 {
        return "under 1s".to_owned();
    }
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or_default();
    let mut rest = seconds;
    let mut words = String::new();
    for (size, unit) in units.iter().skip(first).take(2) {
        if rest >= *size {
            words.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;
    use crate::model::RuleKind;
    use std::sync::Arc;

    fn told(mut alert: Alert, message: &str) -> String {
        Arc::make_mut(&mut alert.rule).message = Some(message.to_owned());
        sentence(&alert)
    }

    #[test]
    fn a_message_is_filled_in() {
        for (message, expected) in [
            ("{count} pushes for {actor.alternateId} in {span}", "6 pushes for ana@example.com in 4m12s"),
            (
                "{countries:list}; {ips}; {cities}; {asns:list}",
                "Germany, Portugal; 2; 2; AS64500 Example Fibre, AS64501 Example Hosting",
            ),
            ("{users:user/users} within {window}", "1 user within 10m"),
            (
                "{title} {key} {entity} {user}",
                "MFA push bombing ana@example.com ana@example.com ana@example.com",
            ),
            ("{ip} {city} {country} {asn}", "198.51.100.23 Berlin Germany AS64501 Example Hosting"),
            (
                "{target} {{literally}} {eventType:list}",
                "Ana Example {literally} user.authentication.auth_via_mfa, user.mfa.okta_verify.deny_push",
            ),
        ] {
            assert_eq!(told(samples::correlation(), message), expected);
        }
    }

    #[test]
    fn a_journey_is_told() {
        let message = "{km} km from {from_city}, {from_country}: {kmh} km/h";
        assert_eq!(told(samples::single(), message), "2291 km from Lisbon, Portugal: 2291 km/h");
        let other_end = told(samples::single(), "{from_ip} {from_uuid}");
        assert_eq!(other_end, "203.0.113.7 0b6f9b2e-598c-11ef-8478-2b7584bf8d5a");
    }

    #[test]
    fn a_list_names_the_first_few_and_counts_the_others_as_measured() {
        let told = told(samples::long(), "{apps} ({apps:list}), {ips}");
        assert_eq!(told, "97 (Payroll 0, Payroll 1, Payroll 10 +94), 2+");
    }

    #[test]
    fn every_placeholder_has_a_word_for_what_is_not_known() {
        let mut alert = samples::alert(samples::rule("empty", RuleKind::Detection), Vec::new());
        alert.entity.value.clear();
        for (name, _) in PLACEHOLDERS {
            for slot in [format!("{{{name}}}"), format!("{{{name}:list}}"), format!("{{{name}:one/many}}")] {
                let told = told(alert.clone(), &slot);
                assert!(!told.is_empty() && !told.contains(['{', '}']), "{slot}: {told}");
            }
            let plain = told(alert.clone(), &format!("{{{name}}}"));
            assert_ne!(plain, "an unknown value", "{name} is taken for a field path");
        }
        assert_eq!(told(alert, "{debugContext.debugData.factor}"), "an unknown value");
    }

    fn aggregate() -> Alert {
        let mut alert = samples::correlation();
        Arc::make_mut(&mut alert.rule).kind = RuleKind::Aggregate;
        let measured =
            |what: &str, observed| Measured { what: what.into(), observed, required: String::new() };
        alert.measured = vec![
            measured("ips (distinct client.ipAddress)", 7.0),
            measured("coverage (share debugContext.debugData.dtHash)", 1.0 / 7.0),
            measured("span", 252.0),
            measured("rate (avg debugContext.debugData.x)", 1.0 / 3.0),
            measured("from (distinct client.ipAddress)", 7.0),
            measured("user (count)", 1.0),
        ];
        alert
    }

    #[test]
    fn the_values_of_an_aggregate_have_their_names() {
        let ips = "198.51.100.23, 203.0.113.7 +5";
        for (message, expected) in [
            ("{ips} {ips:list} {ips:address/addresses}", &*format!("7 {ips} 7 addresses")),
            ("{from:list}", ips),
            ("{coverage} {span} {rate:list}", "14% 4m12s 0.33"),
            ("{user} {count}", "ana@example.com 6"),
        ] {
            assert_eq!(told(aggregate(), message), expected);
        }
        let mut other = aggregate();
        Arc::make_mut(&mut other.rule).kind = RuleKind::Temporal;
        assert_eq!(told(other, "{coverage}"), "an unknown value");
    }

    #[test]
    fn an_aggregate_without_a_message_tells_its_first_figures() {
        let mut alert = aggregate();
        Arc::make_mut(&mut alert.rule).message = None;
        let expected = "MFA push bombing: 6 events for ana@example.com in 4m12s \
                        (ips 7, coverage 14%, span 4m12s) from 2 countries";
        assert_eq!(sentence(&alert), expected);
    }

    #[test]
    fn a_path_that_is_grouped_by_is_read_from_the_group() {
        let mut alert = samples::correlation();
        alert.group.push(("client.zone".to_owned(), "OfficeZone".to_owned()));
        assert_eq!(told(alert, "{client.zone}"), "OfficeZone");
    }

    #[test]
    fn a_value_stays_one_line_of_the_sentence() {
        let mut alert = samples::single();
        alert.evidence[0].make_mut().actor.login = format!("a\nb{}", "x".repeat(1_000)).into();
        let told = told(alert, "{user}");
        assert!(told.starts_with("a b") && told.ends_with('…') && told.len() < 300, "{told}");
    }

    #[test]
    fn what_may_be_a_password_is_masked_in_it() {
        let told = sentence(&samples::mistyped_password("Winter2026!"));
        assert!(told.contains("masked:") && !told.to_lowercase().contains("winter"), "{told}");
    }

    #[test]
    fn a_span_has_its_two_largest_units() {
        let spans =
            [(0, "under 1s"), (999, "under 1s"), (45_000, "45s"), (252_000, "4m12s"), (7_200_000, "2h")];
        for (ms, expected) in
            spans.into_iter().chain([(3_605_000, "1h"), (273_600_000, "3d4h"), (-5, "under 1s")])
        {
            assert_eq!(duration(ms), expected);
        }
    }
}

//! Which sentence does a person read first?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::mask::Masks;
use crate::limits::SENTENCE_VALUES;
use crate::model::placeholder::{Piece, Style, pieces};
use crate::model::{Alert, Evidence, Geo, Measured, RuleKind, Target, TravelFacts};

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
        None => default(alert),
    }
}

fn fill(alert: &Alert, template: &[Piece<'_>]) -> String {
    template.iter().fold(String::new(), |mut sentence, piece| {
        match piece {
            Piece::Text(text) => sentence.push_str(text),
            Piece::Slot { name, style } => sentence.push_str(&resolve(alert, name, *style)),
        }
        sentence
    })
}

fn default(alert: &Alert) -> String {
    let mut sentence = format!("{}: ", alert.rule.title);
    let entity = one(alert, "entity");
    let span = one(alert, "span");
    // Writing to a String cannot fail.
    let _ = match alert.rule.kind {
        RuleKind::Detection => write!(sentence, "{entity}"),
        RuleKind::ValueCount => {
            let measured = alert.measured.first();
            let what = measured.map_or("distinct values", |measured| measured.what.as_str());
            write!(sentence, "{} {what} for {entity} in {span}", one(alert, "distinct"))
        }
        _ => write!(sentence, "{} events for {entity} in {span}", alert.count),
    };
    let countries = Figure::new("countries").map(|figure| figure.values(alert)).unwrap_or_default();
    if countries.len() > 1 {
        let _ = write!(sentence, " from {} countries", countries.len());
    } else if let Some(place) = decisive(alert).and_then(place) {
        let _ = write!(sentence, " from {place}");
    }
    sentence
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

fn country(geo: &Geo) -> Option<&str> {
    geo.country_name.as_deref().or(geo.country.as_deref())
}

/// The event that made the rule true, else the latest that is shown.
pub(super) fn decisive(alert: &Alert) -> Option<&Evidence> {
    let fired = alert.evidence.iter().rfind(|evidence| evidence.uuid == alert.fired_by);
    fired.or(alert.evidence.last()).map(AsRef::as_ref)
}

fn resolve(alert: &Alert, name: &str, style: Style<'_>) -> String {
    let figure = Figure::new(name);
    match style {
        Style::List => match figure {
            Some(figure) => list(&figure.values(alert)),
            None => list(&read_values(alert, name)),
        },
        Style::Plain => figure.map_or_else(|| one(alert, name), |figure| figure.count(alert)),
        Style::Noun { one: singular, many } => {
            let count = figure.map_or_else(|| one(alert, name), |figure| figure.count(alert));
            let noun = if count == "1" { singular } else { many };
            format!("{count} {noun}")
        }
    }
}

/// A placeholder that stands for one thing, or a field that the rule reads.
fn one(alert: &Alert, name: &str) -> String {
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

fn number(figure: Option<f64>) -> String {
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

fn apps(event: &Evidence) -> impl Iterator<Item = &str> {
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

/// What stands at a path in the decisive event, else in any that has it.
fn read(alert: &Alert, path: &str) -> String {
    let at = |event: &Evidence| {
        event.read.iter().find(|(name, _)| name.as_ref() == path).map(|(_, value)| value.clone())
    };
    let value = decisive(alert).and_then(at).or_else(|| alert.evidence.iter().find_map(|event| at(event)));
    value.unwrap_or_else(|| "an unknown value".to_owned())
}

fn read_values(alert: &Alert, path: &str) -> BTreeSet<String> {
    let read = alert.evidence.iter().flat_map(|event| &event.read);
    read.filter(|(name, _)| name.as_ref() == path).map(|(_, value)| value.clone()).collect()
}

/// The first few values; of the others, how many.
fn list(values: &BTreeSet<String>) -> String {
    if values.is_empty() {
        return "an unknown value".to_owned();
    }
    let shown: Vec<&str> = values.iter().take(SENTENCE_VALUES).map(String::as_str).collect();
    match values.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} +{more}", shown.join(", ")),
    }
}

fn measured_distinct(alert: &Alert) -> Option<&Measured> {
    let distinct = alert.measured.iter().find(|measured| measured.what.starts_with("distinct"));
    distinct.or(alert.measured.first())
}

/// A placeholder that counts the distinct values of the events.
struct Figure {
    /// Okta's or our path of the value, for what the rule itself measured.
    path: &'static str,
    values: fn(&Evidence) -> Vec<String>,
}

impl Figure {
    fn new(name: &str) -> Option<Self> {
        let (path, values): (_, fn(&Evidence) -> Vec<String>) = match name {
            "ips" => ("client.ipAddress", |event| text(event.ip.as_str())),
            "countries" => ("enriched.geo.country", |event| {
                let geo = event.place.as_ref().and_then(|place| place.geo.as_deref());
                geo.and_then(country).map(text).unwrap_or_default()
            }),
            "cities" => ("enriched.geo.city", |event| {
                let geo = event.place.as_ref().and_then(|place| place.geo.as_deref());
                geo.and_then(|geo| geo.city.as_deref()).map(text).unwrap_or_default()
            }),
            "asns" => ("enriched.asn.number", |event| asn(event).into_iter().collect()),
            "users" => ("actor.alternateId", |event| text(user(event))),
            "targets" => ("target.id", |event| event.targets.iter().map(target).flat_map(text).collect()),
            "apps" => ("target.displayName", |event| apps(event).flat_map(text).collect()),
            _ => return None,
        };
        Some(Self { path, values })
    }

    fn values(&self, alert: &Alert) -> BTreeSet<String> {
        alert.evidence.iter().flat_map(|event| (self.values)(event)).collect()
    }

    /// How many: as the rule measured it, else as the shown events tell, with a `+` where others
    /// are not shown.
    fn count(&self, alert: &Alert) -> String {
        let mut measured = alert.measured.iter();
        let own = measured.find(|measured| measured.what.strip_prefix("distinct ") == Some(self.path));
        match own {
            Some(measured) => measured.observed.to_string(),
            None if alert.omitted > 0 => format!("{}+", self.values(alert).len()),
            None => self.values(alert).len().to_string(),
        }
    }
}

fn text(value: &str) -> Vec<String> {
    if value.is_empty() { Vec::new() } else { vec![value.to_owned()] }
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

//! How many distinct values of a kind do an alert's events have, and which? What did its rule measure?

use std::collections::BTreeSet;

use super::sentence::{apps, asn, country, duration, target, user};
use crate::model::{Alert, Evidence, RuleKind};

/// A placeholder that counts the distinct values of the events.
pub(super) struct Figure {
    /// Okta's or our path of the value, for what the rule itself measured.
    path: &'static str,
    values: fn(&Evidence) -> Vec<String>,
}

/// Every such placeholder.
const NAMES: [&str; 7] = ["ips", "countries", "cities", "asns", "users", "targets", "apps"];

impl Figure {
    pub(super) fn new(name: &str) -> Option<Self> {
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

    pub(super) fn values(&self, alert: &Alert) -> BTreeSet<String> {
        alert.evidence.iter().flat_map(|event| (self.values)(event)).collect()
    }

    /// The figure, where the rule itself measured it.
    pub(super) fn measured(&self, alert: &Alert) -> Option<f64> {
        let is_own = |what: &str| what.strip_prefix("distinct ") == Some(self.path);
        let named = named_values(alert).find(|value| is_own(value.figure)).map(|value| value.observed);
        let own = || alert.measured.iter().find(|one| is_own(&one.what)).map(|one| one.observed);
        named.or_else(own)
    }

    /// The one that counts the distinct values of a field.
    fn of_path(path: &str) -> Option<Self> {
        NAMES.iter().filter_map(|name| Self::new(name)).find(|figure| figure.path == path)
    }

    /// How many: as the rule measured it, else as the shown events tell, with a `+` where others
    /// are not shown.
    pub(super) fn count(&self, alert: &Alert) -> String {
        match self.measured(alert) {
            Some(figure) => figure.to_string(),
            None if alert.omitted > 0 => format!("{}+", self.values(alert).len()),
            None => self.values(alert).len().to_string(),
        }
    }
}

/// A figure that an aggregate has a name for.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedValue<'a> {
    pub(super) name: &'a str,
    /// What it is: `distinct client.ipAddress`
    figure: &'a str,
    pub(super) observed: f64,
}

/// The figures of an aggregate; none of another rule.
pub(super) fn named_values(alert: &Alert) -> impl Iterator<Item = NamedValue<'_>> {
    let measured = alert.measured.iter().filter(|_| alert.rule.kind == RuleKind::Aggregate);
    measured.map(|one| {
        let split = one.what.strip_suffix(')').and_then(|what| what.split_once(" ("));
        let (name, figure) = split.unwrap_or((&one.what, &one.what));
        NamedValue { name, figure, observed: one.observed }
    })
}

impl NamedValue<'_> {
    /// As a sentence says it: parts as percents, a span as a duration.
    pub(super) fn shown(&self) -> String {
        if self.figure.starts_with("share") {
            return format!("{}%", rounded(self.observed * 100.0, 0));
        }
        match self.figure {
            "span" => duration((self.observed * 1000.0) as i64),
            _ => rounded(self.observed, 2).to_string(),
        }
    }

    /// The distinct values behind it, where the events show them.
    pub(super) fn values(&self, alert: &Alert) -> Option<BTreeSet<String>> {
        let figure = self.figure.strip_prefix("distinct ").and_then(Figure::of_path);
        figure.or_else(|| Figure::new(self.name)).map(|figure| figure.values(alert))
    }
}

/// With so many digits behind the point.
pub(super) fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    let scaled = (number * scale).round() / scale;
    if scaled.is_finite() { scaled } else { number }
}

fn text(value: &str) -> Vec<String> {
    if value.is_empty() { Vec::new() } else { vec![value.to_owned()] }
}

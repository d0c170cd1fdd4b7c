//! How many distinct values of a kind do an alert's events have, and which?

use std::collections::BTreeSet;

use super::sentence::{apps, asn, country, target, user};
use crate::model::{Alert, Evidence};

/// A placeholder that counts the distinct values of the events.
pub(super) struct Figure {
    /// Okta's or our path of the value, for what the rule itself measured.
    path: &'static str,
    values: fn(&Evidence) -> Vec<String>,
}

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
        let mut measured = alert.measured.iter();
        let own = measured.find(|measured| measured.what.strip_prefix("distinct ") == Some(self.path));
        own.map(|measured| measured.observed)
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

fn text(value: &str) -> Vec<String> {
    if value.is_empty() { Vec::new() } else { vec![value.to_owned()] }
}

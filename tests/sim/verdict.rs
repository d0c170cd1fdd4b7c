//! Are the alerts those that a single shard raises, each once?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oktawatch::model::{Activity, Alert};

use super::story::Story;

/// What an alert stands on: rule, key, window and the event that made it true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    rule: String,
    key: Vec<String>,
    /// What holds the alerts of a detection together.
    entity: String,
    time_ms: i64,
    uuid: String,
    window: Option<(i64, i64)>,
}

/// What must be seen, whatever happens to the service.
pub struct Expected {
    every: BTreeSet<Standing>,
    /// How near alerts of a key are the same, by rule; 0 where every window is an alert.
    suppress_ms: BTreeMap<String, i64>,
    /// Rules whose shown key is only a part of what tells their alerts apart.
    parts: BTreeSet<String>,
}

impl Expected {
    pub fn of(story: &Story) -> Self {
        let every = story.unsuppressed().iter().map(standing).collect();
        let rules = story.program.rules.iter();
        let mut suppress_ms: BTreeMap<String, i64> =
            rules.clone().map(|rule| (rule.name.clone(), rule.suppress_ms)).collect();
        suppress_ms.insert(String::from("elsewhere"), 3_000);
        let parts =
            rules.filter(|rule| rule.hides_a_part_of_its_key()).map(|rule| rule.name.clone()).collect();
        Self { every, suppress_ms, parts }
    }

    /// What is wrong with the alerts.
    pub fn judge(&self, alerts: &[Arc<Alert>]) -> Result<(), String> {
        let created: Vec<&Alert> =
            alerts.iter().map(|alert| &**alert).filter(|alert| alert.activity == Activity::Create).collect();
        each_once(alerts, &created)?;
        let standings: Vec<Standing> = created.iter().map(|alert| standing(alert)).collect();
        let seen: BTreeSet<Standing> = standings.iter().cloned().collect();
        for (place, one) in standings.iter().enumerate() {
            if standings[..place].contains(one) {
                return Err(format!("raised twice: {one:#?}"));
            }
        }
        for alert in alerts {
            let standing = standing(alert);
            if !self.every.contains(&standing) {
                return Err(format!("raised without reason: {standing:#?}"));
            }
        }
        match self.every.iter().find(|one| !self.is_covered(one, &seen)) {
            Some(missing) => Err(format!("missing: {missing:#?}")),
            None => self.are_apart(&standings),
        }
    }

    /// Whether an alert says it, or is near enough to stand for it.
    fn is_covered(&self, one: &Standing, seen: &BTreeSet<Standing>) -> bool {
        seen.contains(one) || seen.iter().any(|other| self.is_near(one, other))
    }

    fn is_near(&self, one: &Standing, other: &Standing) -> bool {
        let suppress_ms = self.suppress_ms.get(&one.rule).copied().unwrap_or_default();
        one.rule == other.rule
            && one.key == other.key
            && one.entity == other.entity
            && one.time_ms.abs_diff(other.time_ms) < suppress_ms.unsigned_abs()
    }

    fn are_apart(&self, standings: &[Standing]) -> Result<(), String> {
        for (place, one) in standings.iter().enumerate().filter(|(_, one)| !self.parts.contains(&one.rule)) {
            if let Some(other) = standings[..place].iter().find(|other| self.is_near(one, other)) {
                return Err(format!("the same alert twice: {one:#?} and {other:#?}"));
            }
        }
        Ok(())
    }
}

/// An id is raised once, before it is told more of.
fn each_once(alerts: &[Arc<Alert>], created: &[&Alert]) -> Result<(), String> {
    let ids: BTreeSet<uuid::Uuid> = created.iter().map(|alert| alert.id).collect();
    if ids.len() < created.len() {
        return Err(String::from("an id is raised twice"));
    }
    let mut known = BTreeSet::new();
    let mut told = BTreeSet::new();
    for alert in alerts {
        match alert.activity {
            Activity::Create => drop(known.insert(alert.id)),
            Activity::Update if !known.contains(&alert.id) => {
                return Err(format!("{} is told more of before it is raised", alert.id));
            }
            Activity::Update if !told.insert((alert.id, alert.fired_by.to_string())) => {
                return Err(format!("{} is told twice of {}", alert.id, alert.fired_by));
            }
            Activity::Update => {}
        }
    }
    Ok(())
}

fn standing(alert: &Alert) -> Standing {
    Standing {
        rule: alert.rule.name.to_string(),
        key: alert.group.iter().map(|(_, value)| value.to_lowercase()).collect(),
        entity: if alert.window.is_none() { alert.entity.value.to_lowercase() } else { String::new() },
        time_ms: alert.fired_at_ms,
        uuid: alert.fired_by.to_string(),
        window: alert.window.map(|window| (window.start_ms, window.end_ms)),
    }
}

/// An alert without what says when it was found.
pub fn timeless(alerts: impl IntoIterator<Item = Alert>) -> String {
    let mut lines: Vec<(i64, String)> = alerts
        .into_iter()
        .map(|alert| {
            let alert = Alert { made_at_ms: 0, created_at_ms: 0, watermark_ms: None, ..alert };
            (alert.fired_at_ms, format!("{alert:#?}"))
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

//! How does what came true become an alert?

use std::sync::Arc;

use uuid::Uuid;

use super::entity;
use crate::alert;
use crate::correlate::{Firing, Selection, Story, Verdict};
use crate::model::{Activity, Alert, Enriched, Evidence, FieldTable, Shared};
use crate::rule::{Correlation, Rule};

/// When an alert is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// The last tick, ms.
    pub(super) tick_ms: Option<i64>,
    /// The watermark, ms.
    pub(super) watermark_ms: Option<i64>,
}

/// The alert of a single-event rule, without its id and sentence.
pub(super) fn single(rule: &Rule, event: &Enriched, evidence: &Shared<Evidence>, now: Now) -> Alert {
    let time_ms = event.event().published_ms;
    let made_at_ms = now.tick_ms.unwrap_or(time_ms);
    Alert {
        id: Uuid::nil(),
        activity: Activity::Create,
        rule: Arc::clone(&rule.info),
        org: event.event().org.clone(),
        entity: entity::of_event(rule.info.entity, evidence, &event.event().fields),
        group: Vec::new(),
        fired_by: event.event().uuid.clone(),
        fired_at_ms: time_ms,
        made_at_ms,
        created_at_ms: made_at_ms,
        first_seen_ms: time_ms,
        last_seen_ms: time_ms,
        count: 1,
        measured: Vec::new(),
        window: None,
        sentence: String::new(),
        evidence: vec![evidence.clone()],
        omitted: 0,
        late_events: u64::from(event.late),
        watermark_ms: now.watermark_ms,
        may_be_low: false,
    }
}

/// The alert of a single-event rule with the events that it was told of before: it stays about the
/// event that fired it.
pub(super) fn with_story(mut alert: Alert, story: Option<Story>) -> Alert {
    let Some(Story { evidence, events }) = story else { return alert };
    let Some(first) = evidence.first() else { return alert };
    alert.fired_by = first.uuid.clone();
    alert.fired_at_ms = first.published_ms;
    alert.count = events;
    alert.omitted = events.saturating_sub(evidence.len() as u64);
    alert.late_events = evidence.iter().filter(|event| event.late).count() as u64;
    let times = || evidence.iter().map(|event| event.published_ms);
    alert.first_seen_ms = times().min().unwrap_or(alert.first_seen_ms);
    alert.last_seen_ms = times().max().unwrap_or(alert.last_seen_ms);
    alert.evidence = evidence;
    alert.evidence.sort_by(|a, b| (a.published_ms, &a.uuid).cmp(&(b.published_ms, &b.uuid)));
    alert
}

/// The alert of a correlation, without its id and sentence. An update tells of its own window.
pub(super) fn correlated(
    rule: &Rule,
    correlation: &Correlation,
    firing: &Firing,
    table: &FieldTable,
    now: Now,
) -> Alert {
    let made_at_ms = now.tick_ms.unwrap_or(firing.fired_at_ms);
    let Selection { evidence, of, first_ms } = &firing.shown;
    let count = firing.count.max(*of);
    let decided = firing.decided.clone().unwrap_or_default();
    Alert {
        id: Uuid::nil(),
        activity: Activity::Create,
        rule: Arc::clone(&rule.info),
        org: firing.org.clone(),
        entity: entity::of_group(rule.info.entity, correlation, &firing.group, &decided, table),
        group: firing.group.clone(),
        fired_by: firing.uuid.clone(),
        fired_at_ms: firing.fired_at_ms,
        made_at_ms,
        created_at_ms: made_at_ms,
        first_seen_ms: first_ms.map_or(firing.first_seen_ms, |first_ms| first_ms.min(firing.first_seen_ms)),
        last_seen_ms: firing.last_ms,
        count,
        measured: firing.measured.clone(),
        window: Some(firing.window),
        sentence: String::new(),
        evidence: evidence.clone(),
        omitted: count.saturating_sub(evidence.len() as u64),
        late_events: evidence.iter().filter(|evidence| evidence.late).count() as u64,
        watermark_ms: now.watermark_ms,
        may_be_low: firing.may_be_low,
    }
}

/// Gives an alert its id and its sentence, as an update of the alert with the id `of` if there is
/// one.
pub(super) fn finish(mut alert: Alert, verdict: &Verdict, of: Option<Uuid>) -> Alert {
    if let Verdict::Update { created_at_ms, .. } = verdict {
        alert.activity = Activity::Update;
        alert.created_at_ms = *created_at_ms;
    }
    let first_uuid = alert.fired_by.clone();
    alert.id = of.unwrap_or_else(|| alert::identify(&alert, &first_uuid));
    alert.sentence = alert::sentence(&alert);
    alert
}

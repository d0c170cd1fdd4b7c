//! How does an alert fit into one record?

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::limits::{ALERT_BYTES, EVIDENCE_VALUE_BYTES};
use crate::model::{Alert, Evidence};
use crate::text::cut;

/// Renders an alert, with less and less in it until it is small enough or nothing is left to take.
pub(super) fn fitted(alert: &Alert, render: impl Fn(&Alert) -> String) -> String {
    let mut rendered = render(alert);
    let mut smaller = alert.clone();
    while rendered.len() > ALERT_BYTES && shrink(&mut smaller) {
        rendered = render(&smaller);
    }
    rendered
}

/// Leaves at most so many events: the decisive, the last and the first, then the earliest.
pub(super) fn keep(alert: &mut Alert, most: usize) {
    let before = alert.evidence.len();
    let last = before.saturating_sub(1);
    let decisive = alert.evidence.iter().rposition(|event| event.uuid == alert.fired_by).unwrap_or(last);
    let mut kept = BTreeSet::new();
    for place in [decisive, last, 0].into_iter().chain(0..before) {
        if kept.len() < most {
            kept.insert(place);
        }
    }
    let mut places = 0..before;
    alert.evidence.retain(|_| places.next().is_some_and(|place| kept.contains(&place)));
    alert.omitted += (before - alert.evidence.len()) as u64;
}

/// Takes something out; false when there is nothing more to take.
fn shrink(alert: &mut Alert) -> bool {
    thin_out(alert) || strip(alert) || cut_runbook(alert)
}

/// Drops every second event, and at last all but the first, the decisive and the last.
fn thin_out(alert: &mut Alert) -> bool {
    let before = alert.evidence.len();
    let last = before.saturating_sub(1);
    let many = before > 4;
    let mut places = 0..before;
    alert.evidence.retain(|event| {
        let place = places.next().unwrap_or_default();
        place == 0 || place == last || event.uuid == alert.fired_by || (many && place % 2 == 0)
    });
    let dropped = before - alert.evidence.len();
    alert.omitted += dropped as u64;
    dropped > 0
}

/// Leaves of each event only what cannot be long.
fn strip(alert: &mut Alert) -> bool {
    let long = |event: &Evidence| !event.targets.is_empty() || !event.read.is_empty() || event.raw.is_some();
    let any = alert.evidence.iter().any(|event| long(event));
    for event in &mut alert.evidence {
        let event = event.make_mut();
        event.targets.clear();
        event.read.clear();
        event.raw = None;
    }
    any
}

fn cut_runbook(alert: &mut Alert) -> bool {
    let rule = Arc::make_mut(&mut alert.rule);
    let long = rule.runbook.len() > EVIDENCE_VALUE_BYTES || rule.description.len() > EVIDENCE_VALUE_BYTES;
    for text in [&mut rule.runbook, &mut rule.description] {
        *text = cut(text, EVIDENCE_VALUE_BYTES).to_owned();
    }
    long
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::samples;
    use crate::model::Target;

    /// A stand-in for a format: all that may be long.
    fn render(alert: &Alert) -> String {
        format!("{:?}", (&alert.evidence, &alert.rule.runbook))
    }

    #[test]
    fn what_fits_is_left_alone() {
        let alert = samples::long();
        assert_eq!(fitted(&alert, render), render(&alert));
    }

    #[test]
    fn first_decisive_and_last_stay_when_others_go() {
        let mut alert = samples::long();
        alert.fired_by = alert.evidence[7].uuid.clone();
        let named = [alert.evidence[0].uuid.clone(), alert.fired_by.clone(), alert.evidence[19].uuid.clone()];
        while thin_out(&mut alert) {}
        let kept: Vec<_> = alert.evidence.iter().map(|event| event.uuid.clone()).collect();
        assert_eq!(kept, named);
        assert_eq!(alert.omitted, 80 + 17);
    }

    #[test]
    fn of_a_few_events_the_decisive_the_last_and_the_first_are_kept() {
        let kept = |most: usize| {
            let mut alert = samples::long();
            alert.fired_by = alert.evidence[7].uuid.clone();
            let uuids: Vec<_> = alert.evidence.iter().map(|event| event.uuid.clone()).collect();
            keep(&mut alert, most);
            assert_eq!(alert.omitted, 80 + 20 - most as u64);
            let place = |uuid| uuids.iter().position(|other| other == uuid).unwrap();
            alert.evidence.iter().map(|event| place(&event.uuid)).collect::<Vec<_>>()
        };
        assert_eq!(
            (kept(0), kept(1), kept(3), kept(5)),
            (vec![], vec![7], vec![0, 7, 19], vec![0, 1, 2, 7, 19])
        );
    }

    #[test]
    fn the_longest_alert_still_fits() {
        let mut alert = samples::long();
        let target = Target { name: "x".repeat(100_000).into(), ..Target::default() };
        for event in &mut alert.evidence {
            event.make_mut().targets = vec![target.clone(); 10];
        }
        Arc::make_mut(&mut alert.rule).runbook = "y".repeat(1_000_000);
        assert!(fitted(&alert, render).len() <= ALERT_BYTES);
    }
}

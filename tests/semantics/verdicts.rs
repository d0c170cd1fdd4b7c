//! Do the engine's alerts agree with the reference?

use std::collections::{BTreeMap, BTreeSet};

use oktawatch::model::{Activity, Alert};
use proptest::prelude::*;

use crate::engine::{End, alerts, alerts_of_shards, compile, distinct, raised, standing_on};
use crate::events::{Delivery, Way, batches};
use crate::programs::Program;
use crate::reference::event::Event;
use crate::reference::rule::{Body, Rule};
use crate::reference::{Satisfying, evaluate};
use crate::yaml::documents;

type Windows = BTreeMap<Satisfying, Option<f64>>;
type Verdict = Result<(), TestCaseError>;

/// Without suppression, the alerts of every correlation are its satisfying windows. When everything
/// is there in time, they measure the same too; else an alert may be raised before all of its window
/// has come, as it may where an event is matched by several of the rules, one after the other.
pub fn exact(program: &Program, deliveries: &[Delivery], partitions: i32) -> Verdict {
    compare(program, deliveries, partitions, |rule, windows, alerts, way| {
        let raised = raised(alerts, &rule.name);
        let seen = distinct(&raised);
        let satisfying: BTreeSet<Satisfying> = windows.keys().cloned().collect();
        let (missing, extra) = (&satisfying - &seen, &seen - &satisfying);
        prop_assert!(missing.is_empty(), "{} misses {missing:#?}", rule.name);
        prop_assert!(extra.is_empty(), "{} raises without reason {extra:#?}", rule.name);
        prop_assert!(raised.len() == seen.len(), "{} repeats itself", rule.name);
        for alert in alerts.iter().filter(|alert| *alert.rule.name == *rule.name) {
            let at_once = matches!(way, Way::InOrder) && takes_one(rule);
            let figure = windows[&standing_on(alert)].filter(|_| at_once);
            let measured = figure.map(|_| alert.measured[0].observed);
            prop_assert_eq!(measured, figure, "{} at {:?}", rule.name, standing_on(alert));
        }
        Ok(())
    })
}

fn takes_one(rule: &Rule) -> bool {
    matches!(&rule.body, Body::Correlation(correlation) if correlation.takes.len() == 1)
}

/// With suppression, every satisfying window is near enough to an alert of its key, every alert
/// stands on a satisfying window, and none is near enough to another to be the same.
pub fn covered(program: &Program, deliveries: &[Delivery], partitions: i32) -> Verdict {
    compare(program, deliveries, partitions, |rule, windows, alerts, _| {
        let own: Vec<&Alert> = alerts.iter().filter(|alert| *alert.rule.name == *rule.name).collect();
        for alert in &own {
            let standing = standing_on(alert);
            prop_assert!(windows.contains_key(&standing), "{} stands on nothing: {standing:?}", rule.name);
            let created = |other: &&&Alert| other.activity == Activity::Create && other.id == alert.id;
            prop_assert!(own.iter().any(|other| created(&other)), "{} updates nothing", rule.name);
        }
        let raised = raised(alerts, &rule.name);
        let near = |one: &Satisfying, other: &Satisfying| {
            one.key == other.key && one.time_ms.abs_diff(other.time_ms) < rule.suppress_ms.unsigned_abs()
        };
        for window in windows.keys() {
            prop_assert!(
                raised.iter().any(|raised| near(raised, window)),
                "{} does not cover {window:?}",
                rule.name
            );
        }
        for (place, one) in raised.iter().enumerate() {
            let repeated = raised[..place].iter().any(|other| near(one, other));
            prop_assert!(
                !repeated || rule.hides_a_part_of_its_key(),
                "{} repeats itself for {one:?}",
                rule.name
            );
        }
        Ok(())
    })
}

/// Judges the alerts of every correlation, whichever way the events come.
fn compare(
    program: &Program,
    deliveries: &[Delivery],
    partitions: i32,
    judge: impl Fn(&Rule, &Windows, &[Alert], Way) -> Verdict,
) -> Verdict {
    let negative = program.bears_negatives();
    let events: Vec<Event> =
        deliveries.iter().map(|delivery| delivery.event(program.clock, negative)).collect();
    // Shrinking makes ids alike that no two events ever share.
    prop_assume!(events.iter().map(|event| &event.uuid).collect::<BTreeSet<_>>().len() == events.len());
    let documents = documents(&program.rules);
    let rules = match compile(&documents) {
        Ok(rules) => rules,
        Err(findings) => return Err(TestCaseError::fail(findings)),
    };
    let windows = evaluate(&program.rules, &events);
    let last_ms = events.iter().map(|event| event.time_ms).max().unwrap_or_default();
    let check = |alerts: &[Alert], way: Way, how: String| -> Verdict {
        for (rule, windows) in program.rules.iter().zip(&windows) {
            if matches!(rule.body, Body::Correlation(_)) {
                let verdict = judge(rule, windows, alerts, way);
                verdict.map_err(|error| TestCaseError::fail(format!("{way:?} {how}: {error}")))?;
            }
        }
        Ok(())
    };
    for (way, end) in [
        (Way::InOrder, End::Complete),
        (Way::Arriving(partitions), End::Complete),
        (Way::Backlog(partitions), End::Complete),
        (Way::Arriving(partitions), End::Idle(partitions)),
    ] {
        let batches = batches(deliveries, program.clock, negative, way);
        let alerts = alerts(&rules, program.clock, batches, last_ms, end);
        check(&alerts, way, format!("{end:?}"))?;
    }
    let seed = events.iter().fold(0, |seed: u64, event| seed.rotate_left(7) ^ event.time_ms.unsigned_abs());
    for (way, shards) in [(Way::Arriving(partitions), 3), (Way::Backlog(partitions), 2)] {
        let batches = batches(deliveries, program.clock, negative, way);
        let alerts = alerts_of_shards(&rules, program.clock, batches, last_ms, shards, seed);
        check(&alerts, way, format!("in {shards} shards"))?;
    }
    Ok(())
}

//! Does it change anything when rules are replaced by others of the same meaning?

use std::sync::Arc;

use oktawatch::rule::{self, RuleSet, Sources};
use proptest::prelude::*;

use crate::engine::{End, alerts, alerts_between, compile};
use crate::events::{Delivery, Way, batches};
use crate::programs::Program;
use crate::yaml::documents;

/// Rules that no event matches, before, between and behind the others by name; they read fields of
/// their own.
pub fn others() -> String {
    let others = ["a-first", "m-between", "z-last"].map(|name| {
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
        format!(
            "title: T\nid: {id}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n\
             detection: {{selection: {{debugContext.debugData.{name}: x}}, condition: selection}}\n---\n"
        )
    });
    others.concat()
}

fn onto(documents: &str, before: &RuleSet) -> Arc<RuleSet> {
    let sources = Sources::of([("semantics.yml", documents)]);
    Arc::new(rule::compile_onto(&sources, &before.table).unwrap())
}

/// Alerts are the same, to the last word, whether the rules stay or are replaced after every batch.
pub fn unnoticed(program: &Program, deliveries: &[Delivery], partitions: i32) -> Result<(), TestCaseError> {
    let documents = documents(&program.rules);
    let rules = match compile(&documents) {
        Ok(rules) => rules,
        Err(findings) => return Err(TestCaseError::fail(findings)),
    };
    let larger = onto(&(others() + &documents), &rules);
    let again = onto(&documents, &larger);
    // The first exchange begins a larger table, from which the others go on.
    let mut sets = [&larger, &again].into_iter().cycle();
    let negative = program.bears_negatives();
    let event = |delivery: &Delivery| delivery.event(program.clock, negative).time_ms;
    let last_ms = deliveries.iter().map(event).max().unwrap_or_default();
    for (way, end) in [
        (Way::InOrder, End::Complete),
        (Way::Arriving(partitions), End::Complete),
        (Way::Arriving(partitions), End::Idle(partitions)),
    ] {
        let batches = batches(deliveries, program.clock, negative, way);
        let wanted = alerts(&rules, program.clock, batches.clone(), last_ms, end);
        let mut anew = 0;
        let seen = alerts_between(&rules, program.clock, batches, last_ms, end, |shard, config| {
            let next = sets.next().unwrap_or(&larger);
            anew += shard.set_rules(config, Arc::clone(next)).anew;
        });
        prop_assert_eq!(anew, 0);
        prop_assert_eq!(format!("{seen:#?}"), format!("{wanted:#?}"), "{:?} {:?}", way, end);
    }
    Ok(())
}

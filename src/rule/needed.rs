//! Which fields must hold something, whatever it is, for a detection to match?
//!
//! Most detections of an event's type ask for something that few events have: an API token, an administrator's
//! session, a country that is new. That is seen by a look at the field's slot, before anything is compared.

use std::collections::BTreeSet;

use super::detection::{Detection, Expression};
use crate::model::FieldId;

impl Detection {
    /// The same, with the fields that it needs.
    pub(super) fn with_needs(self) -> Self {
        let needed = needed(&self.condition, &self.selections).into_iter();
        // The core fields come first in every table, and nearly every event has them.
        Self { needs: needed.rev().collect(), ..self }
    }
}

fn needed(expression: &Expression, selections: &[Expression]) -> BTreeSet<FieldId> {
    let of = |part: &Expression| needed(part, selections);
    match expression {
        Expression::All(parts) => parts.iter().flat_map(of).collect(),
        Expression::Any(parts) => parts.iter().map(of).reduce(|one, other| &one & &other).unwrap_or_default(),
        Expression::Selection(place) => selections.get(*place).map(of).unwrap_or_default(),
        Expression::Exists(field) | Expression::Test(field, _) | Expression::Listed(field, _) => {
            BTreeSet::from([*field])
        }
        Expression::Compare(comparison) => BTreeSet::from([comparison.left, comparison.right]),
        Expression::Filter(filter) => needed(&filter.detection.condition, &filter.detection.selections),
        Expression::Shared(_, test) => of(test),
        // What must not be there may be absent.
        Expression::Not(_) => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compile, detection, document};

    /// The paths that a rule of these selections and this condition needs, in order.
    fn needs(rule: &str) -> Vec<String> {
        let set = compile(&[document("a", rule, "")]).unwrap();
        let mut paths: Vec<String> =
            detection(&set).needs.iter().map(|field| set.table.path(*field).to_owned()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn what_every_way_to_a_match_reads_must_be_there() {
        let both = "a: {severity: x, outcome.result|contains: y}\nb: {actor.id|exists: true}\n";
        assert_eq!(needs(&format!("{both}condition: a and b")), ["actor.id", "outcome.result", "severity"]);
        assert!(needs(&format!("{both}condition: a or b")).is_empty());
        assert_eq!(needs(&format!("{both}condition: a and not b")), ["outcome.result", "severity"]);
        let either = "a:\n  - {severity: x, actor.id: y}\n  - {actor.id: z}\ncondition: a";
        assert_eq!(needs(either), ["actor.id"]);
        assert!(needs("a: {actor.id: null}\ncondition: a").is_empty());
        assert!(needs("a: {actor.id|neq: x}\ncondition: a").is_empty());
        let compared = "a: {actor.alternateId|fieldref: target.alternateId}\ncondition: a";
        assert_eq!(needs(compared), ["actor.alternateId", "target.alternateId"]);
    }
}

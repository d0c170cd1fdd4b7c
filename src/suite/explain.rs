//! Why did a detection match no event of a test?

use std::sync::Arc;

use super::compare::moment;
use super::template::START_MS;
use crate::model::{Enriched, Shared};
use crate::rule::{Outline, Reason, RuleSet, weight};

/// A test's events, as the rules saw them.
pub(super) struct Explain<'e> {
    pub(super) outline: &'e Outline,
    pub(super) rules: &'e Arc<RuleSet>,
    pub(super) events: &'e [Shared<Enriched>],
}

/// Late events that are told one by one.
const LATE_SHOWN: usize = 3;

/// An event with what kept a detection from matching it.
struct Nearest<'e> {
    event: &'e Enriched,
    reasons: Vec<Reason>,
}

impl Nearest<'_> {
    fn at(&self) -> String {
        moment(self.event.event().published_ms - START_MS)
    }
}

impl Explain<'_> {
    /// Why a detection raised no alert, perhaps at an instant that is known.
    pub(super) fn missing(&self, rule: &str, at_ms: Option<i64>) -> Vec<String> {
        match self.nearest(rule, at_ms) {
            None => Vec::new(),
            Some(nearest) if nearest.reasons.is_empty() => {
                let found = self.rules.rules.iter().find(|known| *known.info.name == *rule);
                let excepted = found.is_some_and(|rule| rule.excepts(nearest.event.event()));
                let but = if excepted {
                    "which an exception takes out"
                } else {
                    "which belongs to an alert before"
                };
                vec![format!("it matched the event at {}, {but}", nearest.at())]
            }
            Some(nearest) => vec![told(&nearest)],
        }
    }

    /// For each detection among the rules that matched nothing, what kept it from the nearest event.
    pub(super) fn blind<'r>(&self, rules: impl Iterator<Item = &'r String>) -> Vec<String> {
        let nearest = rules.filter_map(|rule| Some((rule, self.nearest(rule, None)?)));
        let blind = nearest.filter(|(_, nearest)| !nearest.reasons.is_empty());
        blind.map(|(rule, nearest)| format!("`{rule}` matched nothing; {}", told(&nearest))).collect()
    }

    /// Events that no window takes, as they came after the allowed lateness.
    pub(super) fn late(&self) -> Vec<String> {
        let late = self.events.iter().filter(|event| event.late);
        let told = |event: &Shared<Enriched>| {
            let at = moment(event.event().published_ms - START_MS);
            format!("the event at {at} arrived too late for any window")
        };
        late.take(LATE_SHOWN).map(told).collect()
    }

    /// The event for which the fewest things would have to be otherwise.
    fn nearest(&self, rule: &str, at_ms: Option<i64>) -> Option<Nearest<'_>> {
        let trace = self.outline.trace(rule, self.rules)?;
        let there = |event: &&Shared<Enriched>| {
            at_ms.is_some_and(|at_ms| event.event().published_ms - START_MS == at_ms)
        };
        let only_there = self.events.iter().any(|event| there(&event));
        let events = self.events.iter().filter(|event| !only_there || there(event));
        let nearest = events
            .map(|event| Nearest { event, reasons: trace.reasons(&event.event().fields, &self.rules.table) });
        nearest.min_by_key(|nearest| weight(&nearest.reasons))
    }
}

fn told(nearest: &Nearest<'_>) -> String {
    let reasons = nearest.reasons.iter().map(|reason| format!("{} (line {})", reason.text, reason.line));
    format!("the nearest event, at {}: {}", nearest.at(), reasons.collect::<Vec<_>>().join("; "))
}

//! What does each rule cost?
//!
//! Each detection is run alone over the same events, many times, and timed as a whole: the figures
//! compare rules with each other on one machine, and say nothing across machines.

use std::time::Instant;

use crate::model::{Enriched, RuleIndex, Shared};
use crate::rule::{Body, RuleSet};

/// Events a rule is timed with at most; more need not be kept.
pub const SAMPLE: usize = 20_000;

/// What one detection cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// The rule.
    pub rule: String,
    /// Events whose type made it a candidate.
    pub tested: u64,
    /// Events it matched.
    pub matched: u64,
    /// Mean time for one candidate.
    pub ns_per_event: f64,
}

/// Times every detection over the events, dearest in total first.
pub fn profile(rules: &RuleSet, events: &[Shared<Enriched>]) -> Vec<Cost> {
    let sample = events.get(..events.len().min(SAMPLE)).unwrap_or_default();
    let mut costs: Vec<Cost> =
        (0..).map(RuleIndex).take(rules.rules.len()).filter_map(|rule| cost(rules, rule, sample)).collect();
    costs.sort_by(|a, b| total(b).total_cmp(&total(a)).then_with(|| a.rule.cmp(&b.rule)));
    costs
}

fn total(cost: &Cost) -> f64 {
    cost.ns_per_event * cost.tested as f64
}

fn cost(rules: &RuleSet, index: RuleIndex, events: &[Shared<Enriched>]) -> Option<Cost> {
    let rule = rules.get(index)?;
    let Body::Detection(detection) = &rule.body else { return None };
    let candidates: Vec<&Enriched> = events
        .iter()
        .map(AsRef::as_ref)
        .filter(|enriched| {
            let kind = enriched.event().fields.text(crate::model::core::EVENT_TYPE).unwrap_or_default();
            rules.candidates(kind).any(|candidate| candidate == index)
        })
        .collect();
    #[expect(clippy::disallowed_methods, reason = "a profile is a measurement; no verdict depends on it")]
    let start = Instant::now();
    let matched = candidates.iter().filter(|enriched| detection.matches(&enriched.event().fields)).count();
    let spent = start.elapsed();
    let ns_per_event = spent.as_secs_f64() * 1e9 / candidates.len().max(1) as f64;
    let (tested, matched) = (candidates.len() as u64, matched as u64);
    Some(Cost { rule: rule.info.name.to_string(), tested, matched, ns_per_event })
}

//! `risk_score`: at which events does what was found of an entity add up?

use std::collections::BTreeSet;

use super::event::{Occurrence, Taken};
use super::rule::Rule;
use super::window::window;

#[derive(Clone, Debug)]
pub struct RiskScore {
    pub timespan_ms: i64,
    pub half_life_ms: Option<i64>,
    pub threshold: Option<i64>,
    pub distinct_tactics: Option<usize>,
    pub distinct_techniques: Option<usize>,
}

impl RiskScore {
    pub fn satisfied(&self, events: &[Occurrence<'_>], rules: &[Rule]) -> Vec<usize> {
        let all: Vec<&Taken<'_>> = events.iter().flat_map(|occurrence| &occurrence.by).collect();
        let counted = counted(&all, rules);
        (0..events.len()).filter(|place| self.adds_up(events, *place, &counted, rules)).collect()
    }

    fn adds_up(
        &self,
        events: &[Occurrence<'_>],
        place: usize,
        counted: &[&Taken<'_>],
        rules: &[Rule],
    ) -> bool {
        let inside = window(events, self.timespan_ms, place);
        let in_window = |taken: &&&Taken<'_>| {
            inside.iter().any(|occurrence| occurrence.event.place() == taken.event.place())
        };
        let counted: Vec<&&Taken<'_>> = counted.iter().filter(in_window).collect();
        let found = || counted.iter().map(|taken| &rules[taken.rule]);
        let tactics: BTreeSet<_> = found().flat_map(|rule| &rule.tactics).collect();
        let techniques: BTreeSet<_> = found().flat_map(|rule| &rule.techniques).collect();
        let at_ms = events[place].time_ms();
        let score: f64 =
            counted.iter().map(|taken| self.score(rules[taken.rule].risk, at_ms - taken.event.time_ms)).sum();
        self.threshold.is_none_or(|threshold| score >= threshold as f64)
            && self.distinct_tactics.is_none_or(|least| tactics.len() >= least)
            && self.distinct_techniques.is_none_or(|least| techniques.len() >= least)
    }

    /// What a match of this age weighs.
    fn score(&self, risk: i64, age_ms: i64) -> f64 {
        match self.half_life_ms {
            None => risk as f64,
            Some(half_life_ms) => risk as f64 * 0.5_f64.powf(age_ms as f64 / half_life_ms as f64),
        }
    }
}

/// Of one rule and its own key, a match counts if none that counted was less than the rule's
/// `suppress` before.
fn counted<'t, 'e>(all: &[&'t Taken<'e>], rules: &[Rule]) -> Vec<&'t Taken<'e>> {
    let mut counted: Vec<&Taken<'_>> = Vec::new();
    for taken in all {
        let suppress_ms = rules[taken.rule].suppress_ms;
        let covers = |earlier: &&Taken<'_>| {
            (earlier.rule, &earlier.own_key) == (taken.rule, &taken.own_key)
                && taken.event.time_ms - earlier.event.time_ms < suppress_ms
        };
        if !counted.iter().any(covers) {
            counted.push(taken);
        }
    }
    counted
}

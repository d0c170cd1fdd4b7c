//! `temporal`: at which events does a window hold matches of the rules, in any order?

use std::collections::BTreeSet;

use super::condition::{Threshold, rising};
use super::event::Occurrence;
use super::window::{silent_around, window};

#[derive(Clone, Debug)]
pub struct Temporal {
    pub timespan_ms: i64,
    pub asked: Asked,
}

#[derive(Clone, Debug)]
pub enum Asked {
    /// Each of the rules; there are so many.
    All(usize),
    /// So many of the rules.
    Some(Vec<Threshold>),
    /// What is said of single rules.
    Said(Boolean),
}

/// A condition over the names of rules.
#[derive(Clone, Debug)]
pub enum Boolean {
    Rule(usize),
    Not(Box<Boolean>),
    And(Box<Boolean>, Box<Boolean>),
    Or(Box<Boolean>, Box<Boolean>),
}

impl Temporal {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let seen = |window: &[&Occurrence<'_>]| {
            let branches = window.iter().flat_map(|occurrence| &occurrence.by).map(|taken| taken.branch);
            branches.collect::<BTreeSet<_>>()
        };
        let count = |window: &[&Occurrence<'_>]| seen(window).len() as f64;
        match &self.asked {
            Asked::All(rules) => (0..events.len())
                .filter(|place| seen(&window(events, self.timespan_ms, *place)).len() == *rules)
                .collect(),
            Asked::Some(thresholds) => rising(thresholds, events, self.timespan_ms, count),
            Asked::Said(boolean) => self.said(boolean, events),
        }
    }

    /// A rule is there if the window holds a match of it. It is not there if there is none in any
    /// window that holds the event; then the event is one of a rule that has to be there.
    fn said(&self, boolean: &Boolean, events: &[Occurrence<'_>]) -> Vec<usize> {
        let positive: Vec<usize> =
            boolean.atoms(true).into_iter().filter(|(_, positive)| *positive).map(|(rule, _)| rule).collect();
        let waits = boolean.atoms(true).iter().any(|(_, positive)| !positive);
        let satisfied = |place: &usize| {
            let window = window(events, self.timespan_ms, *place);
            let there = |rule: usize| window.iter().any(|occurrence| occurrence.is_of(&[rule]));
            let absent = |rule: usize| silent_around(events, self.timespan_ms, *place, &[rule]);
            boolean.holds(true, &there, &absent) && (!waits || events[*place].is_of(&positive))
        };
        (0..events.len()).filter(satisfied).collect()
    }
}

impl Boolean {
    /// Its rules, each with whether it has to be there (rather than not).
    pub fn atoms(&self, positive: bool) -> Vec<(usize, bool)> {
        match self {
            Self::Rule(rule) => vec![(*rule, positive)],
            Self::Not(inner) => inner.atoms(!positive),
            Self::And(left, right) | Self::Or(left, right) => {
                [left.atoms(positive), right.atoms(positive)].concat()
            }
        }
    }

    /// Whether it holds (or, if not `positive`, its contrary), where the contrary of being there is
    /// to be absent all around.
    pub fn holds(
        &self,
        positive: bool,
        there: &dyn Fn(usize) -> bool,
        absent: &dyn Fn(usize) -> bool,
    ) -> bool {
        match self {
            Self::Rule(rule) if positive => there(*rule),
            Self::Rule(rule) => absent(*rule),
            Self::Not(inner) => inner.holds(!positive, there, absent),
            Self::And(left, right) if positive => {
                left.holds(true, there, absent) && right.holds(true, there, absent)
            }
            Self::Or(left, right) if positive => {
                left.holds(true, there, absent) || right.holds(true, there, absent)
            }
            Self::And(left, right) => left.holds(false, there, absent) || right.holds(false, there, absent),
            Self::Or(left, right) => left.holds(false, there, absent) && right.holds(false, there, absent),
        }
    }
}

//! `temporal`: at which events does a window hold matches of the rules, in any order?

use std::collections::BTreeSet;

use super::condition::{Gauge, Threshold};
use super::event::Occurrence;
use super::window::{silent_around, window};

#[derive(Clone, Debug)]
pub struct Temporal {
    pub timespan_ms: i64,
    pub asked: Asked,
}

#[derive(Clone, Debug)]
pub enum Asked {
    /// So many of the rules; where nothing is said, all of them.
    Number(Vec<Threshold>),
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

/// How many of the rules a window holds matches of.
#[derive(Clone, Debug)]
pub struct Seen {
    timespan_ms: i64,
    thresholds: Vec<Threshold>,
}

impl Gauge for Seen {
    fn timespan_ms(&self) -> i64 {
        self.timespan_ms
    }

    fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    fn rises(&self) -> bool {
        true
    }

    fn takes(&self, _: &Occurrence<'_>) -> bool {
        true
    }

    fn figure(&self, window: &[&Occurrence<'_>]) -> f64 {
        let branches = window.iter().flat_map(|occurrence| &occurrence.by).map(|taken| taken.branch);
        branches.collect::<BTreeSet<_>>().len() as f64
    }
}

impl Temporal {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        match &self.asked {
            Asked::Number(_) => self.seen().map(|seen| seen.satisfied(events)).unwrap_or_default(),
            Asked::Said(boolean) => self.said(boolean, events),
        }
    }

    pub fn seen(&self) -> Option<Seen> {
        let Asked::Number(thresholds) = &self.asked else { return None };
        Some(Seen { timespan_ms: self.timespan_ms, thresholds: thresholds.clone() })
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

//! Which windows satisfy a correlation, computed as slowly and plainly as it can be said?
//!
//! All events are there at once, sorted by time and uuid. Every window is looked at on its own, and
//! nothing is kept from one to the next.

use std::collections::{BTreeMap, BTreeSet};

/// An event, as far as the rules of the tests read it.
#[derive(Clone, Debug)]
pub struct Event {
    pub time_ms: i64,
    pub uuid: String,
    pub kind: usize,
    pub user: Option<String>,
    pub ip: Option<String>,
    pub targets: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    EventCount,
    ValueCount,
    Temporal,
    TemporalOrdered,
}

#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// Events of these kinds.
    Kinds(&'static [usize]),
    /// Matches of the correlation at this place of the list.
    Rule(usize),
}

#[derive(Clone, Copy, Debug)]
pub enum Group {
    User,
    Targets,
}

/// A correlation.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub name: &'static str,
    pub kind: Kind,
    pub sources: &'static [Source],
    pub group: Group,
    pub timespan_ms: i64,
    pub at_least: usize,
    pub suppress_ms: i64,
}

/// The last event of a satisfying window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Satisfying {
    pub key: String,
    pub time_ms: i64,
    pub uuid: String,
    pub events: usize,
}

struct Occurrence<'e> {
    event: &'e Event,
    branches: BTreeSet<usize>,
}

/// The satisfying windows of each rule. A rule may take matches of those before it.
pub fn satisfying(rules: &[Rule], events: &[Event]) -> Vec<Vec<Satisfying>> {
    let mut sorted: BTreeMap<(i64, &str), &Event> = BTreeMap::new();
    for event in events {
        sorted.insert((event.time_ms, &event.uuid), event);
    }
    let sorted: Vec<&Event> = sorted.into_values().collect();
    let mut all: Vec<Vec<Satisfying>> = Vec::new();
    for rule in rules {
        let mut found = Vec::new();
        for key in keys(rule, &sorted) {
            let occurrences = occurrences(rule, &key, &sorted, &all);
            for last in 0..occurrences.len() {
                let window = window(rule, &occurrences, last);
                if figure(rule, &window) >= rule.at_least {
                    let Event { time_ms, uuid, .. } = occurrences[last].event;
                    let (time_ms, uuid, events) = (*time_ms, uuid.clone(), window.len());
                    found.push(Satisfying { key: key.clone(), time_ms, uuid, events });
                }
            }
        }
        all.push(found);
    }
    all
}

fn keys_of(rule: &Rule, event: &Event) -> BTreeSet<String> {
    match rule.group {
        Group::User => event.user.iter().cloned().collect(),
        Group::Targets => event.targets.iter().cloned().collect(),
    }
}

fn keys(rule: &Rule, events: &[&Event]) -> BTreeSet<String> {
    events.iter().flat_map(|event| keys_of(rule, event)).collect()
}

fn occurrences<'e>(
    rule: &Rule,
    key: &str,
    events: &[&'e Event],
    before: &[Vec<Satisfying>],
) -> Vec<Occurrence<'e>> {
    let mut occurrences = Vec::new();
    for event in events {
        if !keys_of(rule, event).contains(key) || (rule.kind == Kind::ValueCount && event.ip.is_none()) {
            continue;
        }
        let matches = |source: &Source| match source {
            Source::Kinds(kinds) => kinds.contains(&event.kind),
            Source::Rule(place) => before[*place].iter().any(|found| found.uuid == event.uuid),
        };
        let branches: BTreeSet<usize> =
            (0..rule.sources.len()).filter(|branch| matches(&rule.sources[*branch])).collect();
        if !branches.is_empty() {
            occurrences.push(Occurrence { event, branches });
        }
    }
    occurrences
}

fn window<'o, 'e>(rule: &Rule, occurrences: &'o [Occurrence<'e>], last: usize) -> Vec<&'o Occurrence<'e>> {
    let start_ms = occurrences[last].event.time_ms - rule.timespan_ms;
    occurrences[..=last].iter().filter(|occurrence| occurrence.event.time_ms > start_ms).collect()
}

fn figure(rule: &Rule, window: &[&Occurrence<'_>]) -> usize {
    match rule.kind {
        Kind::EventCount => window.len(),
        Kind::ValueCount => {
            let ips: BTreeSet<_> = window.iter().map(|occurrence| &occurrence.event.ip).collect();
            ips.len()
        }
        Kind::Temporal => {
            let seen: BTreeSet<_> = window.iter().flat_map(|occurrence| &occurrence.branches).collect();
            seen.len()
        }
        Kind::TemporalOrdered => {
            let last = window[window.len() - 1];
            let steps = 1..=rule.sources.len();
            steps.rev().find(|steps| completes(window, last, *steps)).unwrap_or(0)
        }
    }
}

/// Whether the event is the last of so many steps, each before it strictly earlier than the next.
fn completes(window: &[&Occurrence<'_>], last: &Occurrence<'_>, steps: usize) -> bool {
    if !last.branches.contains(&(steps - 1)) {
        return false;
    }
    let earlier = |other: &&&Occurrence<'_>| other.event.time_ms < last.event.time_ms;
    steps == 1 || window.iter().filter(earlier).any(|other| completes(window, other, steps - 1))
}

//! Which windows satisfy a correlation, computed as slowly and plainly as it can be said?
//!
//! All events are there at once, sorted by time and uuid. Every window is looked at on its own, by
//! loops over everything, and nothing is kept from one to the next. One file says one correlation
//! type, word for word as it is defined; this one says which matches a correlation takes, and to
//! which keys they belong.

pub mod absence;
pub mod aggregate;
pub mod baseline;
pub mod condition;
pub mod event;
pub mod event_count;
pub mod expression;
pub mod new_value;
pub mod risk_score;
pub mod rule;
pub mod sequence;
pub mod temporal;
pub mod temporal_ordered;
pub mod value_avg;
pub mod value_count;
pub mod value_percentile;
pub mod value_sum;
pub mod window;

use std::collections::{BTreeMap, BTreeSet};

use event::{Event, Match, Occurrence, Taken};
use rule::{Body, Correlation, Rule};

/// The event at which a rule is satisfied for a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Satisfying {
    /// Values of the group-by (and a new value), lower case.
    pub key: Vec<String>,
    pub time_ms: i64,
    pub uuid: String,
}

/// The satisfying windows of each rule, with what is measured of them. A rule takes matches of rules before it in the list.
///
/// The matches of a correlation are one at the last event of each satisfying window, whether or not
/// that window raised an alert.
pub fn evaluate(rules: &[Rule], events: &[Event]) -> Vec<BTreeMap<Satisfying, Option<f64>>> {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| event.place());
    sorted.dedup_by_key(|event| event.place());
    let mut matches: Vec<Vec<Match<'_>>> = Vec::new();
    let mut found = Vec::new();
    for rule in rules {
        let of_rule = match &rule.body {
            Body::Detection { kinds } => detected(kinds, &sorted),
            Body::Correlation(correlation) => correlated(correlation, rules, &matches),
        };
        found.push(of_rule.iter().map(|one| (one.satisfying(), one.figure)).collect());
        matches.push(of_rule);
    }
    found
}

fn detected<'e>(kinds: &[usize], events: &[&'e Event]) -> Vec<Match<'e>> {
    let matching = events.iter().filter(|event| kinds.contains(&event.kind));
    matching.map(|event| Match { event, group: Vec::new(), figure: None }).collect()
}

fn correlated<'e>(correlation: &Correlation, rules: &[Rule], matches: &[Vec<Match<'e>>]) -> Vec<Match<'e>> {
    let taken = taken(correlation, rules, matches);
    let everything = occurrences(&taken, |_| true);
    let keys: BTreeSet<&Vec<String>> = taken.iter().map(|taken| &taken.key).collect();
    let mut found = Vec::new();
    for key in keys {
        let events = occurrences(&taken, |other| other.key == *key);
        for (place, beside) in correlation.satisfied(&events, &everything, rules) {
            let shown = key[..correlation.group_by.len()].iter().cloned().chain(beside);
            let group = correlation.shows().into_iter().zip(shown).collect();
            let figure = correlation.figure(&events, place);
            found.push(Match { event: events[place].event, group, figure });
        }
    }
    found.sort_by_key(|matched| matched.event.place());
    found
}

/// Every match that the correlation takes, once for each of its keys.
fn taken<'e>(correlation: &Correlation, rules: &[Rule], matches: &[Vec<Match<'e>>]) -> Vec<Taken<'e>> {
    let mut taken = Vec::new();
    for (branch, rule) in correlation.takes.iter().enumerate() {
        for matched in &matches[*rule] {
            for key in correlation.keys(branch, matched) {
                let own_key = rules[*rule].own_key(matched);
                taken.push(Taken { branch, rule: *rule, own_key, key, event: matched.event });
            }
        }
    }
    taken
}

/// The events of some matches in the order of time, each once, with what matched it.
fn occurrences<'e>(taken: &[Taken<'e>], of: impl Fn(&Taken<'_>) -> bool) -> Vec<Occurrence<'e>> {
    let mut events: Vec<&Event> = taken.iter().filter(|one| of(one)).map(|taken| taken.event).collect();
    events.sort_by_key(|event| event.place());
    events.dedup_by_key(|event| event.place());
    let by = |event: &Event| {
        let same = taken.iter().filter(|one| of(one) && one.event.place() == event.place());
        same.cloned().collect()
    };
    events.into_iter().map(|event| Occurrence { event, by: by(event) }).collect()
}

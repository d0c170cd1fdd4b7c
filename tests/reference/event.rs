//! What do rules see of an event, and of a match?

use std::collections::{BTreeMap, BTreeSet};

use super::Satisfying;

/// An event, as far as the rules of the tests read it.
#[derive(Clone, Debug)]
pub struct Event {
    pub time_ms: i64,
    /// As Okta writes it: its order as text is its order as a number.
    pub uuid: String,
    /// Which of the tests' event types.
    pub kind: usize,
    /// The values of each field that it has; those of an array, one by one.
    pub fields: BTreeMap<&'static str, Vec<String>>,
}

impl Event {
    /// Its place in time.
    pub fn place(&self) -> (i64, &str) {
        (self.time_ms, &self.uuid)
    }

    /// The distinct values of a field, case aside.
    pub fn values(&self, field: &str) -> BTreeSet<String> {
        let values = self.fields.get(field).into_iter().flatten();
        values.map(|value| value.to_lowercase()).collect()
    }

    /// Every combination of values of several fields; none if one of them is missing.
    pub fn tuples(&self, fields: &[String]) -> BTreeSet<Vec<String>> {
        let mut tuples = BTreeSet::from([Vec::new()]);
        for field in fields {
            let values = self.values(field);
            let longer = |tuple: &Vec<String>| {
                values
                    .iter()
                    .map(|value| [tuple.as_slice(), std::slice::from_ref(value)].concat())
                    .collect::<Vec<_>>()
            };
            tuples = tuples.iter().flat_map(longer).collect();
        }
        tuples
    }

    /// The numbers among the values of a field, each element of an array.
    pub fn numbers(&self, field: &str) -> Vec<f64> {
        let values = self.fields.get(field).into_iter().flatten();
        values.filter_map(|value| value.parse().ok()).collect()
    }
}

/// A match of a rule.
#[derive(Clone, Debug)]
pub struct Match<'e> {
    /// The event; of a correlation, the one that satisfied it.
    pub event: &'e Event,
    /// The correlation's group-by with its values, lower case.
    pub group: Vec<(String, String)>,
    /// What was measured, where that is one number.
    pub figure: Option<f64>,
}

impl Match<'_> {
    /// The values of a field: of the match's own group if it is there, else of the event.
    pub fn values(&self, field: &str) -> BTreeSet<String> {
        match self.group.iter().find(|(name, _)| name == field) {
            Some((_, value)) => BTreeSet::from([value.clone()]),
            None => self.event.values(field),
        }
    }

    pub fn satisfying(&self) -> Satisfying {
        let key = self.group.iter().map(|(_, value)| value.clone()).collect();
        Satisfying { key, time_ms: self.event.time_ms, uuid: self.event.uuid.clone() }
    }
}

/// A match that a correlation takes, for one of its keys.
#[derive(Clone, Debug)]
pub struct Taken<'e> {
    /// The matched rule's place among those that the correlation takes.
    pub branch: usize,
    /// The matched rule's place among all.
    pub rule: usize,
    /// What the matched rule's own alerts are kept together by.
    pub own_key: String,
    /// The correlation's key, lower case.
    pub key: Vec<String>,
    pub event: &'e Event,
}

/// An event of a key, once, however many of the correlation's rules it matched.
#[derive(Clone, Debug)]
pub struct Occurrence<'e> {
    pub event: &'e Event,
    pub by: Vec<Taken<'e>>,
}

impl Occurrence<'_> {
    pub fn time_ms(&self) -> i64 {
        self.event.time_ms
    }

    /// Whether one of these rules matched it.
    pub fn is_of(&self, branches: &[usize]) -> bool {
        self.by.iter().any(|taken| branches.contains(&taken.branch))
    }
}

//! `value_count`: at which events does a window hold so many distinct values?

use std::collections::BTreeSet;

use super::condition::{Threshold, among, rising};
use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct ValueCount {
    pub timespan_ms: i64,
    pub thresholds: Vec<Threshold>,
    /// Of several fields, the distinct combinations count.
    pub fields: Vec<String>,
}

impl ValueCount {
    /// An event that lacks one of the fields is none of the rule's.
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let has_all = |occurrence: &Occurrence<'_>| !occurrence.event.tuples(&self.fields).is_empty();
        among(events, has_all, |events| {
            rising(&self.thresholds, events, self.timespan_ms, |window| {
                let values = window.iter().flat_map(|occurrence| occurrence.event.tuples(&self.fields));
                values.collect::<BTreeSet<_>>().len() as f64
            })
        })
    }
}

//! `new_value`: which events show a value that was not seen before?

use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct NewValue {
    pub fields: Vec<String>,
    pub learning_ms: i64,
    pub forget_ms: i64,
    /// The whole tenant remembers together.
    pub whole_org: bool,
}

impl NewValue {
    /// The places of the events with each value that is new there. An event that lacks one of the
    /// fields is none of the rule's.
    pub fn satisfied(
        &self,
        events: &[Occurrence<'_>],
        everything: &[Occurrence<'_>],
    ) -> Vec<(usize, Vec<String>)> {
        let memory = if self.whole_org { everything } else { events };
        let has_all = |other: &&Occurrence<'_>| !other.event.tuples(&self.fields).is_empty();
        let memory: Vec<&Occurrence<'_>> = memory.iter().filter(has_all).collect();
        let mut found = Vec::new();
        for (place, occurrence) in events.iter().enumerate() {
            for value in occurrence.event.tuples(&self.fields) {
                if self.is_new(&value, occurrence, &memory) {
                    found.push((place, value));
                }
            }
        }
        found
    }

    fn is_new(&self, value: &Vec<String>, occurrence: &Occurrence<'_>, memory: &[&Occurrence<'_>]) -> bool {
        let at_ms = occurrence.time_ms();
        let first_ms = memory.iter().map(|other| other.time_ms()).min().unwrap_or(at_ms);
        let shows = |other: &&&Occurrence<'_>| other.event.tuples(&self.fields).contains(value);
        let seen = memory.iter().filter(shows).any(|other| {
            other.event.place() < occurrence.event.place() && other.time_ms() >= at_ms - self.forget_ms
        });
        at_ms >= first_ms + self.learning_ms && !seen
    }
}

//! `new_value`: which events show a value that was not seen before?

use super::condition::among;
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
    /// An event that lacks one of the fields is none of the rule's.
    pub fn satisfied(&self, events: &[Occurrence<'_>], everything: &[Occurrence<'_>]) -> Vec<usize> {
        let has_all = |occurrence: &Occurrence<'_>| !occurrence.event.tuples(&self.fields).is_empty();
        among(events, has_all, |events| {
            let memory = if self.whole_org { everything } else { events };
            let memory: Vec<&Occurrence<'_>> = memory.iter().filter(|other| has_all(other)).collect();
            (0..events.len()).filter(|place| self.is_new(&events[*place], &memory)).collect()
        })
    }

    fn is_new(&self, occurrence: &Occurrence<'_>, memory: &[&Occurrence<'_>]) -> bool {
        let at_ms = occurrence.time_ms();
        let first_ms = memory.iter().map(|other| other.time_ms()).min().unwrap_or(at_ms);
        let seen = |value: &Vec<String>| {
            memory.iter().any(|other| {
                other.event.place() < occurrence.event.place()
                    && other.time_ms() >= at_ms - self.forget_ms
                    && other.event.tuples(&self.fields).contains(value)
            })
        };
        at_ms >= first_ms + self.learning_ms
            && occurrence.event.tuples(&self.fields).iter().any(|value| !seen(value))
    }
}

//! `absence`: which events lack the partner that they should have?

use super::event::Occurrence;

#[derive(Clone, Debug)]
pub struct Absence {
    pub trigger: Vec<usize>,
    pub absent: Vec<usize>,
    pub within_ms: i64,
    /// The partner should come after the event, not before it.
    pub after: bool,
}

impl Absence {
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let lacks = |place: &usize| {
            let at_ms = events[*place].time_ms();
            let in_time = |other_ms: i64| match self.after {
                true => at_ms < other_ms && other_ms <= at_ms + self.within_ms,
                false => at_ms - self.within_ms < other_ms && other_ms <= at_ms,
            };
            let partner = |other: &usize| {
                other != place && events[*other].is_of(&self.absent) && in_time(events[*other].time_ms())
            };
            events[*place].is_of(&self.trigger) && !(0..events.len()).any(|other| partner(&other))
        };
        (0..events.len()).filter(lacks).collect()
    }
}

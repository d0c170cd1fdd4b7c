//! Which events are in the window of an event, and in those that hold it?

use super::event::Occurrence;

/// The events of the window that ends with the one at `last`: those after `last - timespan`, and of
/// those at the same millisecond the ones up to it by uuid.
pub fn window<'o, 'e>(
    events: &'o [Occurrence<'e>],
    timespan_ms: i64,
    last: usize,
) -> Vec<&'o Occurrence<'e>> {
    let end_ms = events[last].time_ms();
    let upto = events[last].event.place();
    let inside = |other: &&Occurrence<'_>| {
        end_ms - timespan_ms < other.time_ms() && other.time_ms() <= end_ms && other.event.place() <= upto
    };
    events.iter().filter(inside).collect()
}

/// The last events of the windows that hold the one at `place`, that itself among them.
pub fn holding(events: &[Occurrence<'_>], timespan_ms: i64, place: usize) -> Vec<usize> {
    let held = events[place].event.place();
    let holds = |last: &usize| {
        let last = events[*last].event;
        last.place() >= held && last.time_ms - timespan_ms < events[place].time_ms()
    };
    (0..events.len()).filter(holds).collect()
}

/// Whether no event less than the timespan before or after this one is of these rules.
pub fn silent_around(events: &[Occurrence<'_>], timespan_ms: i64, place: usize, branches: &[usize]) -> bool {
    let at_ms = events[place].time_ms();
    let near = |other: &&Occurrence<'_>| {
        at_ms - timespan_ms < other.time_ms() && other.time_ms() < at_ms + timespan_ms
    };
    !events.iter().filter(near).any(|other| other.is_of(branches))
}

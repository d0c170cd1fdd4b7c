//! What is held of a key for which nothing has begun?
//!
//! Where matches have to come in an order, most are of a later step, and nearly all of those come without a
//! first one ever being there. They are needed only as long as one that is late may still come before them.
//! So they are set down as they came, and judged when something begins: the same then as if each had been
//! judged when it came, as none of them ends anything by itself.

use smallvec::SmallVec;

use super::firing::Feed;
use super::key::Key;
use super::measure::{Measure, Reading, Timespan};
use super::series::{Occurrence, Stamp};
use super::shown::Shown;
use super::state::State;
use super::table::Spec;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// More than so many are put in order at once, as if something had begun.
const MOST: usize = 16;

/// A match as one key holds it.
#[derive(Clone, Debug)]
pub(super) struct Arrival<M> {
    pub(super) occurrence: Occurrence<M>,
    pub(super) shown: Shown,
}

impl<M> Arrival<M> {
    pub(super) fn new(stamp: Stamp, mark: M, spec: &Spec, feed: &Feed<'_>) -> Self {
        let event = spec.passed(&feed.matched.event);
        let occurrence = Occurrence { stamp, mark, satisfied: false, event };
        Self { occurrence, shown: Shown::new(stamp, feed.matched) }
    }

    fn time_ms(&self) -> i64 {
        self.occurrence.stamp.time_ms
    }
}

/// One key, with as much as it needs.
#[derive(Debug)]
pub(super) struct Stage<M: Measure> {
    pub(super) key: Key,
    /// The watermark at which the next window can be decided, where windows wait.
    pub(super) planned_ms: Option<i64>,
    /// Nothing that is held can begin a window: matches in the order of arrival.
    early: SmallVec<[Arrival<M::Mark>; 1]>,
    /// Something can, or could.
    begun: Option<Box<State<M>>>,
}

/// Whether a match can be set down without being judged.
pub(super) fn is_early<M: Measure>(measure: &M, mark: &M::Mark) -> bool {
    measure.waits_ms().is_none() && !measure.begins(mark)
}

impl<M: Measure> Stage<M> {
    /// A key with nothing in it yet.
    pub(super) fn new(key: Key) -> Self {
        Self { key, planned_ms: None, early: SmallVec::new(), begun: None }
    }

    /// Takes out what no window can need that is still to come or to be decided.
    pub(super) fn prune(&mut self, measure: &M, timespan: Timespan, settled_ms: Option<i64>) {
        let Some(settled_ms) = settled_ms else { return };
        if let Some(begun) = &mut self.begun {
            return begun.prune(measure, timespan, settled_ms);
        }
        let gone = self.early.iter().take_while(|arrival| arrival.time_ms() < settled_ms).count();
        if gone > 0 {
            drop(self.early.drain(..gone));
        }
    }

    /// Whether a match that is early can be set down here.
    pub(super) fn has_room(&self, most: usize) -> bool {
        self.begun.is_none() && self.early.len() < most.min(MOST)
    }

    /// Sets a match down.
    pub(super) fn set_down(&mut self, arrival: Arrival<M::Mark>) {
        self.early.push(arrival);
    }

    /// The key, and what is held of it in order from now on.
    pub(super) fn begin(&mut self, measure: &M) -> (&Key, &mut State<M>) {
        let early = std::mem::take(&mut self.early);
        let begun = self.begun.get_or_insert_with(|| Box::new(begun(measure, early)));
        (&self.key, begun)
    }

    /// What is held of the key in order, if anything has begun.
    pub(super) fn begun(&mut self) -> Option<&mut State<M>> {
        self.begun.as_deref_mut()
    }

    /// The latest event's time.
    pub(super) fn newest_ms(&self) -> Option<i64> {
        match &self.begun {
            Some(begun) => begun.series.newest(),
            None => self.early.iter().map(Arrival::time_ms).max(),
        }
    }

    /// Up to when its events are needed.
    pub(super) fn needed_ms(&self, measure: &M, timespan: Timespan) -> Option<i64> {
        let newest_ms = self.newest_ms()?;
        let first = self.begun.as_ref().and_then(|begun| begun.series.get(0));
        let has_begun = first.is_some_and(|first| !is_early(measure, &first.mark));
        Some(if has_begun { timespan.end(newest_ms) } else { newest_ms.saturating_add(1) })
    }

    /// Writes all of it: what has not begun as if it had.
    pub(super) fn write(&self, measure: &M, out: &mut Writer<'_>) {
        self.key.write(out);
        match &self.begun {
            Some(state) => state.write(measure, out),
            None => begun(measure, self.early.iter().cloned()).write(measure, out),
        }
        self.planned_ms.write(out);
    }

    /// Reads it again.
    pub(super) fn read(measure: &M, from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let (key, begun) = (Key::read(from)?, Some(Box::new(State::read(measure, from)?)));
        Ok(Self { key, planned_ms: Durable::read(from)?, early: SmallVec::new(), begun })
    }
}

/// What is held of a key that took these matches one by one.
fn begun<M: Measure>(measure: &M, early: impl IntoIterator<Item = Arrival<M::Mark>>) -> State<M> {
    let (mut state, mut came_true) = (State::default(), Vec::new());
    for arrival in early {
        if let Some(place) = state.take(measure, arrival) {
            state.judge(measure, place, &mut Some(Reading::default()), &mut came_true);
        }
    }
    debug_assert!(came_true.is_empty(), "something ended that had not begun");
    state
}

#[cfg(test)]
mod tests {
    use super::super::samples::Play;
    use super::*;

    const ORDERED: &str = "type: temporal_ordered\nrules: [a, b]\ngroup-by: [actor.id]\ntimespan: 1h";
    const ANA: &[(&str, &str)] = &[("actor.id", "00uAna")];

    fn keys(play: &Play) -> usize {
        play.correlator.keys().map(|(_, keys)| keys).sum()
    }

    #[test]
    fn a_later_step_waits_for_a_first_one_that_is_late_and_no_longer() {
        let mut play = Play::new(ORDERED);
        assert!(play.take("b", 5_000, 1, ANA).is_empty());
        play.reach(5_000);
        assert_eq!(keys(&play), 1);
        play.reach(5_001);
        assert_eq!(keys(&play), 0, "nothing can come before it any more, and it begins nothing");
    }

    #[test]
    fn what_was_set_down_ends_what_begins_before_it_however_much_there_is() {
        for events in [1, MOST, MOST + 3] {
            let mut play = Play::new(ORDERED);
            for number in 0..events as u128 {
                assert!(play.take("b", 5_000 + number as i64, 10 + number, ANA).is_empty());
            }
            play.reach(4_000);
            assert_eq!(play.take("a", 4_999, 1, ANA).len(), 1, "one alert holds all of them");
            let ended = |play: &Play| play.tally.matches.iter().map(|(_, matches)| matches).sum::<u64>();
            assert_eq!(ended(&play), events as u64);
            play.take("b", 6_001, 2, ANA);
            assert_eq!(ended(&play), events as u64 + 1);
        }
    }
}

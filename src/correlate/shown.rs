//! Which of a key's events are kept to be shown?

use compact_str::CompactString;
use smallvec::SmallVec;

use super::series::Stamp;
use crate::durable;
use crate::limits;
use crate::model::{Evidence, Facts, Match, Shared};
use crate::state::Pages;

/// How many of the oldest stay when the middle is thinned out.
const FIRST: usize = limits::EVIDENCE_PER_KEY / 4;

/// The id of an event of which nothing is known.
static NOBODY: CompactString = CompactString::const_new("");

/// One event to show. There is one for each window that it falls into, so it takes nothing from the heap.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Its place in time.
    pub(super) stamp: Stamp,
    /// What to show of it: one, or all events of a correlation that came true.
    pub(super) evidence: SmallVec<[Shared<Evidence>; 1]>,
    /// Which of those is the event's own.
    own: u32,
    /// Its id, if none is.
    stranger: Option<CompactString>,
}

durable!(Shown { stamp, evidence, own, stranger });

impl Shown {
    /// The event of a match.
    pub(super) fn new(stamp: Stamp, matched: &Match) -> Self {
        let own = matched.evidence.iter().position(|evidence| evidence.facts.uuid() == matched.uuid());
        Self {
            stamp,
            evidence: matched.evidence.clone(),
            own: own.and_then(|own| u32::try_from(own).ok()).unwrap_or_default(),
            stranger: own.is_none().then(|| matched.uuid().clone()),
        }
    }

    /// Its id.
    pub(super) fn uuid(&self) -> &CompactString {
        let own = || self.evidence.get(self.own as usize).map(|own| own.facts.uuid());
        self.stranger.as_ref().or_else(own).unwrap_or(&NOBODY)
    }

    /// Adds what another rule shows of it.
    pub(super) fn add(&mut self, more: &[Shared<Evidence>]) {
        add_new(&mut self.evidence, more);
    }

    /// What is shown of the event itself, not of those behind it.
    pub(super) fn own(&self) -> Option<&Shared<Evidence>> {
        let own = match &self.stranger {
            None => self.evidence.get(self.own as usize),
            Some(uuid) => self.evidence.iter().find(|evidence| evidence.facts.uuid() == uuid),
        };
        own.or(self.evidence.last())
    }
}

/// The events of a key that are kept to be shown: the first few and the latest, in order.
#[derive(Debug, Default)]
pub(super) struct Gallery {
    shown: Pages<Shown>,
}

durable!(Gallery { shown });

impl Gallery {
    /// Adds an event, or what another rule shows of one that is there.
    pub(super) fn add(&mut self, new: Shown) {
        let place = self.place(new.stamp);
        if self.shown.get(place).is_some_and(|shown| shown.stamp == new.stamp) {
            if let Some(shown) = self.shown.get_mut(place) {
                shown.add(&new.evidence);
            }
            return;
        }
        self.shown.insert(place, new);
    }

    /// Adds an event that is after all that are there.
    pub(super) fn put(&mut self, last: &Shown) {
        debug_assert!(self.shown.back().is_none_or(|shown| shown.stamp < last.stamp), "out of order");
        self.shown.insert(self.shown.len(), last.clone());
    }

    /// Goes back to the bound. An event that is not judged or decided yet must be there; those up to
    /// `decided` are.
    pub(super) fn thin(&mut self, decided: Stamp) {
        while self.shown.len() > limits::EVIDENCE_PER_KEY
            && self.shown.get(FIRST).is_some_and(|shown| shown.stamp <= decided)
        {
            self.shown.remove(FIRST);
        }
    }

    /// Forgets what is not after an instant.
    pub(super) fn forget(&mut self, upto_ms: i64) {
        self.forget_to(Stamp::last_of(upto_ms));
    }

    /// Forgets what is not after an event.
    pub(super) fn forget_to(&mut self, upto: Stamp) {
        let gone = self.shown.partition_point(|shown| shown.stamp <= upto);
        for _ in 0..gone {
            self.shown.pop_front();
        }
    }

    /// The event at a place in time, if it is kept.
    pub(super) fn get(&self, stamp: Stamp) -> Option<&Shown> {
        self.shown.get(self.place(stamp)).filter(|shown| shown.stamp == stamp)
    }

    /// Where the event at a place in time stands, or would.
    fn place(&self, stamp: Stamp) -> usize {
        self.shown.partition_point(|shown| shown.stamp < stamp)
    }

    /// What is kept of a window, `start_ms` excluded, `last` included.
    pub(super) fn window(&self, start_ms: i64, last: Stamp) -> impl Iterator<Item = &Shown> {
        let first = self.shown.partition_point(|shown| shown.stamp.time_ms <= start_ms);
        let end = self.shown.partition_point(|shown| shown.stamp <= last);
        self.shown.range(first.min(end)..end)
    }
}

/// The events of a window that an alert shows.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// In the order of time, each once.
    pub evidence: Vec<Shared<Evidence>>,
    /// Of how many they were chosen: with chains, more than the window has matches.
    pub of: u64,
    /// The earliest of those, ms.
    pub first_ms: Option<i64>,
}

/// The events of a window to show in an alert, at most `most`.
///
/// The first, the last and the one that decided are always among them, as far as there is room; of
/// the rest, half are the earliest and half the latest.
pub(super) fn select<'s>(window: impl Iterator<Item = &'s Shown>, decisive: &str, most: usize) -> Selection {
    let mut all: Vec<Shared<Evidence>> = window.flat_map(|shown| shown.evidence.iter().cloned()).collect();
    let in_time = |a: &Facts, b: &Facts| (a.published_ms(), a.uuid()).cmp(&(b.published_ms(), b.uuid()));
    all.sort_by(|a, b| in_time(&a.facts, &b.facts));
    all.dedup_by(|later, kept| later.facts.uuid() == kept.facts.uuid());
    let (of, first_ms) = (all.len() as u64, all.first().map(|event| event.facts.published_ms()));
    let most = most.max(1);
    if all.len() > most {
        let (earliest, latest) = (most / 2, all.len() - (most - most / 2));
        let middle = all.get(earliest..latest).unwrap_or_default();
        let decided = middle.iter().find(|event| event.facts.uuid() == decisive).cloned();
        let latest = latest + usize::from(decided.is_some());
        all.splice(earliest..latest, decided);
    }
    Selection { evidence: all, of, first_ms }
}

/// Adds evidence of events that are not shown yet.
fn add_new(all: &mut SmallVec<[Shared<Evidence>; 1]>, more: &[Shared<Evidence>]) {
    for evidence in more {
        if all.len() >= limits::EVIDENCE_PER_KEY {
            return;
        }
        if all.iter().all(|shown| shown.facts.uuid() != evidence.facts.uuid()) {
            all.push(evidence.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventFacts;

    fn shown(time_ms: i64, uuids: &[&str]) -> Shown {
        let evidence = uuids.iter().map(|uuid| {
            Shared::new(Evidence::from(EventFacts {
                uuid: CompactString::from(*uuid),
                published_ms: time_ms,
                ..EventFacts::default()
            }))
        });
        Shown {
            stamp: Stamp::new(time_ms, "u"),
            evidence: evidence.collect(),
            own: 0,
            stranger: Some("u".into()),
        }
    }

    fn times(selection: &Selection) -> Vec<i64> {
        selection.evidence.iter().map(|evidence| evidence.published_ms).collect()
    }

    #[test]
    fn the_first_and_the_last_are_always_shown() {
        let window: Vec<Shown> = (0..9).map(|time| shown(time, &[&time.to_string()])).collect();
        assert_eq!(times(&select(window.iter(), "8", 5)), [0, 1, 6, 7, 8]);
        assert_eq!(times(&select(window.iter(), "8", 2)), [0, 8]);
        assert_eq!(times(&select(window.iter(), "8", 1)), [8]);
        assert_eq!(times(&select(window.iter(), "8", 0)), [8]);
        assert_eq!(select(window.iter(), "8", 20).evidence.len(), 9);
    }

    #[test]
    fn an_event_of_the_middle_that_decided_is_shown_too() {
        let window: Vec<Shown> = (0..9).map(|time| shown(time, &[&time.to_string()])).collect();
        assert_eq!(times(&select(window.iter(), "4", 5)), [0, 1, 4, 7, 8]);
        assert_eq!(times(&select(window.iter(), "4", 3)), [0, 4, 8]);
        assert_eq!(times(&select(window.iter(), "4", 1)), [4]);
    }

    #[test]
    fn matches_of_many_events_each_are_shown_to_the_last() {
        let uuids = |from: usize| (from..from + 20).map(|n| format!("{n:03}")).collect::<Vec<_>>();
        let window: Vec<Shown> = (0..5)
            .map(|n: usize| shown(n as i64, &uuids(20 * n).iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        let selection = select(window.iter(), "099", 20);
        assert_eq!((selection.evidence.len(), selection.of), (20, 100));
        assert_eq!((&*selection.evidence[0].uuid, &*selection.evidence[19].uuid), ("000", "099"));
    }

    #[test]
    fn an_event_of_several_matches_is_shown_once() {
        let window = [shown(1, &["a", "b"]), shown(2, &["b", "c"])];
        assert_eq!(times(&select(window.iter(), "c", 20)), [1, 1, 2]);
    }

    #[test]
    fn the_middle_is_thinned_and_the_past_forgotten() {
        let mut gallery = Gallery::default();
        for time in 0..=limits::EVIDENCE_PER_KEY as i64 {
            gallery.put(&shown(time, &["a"]));
        }
        gallery.thin(Stamp::LAST);
        assert_eq!(gallery.shown.len(), limits::EVIDENCE_PER_KEY);
        assert!(gallery.get(Stamp::new(FIRST as i64, "u")).is_none());
        gallery.forget(9);
        assert_eq!(gallery.shown.get(0).unwrap().stamp.time_ms, 10);
        assert_eq!(gallery.window(11, Stamp::new(14, "u")).count(), 3);
        gallery.forget_to(Stamp::new(12, "u"));
        assert_eq!(gallery.shown.get(0).unwrap().stamp.time_ms, 13);
    }
}

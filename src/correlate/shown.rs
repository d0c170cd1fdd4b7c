//! Which of a key's events are kept to be shown?

use std::sync::Arc;

use compact_str::CompactString;

use super::series::Stamp;
use crate::limits;
use crate::model::{Evidence, Match};

/// How many of the oldest stay when the middle is thinned out.
const FIRST: usize = limits::EVIDENCE_PER_KEY / 4;

/// One event to show.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its place in time.
    pub(super) stamp: Stamp,
    /// Its id.
    pub(super) uuid: CompactString,
    /// What to show of it: one, or all events of a correlation that came true.
    pub(super) evidence: Vec<Arc<Evidence>>,
}

/// The events of a key that are kept to be shown: the first few and the latest, in order.
#[derive(Debug, Default)]
pub(super) struct Gallery {
    shown: Vec<Shown>,
}

impl Gallery {
    /// Adds an event, or what another rule shows of one that is there.
    pub(super) fn add(&mut self, stamp: Stamp, matched: &Match) {
        match self.shown.binary_search_by(|shown| shown.stamp.cmp(&stamp)) {
            Ok(place) => {
                if let Some(shown) = self.shown.get_mut(place) {
                    add_new(&mut shown.evidence, &matched.evidence);
                }
            }
            Err(place) => {
                let evidence = matched.evidence.clone();
                self.shown.insert(place, Shown { stamp, uuid: matched.uuid.clone(), evidence });
            }
        }
    }

    /// Goes back to the bound, once an added event was judged: until then it must be there.
    pub(super) fn thin(&mut self) {
        if self.shown.len() > limits::EVIDENCE_PER_KEY {
            self.shown.remove(FIRST);
        }
    }

    /// Forgets what is not after an instant.
    pub(super) fn forget(&mut self, upto_ms: i64) {
        let gone = self.shown.partition_point(|shown| shown.stamp.time_ms <= upto_ms);
        self.shown.drain(..gone);
    }

    /// The event at a place in time, if it is kept.
    pub(super) fn get(&self, stamp: Stamp) -> Option<&Shown> {
        let place = self.shown.binary_search_by(|shown| shown.stamp.cmp(&stamp)).ok()?;
        self.shown.get(place)
    }

    /// What is kept of a window, `start_ms` excluded, `last` included.
    pub(super) fn window(&self, start_ms: i64, last: Stamp) -> &[Shown] {
        let first = self.shown.partition_point(|shown| shown.stamp.time_ms <= start_ms);
        let end = self.shown.partition_point(|shown| shown.stamp <= last);
        self.shown.get(first..end).unwrap_or_default()
    }
}

/// The events of a window to show in an alert, at most `most`, in the order of time, each once.
///
/// The first and the last (which decided) are always among them; of the rest, half are the
/// earliest and half the latest.
pub(super) fn select(window: &[Shown], most: usize) -> Vec<Arc<Evidence>> {
    let mut all: Vec<Arc<Evidence>> = Vec::new();
    for shown in window {
        add_new(&mut all, &shown.evidence);
    }
    all.sort_by(|a, b| (a.published_ms, &a.uuid).cmp(&(b.published_ms, &b.uuid)));
    let most = most.max(1);
    if all.len() > most {
        let earliest = most / 2;
        all.drain(earliest..all.len() - (most - earliest));
    }
    all
}

/// Adds evidence of events that are not shown yet.
fn add_new(all: &mut Vec<Arc<Evidence>>, more: &[Arc<Evidence>]) {
    for evidence in more {
        if all.len() >= limits::EVIDENCE_PER_KEY {
            return;
        }
        if all.iter().all(|shown| shown.uuid != evidence.uuid) {
            all.push(Arc::clone(evidence));
        }
    }
}

//! How far has each step of a sequence come, in the order of time?
//!
//! Of all runs that reach a step, the one that started last is all that matters: it stays in the
//! window longest, ends its steps latest and gives a stop the least room. So a step keeps, of every
//! event that ends it, the run that started last, and an event costs as much as a step counts, however
//! many events the window holds.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::distinct::Values;
use crate::durable;
use crate::rule::Step;

/// A run as it enters a step: ordered by what makes one run better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// End of the step before, ms; of the first step, its own start.
    pub(super) last_ms: i64,
    /// When the run started, ms.
    pub(super) start_ms: i64,
    /// End of the step before that, ms; `None` if there is none.
    pub(super) before_ms: Option<i64>,
}

/// A run that ended a step.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    pub(super) time_ms: i64,
    pub(super) entry: Entry,
    /// What the event says in each field in which steps must differ.
    pub(super) values: SmallVec<[Values; 1]>,
}

/// One step of one key.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The best way into the step at each of its latest events, as many as it asks for.
    entries: VecDeque<Entry>,
    /// The best way in at the latest event of each value, the latest first, as many as it asks for.
    values: Vec<(u64, Entry)>,
    best: Option<Entry>,
    /// Times of its latest events, as many as it may have and one more, besides those of the latest.
    times: VecDeque<i64>,
    /// Runs that ended it: the latest for each list of values, and of those the latest times.
    completed: VecDeque<Completion>,
}

durable!(Entry { last_ms, start_ms, before_ms });
durable!(Completion { time_ms, entry, values });
durable!(Progress { entries, values, best, times, completed });

impl Progress {
    /// The best run that ended the step before an instant with other values than these.
    pub(super) fn before(&self, time_ms: i64, values: &[Values]) -> Option<&Completion> {
        let earlier = self.completed.iter().filter(|completion| completion.time_ms < time_ms);
        let other = earlier.filter(|completion| differ(&completion.values, values));
        other.max_by_key(|completion| (completion.time_ms, completion.entry))
    }

    /// Takes an event of the step with its way in, and gives the best entry that has as many events,
    /// or values, as the step asks for.
    pub(super) fn take(
        &mut self,
        step: &Step,
        time_ms: i64,
        entry: Option<Entry>,
        counted: &[u64],
    ) -> Option<Entry> {
        self.note(step, time_ms);
        self.best = self.best.max(entry);
        let best = self.best?;
        if step.distinct.is_none() {
            self.entries.push_back(best);
            if self.entries.len() > step.min {
                self.entries.pop_front();
            }
            return self.entries.front().filter(|_| self.entries.len() == step.min).copied();
        }
        self.values.retain(|(value, _)| !counted.contains(value));
        for value in counted {
            self.values.insert(0, (*value, best));
        }
        self.values.truncate(step.min);
        self.values.get(step.min - 1).map(|(_, entry)| *entry)
    }

    fn note(&mut self, step: &Step, time_ms: i64) {
        let Some(max) = step.max else { return };
        self.times.push_back(time_ms);
        let earlier = self.times.iter().filter(|other| **other < time_ms).count();
        self.times.drain(..earlier.saturating_sub(max + 1));
    }

    /// Whether so many events or fewer came after one instant and before another.
    pub(super) fn has_at_most(&self, max: usize, after_ms: Option<i64>, before_ms: i64) -> bool {
        let inside = |time_ms: &&i64| **time_ms < before_ms && after_ms.is_none_or(|after| **time_ms > after);
        self.times.iter().filter(inside).count() <= max
    }

    /// A run ended the step. Runs that started before an instant are over.
    pub(super) fn complete(&mut self, completion: Completion, over_ms: i64) {
        while self.completed.front().is_some_and(|old| old.entry.start_ms <= over_ms) {
            self.completed.pop_front();
        }
        // A run at an earlier instant is still needed by events of this one.
        let replaced = |old: &Completion| {
            old.values == completion.values
                && old.time_ms == completion.time_ms
                && old.entry <= completion.entry
        };
        self.completed.retain(|old| !replaced(old));
        let mut same = self.completed.iter().rev().filter(|old| old.values == completion.values);
        let superseded = same.by_ref().find(|old| old.time_ms < completion.time_ms).map(|old| old.time_ms);
        if let Some(upto_ms) = superseded {
            self.completed.retain(|old| old.values != completion.values || old.time_ms >= upto_ms);
        }
        self.completed.push_back(completion);
    }
}

/// Whether two events differ in every field; one that lacks a field differs in nothing.
fn differ(left: &[Values], right: &[Values]) -> bool {
    let apart = |(left, right): (&Values, &Values)| {
        !left.is_empty() && !right.is_empty() && left.iter().all(|value| !right.contains(value))
    };
    left.iter().zip(right).all(apart)
}

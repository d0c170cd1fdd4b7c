//! How does a shard go on in another process?
//!
//! Steps say which keys changed ([`Effects::changes`](crate::model::Effects)), at a checkpoint those of all
//! tables and else those of the journal, if [`Shard::keep_changes`] asked for it. The first byte of a key is its
//! table:
//!
//! | | |
//! |---|---|
//! | `s`, `u` | sessions and users, by tenant and id |
//! | `p`, `g`, `r` | principals, habits of those that get tokens, and what Okta may answer, by tenant and id |
//! | `d` | ids of events, by their minute: see the module `chunks` |
//! | `i` | alerts of single-event rules, by the digests of the rule and of what they are about |
//! | `w` | time: the one record that belongs to no key |
//! | `a` | what the values of several keys hold, by its digest: see the module `shelf` |
//! | `j` | what steps took in since the tables were last written: see the module `journal` |
//! | others | correlations |
//!
//! [`Shard::restore`] takes them in again, in any order if each key is there once.

use std::fmt;
use std::sync::Arc;

use super::chunks::Chunks;
use super::journal::{self, Found, Noted};
use super::shelf::{Misread, Together, Unread};
use super::{Shard, chunks, single};
use crate::correlate;
use crate::model::Change;
use crate::state::{Corrupt, Durable, Names, whole, written};

/// The key of what belongs to the shard as a whole.
const TIME: u8 = b'w';

/// What a shard took in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Okta sessions.
    pub sessions: usize,
    /// Users.
    pub users: usize,
    /// Event ids.
    pub uuids: usize,
    /// What alerts of single-event rules are about.
    pub subjects: usize,
    /// Records of correlations.
    pub correlations: usize,
    /// Whether there was a time to go on from.
    pub time: bool,
    /// Steps that were done again, as they are not part of the tables yet.
    pub steps: usize,
    /// Keys of what no rule of this run means, in the order in which they were read: nobody else will
    /// take them back.
    pub skipped: Vec<Vec<u8>>,
}

/// A record that is not what a shard writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What the table holds.
    pub table: &'static str,
    /// The table and the key.
    pub key: Vec<u8>,
    /// What was looked for.
    pub why: Corrupt,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "state of {} under the key {}: {}", self.table, self.key.escape_ascii(), self.why)
    }
}

impl std::error::Error for Unreadable {}

impl From<Misread> for Unreadable {
    fn from((key, why): Misread) -> Self {
        Self { table: table(&key), key, why }
    }
}

/// What is read before it can be put to use.
#[derive(Debug, Default)]
struct Reading {
    names: Names,
    chunks: Chunks,
    journal: Found,
    unread: Unread,
    restored: Restored,
}

impl Shard {
    /// Whether steps say which keys change from now on. What is held already is not said: a shard is
    /// asked while it is empty, or after it was restored.
    pub fn keep_changes(&mut self, wanted: bool) {
        self.track(wanted);
        self.told_time = wanted.then(Vec::new);
    }

    /// Whether tables keep in mind which of their keys change.
    fn track(&mut self, wanted: bool) {
        if std::mem::replace(&mut self.tracks, wanted) == wanted {
            return;
        }
        self.context.keep_changes(wanted);
        self.seen.keep_changes(wanted);
        self.singles.keep_changes(wanted);
        self.correlator.keep_changes(wanted);
    }

    /// Takes in the state of another shard: all changes that its steps said, in their order, or the last
    /// of each key in any order. This one is empty before, and reads the same configuration but for its
    /// limits: what is too much goes as more comes.
    ///
    /// Input partitions are among it. Those that are no longer read are to be revoked, or the watermark
    /// waits for them.
    ///
    /// # Errors
    /// A record is not what a shard writes. What was taken in until then is of no use.
    pub fn restore(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<Restored, Unreadable> {
        let mut reading = Reading::default();
        self.track(true);
        for change in changes {
            if let Some(change) = reading.unread.take(change)? {
                self.take_in(change, &mut reading)?;
            }
        }
        let Together { changes, names, shelf, unnamed } = std::mem::take(&mut reading.unread).put_together();
        (self.shelf, reading.names) = (shelf, names);
        for change in changes {
            self.take_in(change?, &mut reading)?;
        }
        let Reading { chunks, journal, mut restored, .. } = reading;
        restored.skipped.extend(unnamed);
        self.seen.restore(chunks, self.expired_upto_ms);
        self.context.resume(self.expired_upto_ms);
        restored.steps = self.again(journal)?;
        (restored.sessions, restored.users) = self.context.held();
        (restored.uuids, restored.subjects) = (self.seen.len(), self.singles.len());
        Ok(restored)
    }

    /// Does the steps once more that are not part of the tables. Their keys are changes, to be told at the
    /// next checkpoint.
    fn again(&mut self, found: Found) -> Result<usize, Misread> {
        let told_time = self.told_time.take();
        let mut steps = 0;
        self.muted = self.journal.resume(&found);
        for (number, value) in found.into_entries() {
            let inputs = self.journal.read(number, &value)?;
            self.step(inputs);
            steps += 1;
        }
        self.muted.clear();
        self.levels.tell_anew();
        self.journal.knows(self.watermark.now_ms());
        self.told_time = told_time;
        Ok(steps)
    }

    /// The name of the correlation that a key of a change belongs to.
    pub fn correlation_of(&self, key: &[u8]) -> Option<&str> {
        let rule = self.rules.get(self.correlator.rule_of(key)?)?;
        Some(&rule.info.name)
    }

    fn take_in(&mut self, change: Change, reading: &mut Reading) -> Result<(), Misread> {
        self.taken_in(&change, reading).map_err(|why| (change.key, why))
    }

    fn taken_in(&mut self, change: &Change, reading: &mut Reading) -> Result<(), Corrupt> {
        let fields = &self.rules.table;
        let Reading { names, chunks, journal, restored, .. } = reading;
        match change.key.first() {
            Some(&chunks::NAME) => chunks.restore(change, fields, names),
            Some(&single::NAME) => self.singles.restore(change, fields, names),
            Some(&journal::NAME) => journal.take(change, &self.rules),
            Some(&TIME) if change.key.len() == 1 => {
                let Some(value) = &change.value else { return Ok(()) };
                restored.time = true;
                self.restore_time(value, names)
            }
            _ => {
                if self.context.restore(names, change)? {
                    return Ok(());
                }
                let is_correlation = change.key.first() == Some(&correlate::LETTER);
                if is_correlation && self.correlator.restore(names, change)? {
                    restored.correlations += usize::from(change.value.is_some());
                } else if change.value.is_some() {
                    restored.skipped.push(change.key.clone());
                }
                Ok(())
            }
        }
    }

    /// What a step has to say so that another process can go on, if that was asked for: what it took in, or
    /// all keys that changed since the last checkpoint. Each key is there once, and the same after the same
    /// steps.
    pub(super) fn changes(&mut self, noted: Noted) -> Vec<Change> {
        let Some(told) = &self.told_time else { return Vec::new() };
        // The wall clock alone is no news: it would cost a transaction a second where nothing happens.
        let time = self.time(None);
        let moved = *told != time;
        match noted {
            Noted::Entries { inputs: 0, .. } if !moved && !self.has_decided => return Vec::new(),
            Noted::Entries { values, inputs } => {
                self.told_time = Some(time);
                return self.journal.enter(values, inputs, self.watermark.now_ms());
            }
            Noted::Checkpoint => {}
        }
        let mut changes = self.tables();
        // A tick that decided something must be known: it must not be done again with the first entry.
        if moved || !changes.is_empty() || !self.journal.is_empty() {
            let value = self.time(self.watermark.now_ms());
            self.journal.knows(self.watermark.now_ms());
            self.told_time = Some(time);
            changes.push(Change::new(vec![TIME], Some(value)));
        }
        self.journal.checkpoint(&mut changes);
        changes
    }

    /// The keys that changed since this was asked last.
    fn tables(&mut self) -> Vec<Change> {
        let mut changes = self.context.changes();
        self.seen.changes(&self.rules.table, &mut changes);
        let mut told = Vec::new();
        self.singles.changes(&self.rules.table, &mut told);
        told.append(&mut self.correlator.changes());
        self.shelf.put(told, &self.rules.table, &mut changes);
        changes
    }

    fn time(&self, now_ms: Option<i64>) -> Vec<u8> {
        written(&self.rules.table, |out| {
            self.watermark.write(now_ms, out);
            self.levels.write(out);
            self.expired_upto_ms.write(out);
        })
    }

    fn restore_time(&mut self, value: &[u8], names: &mut Names) -> Result<(), Corrupt> {
        let table = Arc::clone(&self.rules.table);
        whole(&table, names, value, |from| {
            self.watermark.restore(from)?;
            self.levels.restore(from)?;
            self.expired_upto_ms = Durable::read(from)?;
            Ok(())
        })
    }
}

/// Whether a key has to be written after others where they are not written at once: it says which events were
/// seen, or that steps need not be done again.
pub fn comes_last(key: &[u8]) -> bool {
    matches!(key.first(), Some(&chunks::NAME | &journal::NAME))
}

/// What the table of a key holds, for people.
fn table(key: &[u8]) -> &'static str {
    match key.first() {
        Some(b's') => "sessions",
        Some(b'u') => "users",
        Some(b'p') => "principals",
        Some(b'g') => "habits of token granters",
        Some(b'r') => "causes",
        Some(&chunks::NAME) => "event ids",
        Some(&single::NAME) => "alerts of single-event rules",
        Some(&journal::NAME) => "steps since the last checkpoint",
        Some(&TIME) if key.len() == 1 => "time",
        _ => "correlations",
    }
}

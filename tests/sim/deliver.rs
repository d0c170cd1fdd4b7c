//! How does a batch of a simulated process reach the cluster whole or not at all?

use std::collections::BTreeMap;

use super::broker::{Broker, Offsets, Refusal, Tag};
use super::log::{Body, Place, Topic};
use super::mistake::Mistake;
use super::worker::{Moment, Process};

/// What goes wrong at the next call that can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A record or the offsets are refused: the transaction is undone and the batch tried again.
    Undone,
    /// The commit happens, and its answer is lost.
    AnswerLost,
    /// The commit is lost on its way.
    CommitLost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Produce(usize),
    Offsets,
    Commit,
    /// Offsets that follow by themselves, by mistake.
    After,
}

/// What one step asked for, until it is committed.
#[derive(Debug)]
pub struct Batch {
    tag: Tag,
    records: Vec<(Place, Body)>,
    /// Where the process was before it read the batch.
    before: BTreeMap<Place, i64>,
    /// Where all of its partitions are to be read on.
    after: BTreeMap<Place, i64>,
    stage: Stage,
    attempts: u32,
    /// It may have been committed.
    is_unknown: bool,
    complaint: Option<String>,
}

impl Batch {
    pub fn new(
        tag: Tag,
        records: Vec<(Place, Body)>,
        (before, after): (BTreeMap<Place, i64>, BTreeMap<Place, i64>),
        complaint: Option<String>,
    ) -> Self {
        Self { tag, records, before, after, stage: Stage::Begin, attempts: 0, is_unknown: false, complaint }
    }
}

impl Process {
    /// One step of a batch's way; what is left of it is kept for the next turn.
    pub(super) fn deliver(&mut self, mut batch: Batch, broker: &mut Broker, moment: Moment) {
        if self.setup.makes(Mistake::HandsOverEarly) {
            self.hand_over(broker);
        }
        let goes_on = match batch.stage {
            Stage::Begin => self.attempt(&mut batch, broker),
            Stage::Produce(done) => self.produce(&mut batch, done, broker, moment),
            Stage::Offsets => self.send_offsets(&mut batch, broker, moment),
            Stage::Commit => self.commit(&mut batch, broker),
            Stage::After => {
                let is_current = self.id.is_some_and(|id| broker.group.is_current(id, self.generation));
                if is_current {
                    broker.commit_alone(self.offsets(&batch));
                }
                false
            }
        };
        if goes_on {
            self.batch = Some(batch);
        }
    }

    /// Begins, with a new producer if the last one is gone. Before any other attempt than the first the process
    /// hears whether its partitions are still its own.
    fn attempt(&mut self, batch: &mut Batch, broker: &mut Broker) -> bool {
        if batch.attempts > 0 {
            match self.id.and_then(|id| broker.group.poll(id)) {
                Some(seen) => self.generation = seen.generation,
                None if self.setup.makes(Mistake::KeepsBatch) => self.id = Some(broker.group.join()),
                None => {
                    self.lose();
                    return false;
                }
            }
        }
        if self.epoch.is_none() {
            self.epoch = broker.init(self.slot).ok();
            return true;
        }
        if batch.is_unknown && !self.setup.makes(Mistake::SendsTwice) {
            match self.is_committed(batch, broker) {
                Ok(true) => {
                    self.setup.note("found out that it was committed");
                    return self.done(batch);
                }
                Ok(false) => {
                    self.setup.note("found out that it was not committed");
                    batch.is_unknown = false;
                }
                Err(_) => return true,
            }
        }
        batch.attempts += 1;
        batch.stage = Stage::Produce(0);
        true
    }

    fn is_committed(&self, batch: &Batch, broker: &Broker) -> Result<bool, Refusal> {
        let mut found = false;
        for place in batch.after.keys() {
            found |= broker.committed(*place)?.is_some_and(|(_, tag)| tag == batch.tag);
        }
        Ok(found)
    }

    fn produce(&mut self, batch: &mut Batch, done: usize, broker: &mut Broker, moment: Moment) -> bool {
        if self.trouble == Some(Trouble::Undone) && done > 0 {
            self.trouble = None;
            return self.undo(batch, broker);
        }
        let many = 1 + moment.draw(4, 24) as usize;
        for number in done..batch.records.len().min(done + many) {
            let (place, body) = batch.records[number].clone();
            if place.0 == Topic::Changelog && self.setup.makes(Mistake::ChangesApart) {
                broker.parts.get_mut(&place).unwrap().append(body);
                continue;
            }
            match broker.produce(self.slot, self.epoch.unwrap(), place, body) {
                Ok(()) => {}
                Err(Refusal::Busy) => {
                    batch.stage = Stage::Produce(number);
                    return true;
                }
                Err(_) => return self.renew(batch),
            }
        }
        batch.stage = match done + many {
            sent if sent < batch.records.len() => Stage::Produce(sent),
            _ if self.setup.makes(Mistake::OffsetsApart) => Stage::Commit,
            _ => Stage::Offsets,
        };
        true
    }

    fn send_offsets(&mut self, batch: &mut Batch, broker: &mut Broker, moment: Moment) -> bool {
        if self.trouble == Some(Trouble::Undone) {
            self.trouble = None;
            return self.undo(batch, broker);
        }
        let Some(id) = self.id else { return self.undo(batch, broker) };
        // In the background a member may have come to a new generation in the meantime.
        if moment.draw(5, 2) == 0 {
            self.generation = broker.group.poll(id).map_or(self.generation, |seen| seen.generation);
        }
        let offsets = self.offsets(batch);
        match broker.send_offsets(self.slot, self.epoch.unwrap(), (id, self.generation), offsets) {
            Ok(()) => batch.stage = Stage::Commit,
            Err(Refusal::Busy) => {}
            Err(Refusal::NotCurrent) => {
                self.setup.note("was refused its offsets");
                return self.undo(batch, broker);
            }
            Err(Refusal::Fenced) => return self.renew(batch),
        }
        true
    }

    fn commit(&mut self, batch: &mut Batch, broker: &mut Broker) -> bool {
        let trouble = self.trouble.take();
        if trouble == Some(Trouble::CommitLost) {
            batch.is_unknown = true;
            return self.renew(batch);
        }
        match broker.end(self.slot, self.epoch.unwrap(), true) {
            Ok(()) if trouble == Some(Trouble::AnswerLost) => {
                batch.is_unknown = true;
                self.renew(batch)
            }
            Ok(()) if self.setup.makes(Mistake::OffsetsApart) => {
                batch.stage = Stage::After;
                true
            }
            Ok(()) => self.done(batch),
            Err(Refusal::Busy) => true,
            Err(_) => {
                batch.is_unknown = true;
                self.renew(batch)
            }
        }
    }

    fn done(&mut self, batch: &mut Batch) -> bool {
        self.setup.note("committed");
        if batch.attempts > 1 {
            self.setup.note("committed after another attempt");
        }
        self.complaints.extend(batch.complaint.take());
        false
    }

    /// The transaction is undone, and the same bytes are tried again.
    fn undo(&mut self, batch: &mut Batch, broker: &mut Broker) -> bool {
        batch.attempts = batch.attempts.max(1);
        batch.stage = Stage::Begin;
        if broker.end(self.slot, self.epoch.unwrap(), false).is_err() {
            self.epoch = None;
        }
        if self.setup.makes(Mistake::StepsAgain) {
            self.positions = std::mem::take(&mut batch.before);
            return false;
        }
        true
    }

    /// The producer is of no use any more.
    fn renew(&mut self, batch: &mut Batch) -> bool {
        self.setup.note("needed another producer");
        self.epoch = None;
        batch.attempts = batch.attempts.max(1);
        batch.stage = Stage::Begin;
        true
    }

    fn offsets(&self, batch: &Batch) -> Offsets {
        let by = match () {
            () if self.setup.makes(Mistake::OffsetsBehind) => -1,
            () if self.setup.makes(Mistake::OffsetsAhead) => 1,
            () => 0,
        };
        let offsets = batch.after.iter().map(|(place, next)| (*place, (*next + by).max(0)));
        (offsets.collect(), batch.tag)
    }
}

//! What did a shard take in since its tables were last written?
//!
//! Most keys change again and again, and writing each of them with every transaction costs several times what
//! all rules do. So the tables are written at *checkpoints* only, and in between a step writes what it took
//! in. A step is a function of state and input: whoever takes up the shard reads the tables as of the
//! checkpoint, does the steps after it once more, and says nothing of what they lead to, as that was said.
//!
//! An entry has the key `j` and a number that counts on; the next checkpoint takes it back. The key `j` alone
//! says which rules the steps were done by: one that was not among them takes no part when they are done
//! again, as what it would find was never told.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::shelf::Misread;
use super::wire::Wire;
use crate::config::{Config, Delivery};
use crate::correlate;
use crate::limits;
use crate::model::{Change, Input, RuleIndex};
use crate::rule::RuleSet;
use crate::state::{Corrupt, Durable, Names, Reader, Writer, whole, written};

/// The first byte of its keys.
pub(super) const NAME: u8 = b'j';

const TICK: u8 = 0;
const PARCEL: u8 = 1;
const ASSIGNED: u8 = 2;
const IDLE: u8 = 3;
const REVOKED: u8 = 4;
const COMPLETE: u8 = 5;

/// The steps since the last checkpoint, as far as they are written.
#[derive(Debug)]
pub(super) struct Journal {
    /// Inputs between two checkpoints; with none, each step is one.
    most: usize,
    rules: Arc<RuleSet>,
    names: Names,
    /// Made when it is first asked for: most shards, those of tests and replays, keep no journal.
    means: OnceCell<Means>,
    /// Those that stand in the changelog.
    told: Option<BTreeSet<u128>>,
    /// The numbers of the entries.
    entries: Range<u64>,
    inputs: usize,
    bytes: usize,
    /// The last tick that whoever does the steps again knows of.
    now_ms: Option<i64>,
    /// The next step is a checkpoint, however little was taken in.
    is_due: bool,
}

/// What a journal of a rule set needs.
#[derive(Debug)]
struct Means {
    wire: Wire,
    /// What the rules mean, each.
    meanings: Vec<u128>,
}

/// What a step took in.
#[derive(Debug)]
pub(super) enum Noted {
    /// As entries; `inputs` is how many there are, `0` if it was the wall clock alone.
    Entries { values: Vec<Vec<u8>>, inputs: usize },
    /// It is not written: the step is a checkpoint.
    Checkpoint,
}

/// What was read of a journal.
#[derive(Debug, Default)]
pub(super) struct Found {
    entries: BTreeMap<u64, Vec<u8>>,
    told: Option<BTreeSet<u128>>,
}

impl Journal {
    pub(super) fn new(rules: &Arc<RuleSet>, most: usize) -> Self {
        Self {
            most,
            rules: Arc::clone(rules),
            names: Names::default(),
            means: OnceCell::new(),
            told: None,
            entries: 0..0,
            inputs: 0,
            bytes: 0,
            now_ms: None,
            is_due: true,
        }
    }

    /// From now on steps are done by other rules.
    pub(super) fn set_rules(&mut self, rules: &Arc<RuleSet>) {
        (self.rules, self.means) = (Arc::clone(rules), OnceCell::new());
        self.is_due = true;
    }

    fn means(&self) -> &Means {
        self.means.get_or_init(|| Means::of(&self.rules))
    }

    /// Writes down what a step is going to take in, unless it is to be a checkpoint.
    pub(super) fn note(&self, batch: &[Input], now_ms: Option<i64>) -> Noted {
        let is_written = |input: &Input| !matches!(input, Input::Record(_) | Input::Event(_));
        let inputs = batch.iter().filter(|input| is_news(input)).count();
        let is_full = self.inputs + inputs > self.most || self.bytes > limits::JOURNAL_BYTES;
        if self.most == 0 || self.is_due || is_full || !batch.iter().all(is_written) {
            return Noted::Checkpoint;
        }
        // Ticks that changed nothing were not written; the last of them is all that matters. One that was
        // written must not come again: what waits is decided tick by tick.
        let last = now_ms.filter(|_| now_ms != self.now_ms).map(|now_ms| Input::Tick { now_ms });
        let (mut values, mut open) = (Vec::new(), Writer::once(&self.rules.table));
        for input in last.iter().chain(batch) {
            self.put(input, &mut open);
            if open.len() >= limits::JOURNAL_ENTRY_BYTES {
                let full = std::mem::replace(&mut open, Writer::once(&self.rules.table));
                values.push(full.finish().bytes);
            }
        }
        values.extend((!open.is_empty()).then(|| open.finish().bytes));
        Noted::Entries { values, inputs }
    }

    /// Adds the entries of a step, by whose end it is so late.
    pub(super) fn enter(&mut self, values: Vec<Vec<u8>>, inputs: usize, now_ms: Option<i64>) -> Vec<Change> {
        self.inputs += inputs;
        self.now_ms = now_ms;
        let enter = |value: Vec<u8>| {
            let number = self.entries.end;
            self.entries.end += 1;
            self.bytes += value.len();
            Change::new(key(number), Some(value))
        };
        values.into_iter().map(enter).collect()
    }

    /// The tables have been written: the entries go.
    pub(super) fn checkpoint(&mut self, out: &mut Vec<Change>) {
        if out.is_empty() && self.entries.is_empty() {
            return;
        }
        out.extend(self.entries.clone().map(|number| Change::new(key(number), None)));
        self.begin(self.entries.end..self.entries.end);
        self.is_due = false;
        if self.most == 0 {
            return;
        }
        let meanings: BTreeSet<u128> = self.means().meanings.iter().copied().collect();
        if self.told.as_ref() != Some(&meanings) {
            let value = written(&self.rules.table, |out| meanings.write(out));
            out.push(Change::new(vec![NAME], Some(value)));
            self.told = Some(meanings);
        }
    }

    /// How much of what stands between two checkpoints at most there is, in thousandths.
    pub(super) fn filled(&self) -> usize {
        let of = |there: usize, most: usize| (there * 1_000).checked_div(most).unwrap_or_default();
        of(self.inputs, self.most).max(of(self.bytes, limits::JOURNAL_BYTES))
    }

    /// The next step is to be a checkpoint.
    pub(super) fn ask(&mut self) {
        self.is_due = true;
    }

    /// Whoever goes on from here knows that it is so late.
    pub(super) fn knows(&mut self, now_ms: Option<i64>) {
        self.now_ms = now_ms;
    }

    /// Whether there are entries.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn begin(&mut self, entries: Range<u64>) {
        self.entries = entries;
        (self.inputs, self.bytes) = (0, 0);
    }

    /// Goes on behind what was found. Gives the rules of this process that the steps were not done by.
    pub(super) fn resume(&mut self, found: &Found) -> BTreeSet<RuleIndex> {
        let first = found.entries.keys().next().copied().unwrap_or_default();
        let end = found.entries.keys().next_back().map_or(first, |last| last + 1);
        self.begin(first..end);
        self.told.clone_from(&found.told);
        let told = found.told.as_ref();
        let is_strange = |meaning: &u128| !told.is_some_and(|told| told.contains(meaning));
        let meanings = (0..).map(RuleIndex).zip(&self.means().meanings);
        let strange: BTreeSet<RuleIndex> =
            meanings.filter(|(_, meaning)| is_strange(meaning)).map(|(rule, _)| rule).collect();
        self.is_due = told != Some(&self.means().meanings.iter().copied().collect());
        strange
    }

    /// What the step took in that an entry stands for. It is part of the journal again.
    pub(super) fn read(&mut self, number: u64, value: &[u8]) -> Result<Vec<Input>, Misread> {
        let Self { rules, means, names, .. } = self;
        let wire = &means.get_or_init(|| Means::of(rules)).wire;
        names.begin_once();
        let inputs = whole(&rules.table, names, value, |from| {
            let mut inputs = Vec::new();
            while !from.is_done() {
                inputs.extend(input(from, wire)?);
            }
            Ok(inputs)
        });
        self.names.end_once();
        let inputs = inputs.map_err(|why| (key(number), why))?;
        self.inputs += inputs.iter().filter(|input| is_news(input)).count();
        self.bytes += value.len();
        Ok(inputs)
    }

    fn put(&self, input: &Input, out: &mut Writer<'_>) {
        match input {
            Input::Parcel(cargo) => {
                out.raw(&[PARCEL]);
                self.means().wire.put(cargo, out);
            }
            Input::Tick { now_ms } => (TICK, *now_ms).write(out),
            Input::Assigned { topic, partition, next, highest_ms } => {
                out.raw(&[ASSIGNED]);
                topic.write(out);
                (*partition, *next).write(out);
                highest_ms.write(out);
            }
            Input::Idle { topic, partition } => source(IDLE, topic, *partition, out),
            Input::Revoked { topic, partition } => source(REVOKED, topic, *partition, out),
            Input::Complete { upto_ms } => (COMPLETE, *upto_ms).write(out),
            // Such a step is a checkpoint.
            Input::Record(_) | Input::Event(_) => {}
        }
    }
}

/// Inputs between two checkpoints. Where what a step says is not written at once, it may be there in part, and
/// a step that is done again must not find its own keys.
pub(super) fn most(config: &Config) -> usize {
    match config.engine.delivery {
        Delivery::ExactlyOnce => config.state.checkpoint_inputs,
        Delivery::AtLeastOnce => 0,
    }
}

impl Found {
    /// Takes a change of a key of the journal.
    pub(super) fn take(&mut self, change: &Change, rules: &RuleSet) -> Result<(), Corrupt> {
        let Change { key, value, .. } = change;
        let number = match key.get(1..).unwrap_or_default() {
            [] => {
                let read = |value: &Vec<u8>| whole(&rules.table, &mut Names::default(), value, Durable::read);
                self.told = value.as_ref().map(read).transpose()?;
                return Ok(());
            }
            number => number.try_into().map(u64::from_be_bytes).map_err(|_| Corrupt("number of an entry"))?,
        };
        match value {
            Some(value) => self.entries.insert(number, value.clone()),
            None => self.entries.remove(&number),
        };
        Ok(())
    }

    /// The entries in their order.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.entries.into_iter()
    }
}

/// Whether an input says more than what time it is.
fn is_news(input: &Input) -> bool {
    !matches!(input, Input::Tick { .. })
}

fn source(tag: u8, topic: &Arc<str>, partition: i32, out: &mut Writer<'_>) {
    out.raw(&[tag]);
    topic.write(out);
    partition.write(out);
}

/// The next input; `None` for a parcel of a rule that is not there.
fn input(from: &mut Reader<'_>, wire: &Wire) -> Result<Option<Input>, Corrupt> {
    let [tag] = from.array()?;
    Ok(Some(match tag {
        TICK => Input::Tick { now_ms: Durable::read(from)? },
        PARCEL => return Ok(wire.take(from)?.map(Input::Parcel)),
        ASSIGNED => {
            let topic = from.shared()?;
            let (partition, next) = Durable::read(from)?;
            Input::Assigned { topic, partition, next, highest_ms: Durable::read(from)? }
        }
        IDLE => Input::Idle { topic: from.shared()?, partition: Durable::read(from)? },
        REVOKED => Input::Revoked { topic: from.shared()?, partition: Durable::read(from)? },
        COMPLETE => Input::Complete { upto_ms: Durable::read(from)? },
        _ => return Err(Corrupt("input of a step")),
    }))
}

fn key(number: u64) -> Vec<u8> {
    [&[NAME][..], &number.to_be_bytes()].concat()
}

impl Means {
    fn of(rules: &Arc<RuleSet>) -> Self {
        let places = (0..).map(RuleIndex).zip(&rules.rules);
        let meanings = places.map(|(index, _)| correlate::meaning(rules, index)).collect();
        Self { wire: Wire::new(Arc::clone(rules)), meanings }
    }
}

#[cfg(test)]
mod tests;

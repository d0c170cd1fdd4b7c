//! What does the cluster do: transactions, their markers, and the offsets of the group?
//!
//! A transaction is decided before anybody sees it: its markers come to the partitions one by one, in any
//! order, and to the offsets of the group like to any other partition.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Group, MemberId};
use super::log::{Body, Partition, Place};

/// Which batch an offset was committed with.
pub type Tag = (u64, u64);

/// Offsets to commit, and with what tag.
pub type Offsets = (Vec<(Place, i64)>, Tag);

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is a newer producer of the same name.
    Fenced,
    /// The transaction before has not ended yet: try again.
    Busy,
    /// The generation is not the group's, or the member is not.
    NotCurrent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Log(Place),
    Offsets,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Open,
    Ending {
        is_committed: bool,
    },
}

#[derive(Debug, Default)]
struct Producer {
    epoch: u32,
    state: State,
    touched: BTreeSet<Target>,
    offsets: Option<Offsets>,
}

/// The cluster.
#[derive(Debug)]
pub struct Broker {
    pub parts: BTreeMap<Place, Partition>,
    pub group: Group,
    producers: Vec<Producer>,
    committed: BTreeMap<Place, (i64, Tag)>,
    /// Generations are not looked at.
    pub believes_all: bool,
}

impl Broker {
    pub fn new(places: &[Place], read: &[Place], producers: usize) -> Self {
        Self {
            parts: places.iter().map(|place| (*place, Partition::default())).collect(),
            group: Group::new(read.iter().copied()),
            producers: (0..producers).map(|_| Producer::default()).collect(),
            committed: BTreeMap::new(),
            believes_all: false,
        }
    }

    pub fn part(&self, place: Place) -> &Partition {
        &self.parts[&place]
    }

    /// A new producer of this name: what the one before left open is undone first.
    pub fn init(&mut self, name: usize) -> Result<u32, Refusal> {
        self.expire(name);
        let producer = &mut self.producers[name];
        if !matches!(producer.state, State::Empty) {
            return Err(Refusal::Busy);
        }
        producer.epoch += 1;
        Ok(producer.epoch)
    }

    /// The epoch of the newest producer of this name.
    pub fn epoch(&self, name: usize) -> u32 {
        self.producers[name].epoch
    }

    /// The open transaction of this name took too long.
    pub fn expire(&mut self, name: usize) {
        let producer = &mut self.producers[name];
        if matches!(producer.state, State::Open) {
            producer.epoch += 1;
            producer.state = State::Ending { is_committed: false };
            self.close(name);
        }
    }

    pub fn produce(&mut self, name: usize, epoch: u32, place: Place, body: Body) -> Result<(), Refusal> {
        self.open(name, epoch)?.touched.insert(Target::Log(place));
        self.parts.get_mut(&place).unwrap().append_open(name, body);
        Ok(())
    }

    pub fn send_offsets(
        &mut self,
        name: usize,
        epoch: u32,
        (member, generation): (MemberId, u64),
        offsets: Offsets,
    ) -> Result<(), Refusal> {
        let is_current = self.believes_all || self.group.is_current(member, generation);
        let producer = self.open(name, epoch)?;
        if !is_current {
            return Err(Refusal::NotCurrent);
        }
        producer.touched.insert(Target::Offsets);
        producer.offsets = Some(offsets);
        Ok(())
    }

    /// The transaction is decided; that can be seen when its markers have come.
    pub fn end(&mut self, name: usize, epoch: u32, is_committed: bool) -> Result<(), Refusal> {
        let producer = self.open(name, epoch)?;
        producer.state = State::Ending { is_committed };
        self.close(name);
        Ok(())
    }

    /// Offsets by themselves, outside of any transaction.
    pub fn commit_alone(&mut self, offsets: Offsets) {
        self.commit(offsets);
    }

    /// Where the group stands in a partition; an error while a transaction may still move it.
    pub fn committed(&self, place: Place) -> Result<Option<(i64, Tag)>, Refusal> {
        let moves = |producer: &Producer| {
            let offsets = producer.offsets.iter().flat_map(|(offsets, _)| offsets);
            producer.touched.contains(&Target::Offsets)
                && offsets.into_iter().any(|(other, _)| *other == place)
        };
        match self.producers.iter().any(moves) {
            true => Err(Refusal::Busy),
            false => Ok(self.committed_so_far(place)),
        }
    }

    /// The same, whatever is under way.
    pub fn committed_so_far(&self, place: Place) -> Option<(i64, Tag)> {
        self.committed.get(&place).copied()
    }

    /// The next marker comes to some partition.
    pub fn write_marker(&mut self, salt: u64) -> bool {
        let ending = |producer: &Producer| matches!(producer.state, State::Ending { .. });
        let due = self.producers.iter().enumerate().filter(|(_, producer)| ending(producer));
        let due: Vec<(usize, Target)> = due
            .flat_map(|(name, producer)| producer.touched.iter().map(move |target| (name, *target)))
            .collect();
        let Some(last) = (due.len() as u64).checked_sub(1) else { return self.close_all() };
        let (name, target) = due[(salt % (last + 1)) as usize];
        let producer = &mut self.producers[name];
        let State::Ending { is_committed } = producer.state else { return false };
        producer.touched.remove(&target);
        match target {
            Target::Log(place) => self.parts.get_mut(&place).unwrap().end(name, is_committed),
            Target::Offsets => {
                let offsets = producer.offsets.take();
                offsets.into_iter().filter(|_| is_committed).for_each(|offsets| self.commit(offsets));
            }
        }
        self.close(name);
        true
    }

    fn close_all(&mut self) -> bool {
        (0..self.producers.len()).for_each(|name| self.close(name));
        false
    }

    /// A transaction whose markers have all come has ended.
    fn close(&mut self, name: usize) {
        let producer = &mut self.producers[name];
        if producer.touched.is_empty() && matches!(producer.state, State::Ending { .. }) {
            producer.offsets = None;
            producer.state = State::Empty;
        }
    }

    fn commit(&mut self, (offsets, tag): Offsets) {
        self.committed.extend(offsets.into_iter().map(|(place, next)| (place, (next, tag))));
    }

    /// The producer with an open transaction; what it does first opens one.
    fn open(&mut self, name: usize, epoch: u32) -> Result<&mut Producer, Refusal> {
        let producer = &mut self.producers[name];
        if producer.epoch != epoch {
            return Err(Refusal::Fenced);
        }
        match producer.state {
            State::Ending { .. } => return Err(Refusal::Busy),
            State::Empty => producer.state = State::Open,
            State::Open => {}
        }
        Ok(producer)
    }
}

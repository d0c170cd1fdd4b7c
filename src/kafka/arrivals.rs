//! Where does a worker begin with partitions that are new to it?
//!
//! An input partition begins where the group stands in it. So does a shard's partition of the repartition
//! topic, once the shard is as it was then: restored from the changelog. Both are asked and read beside the
//! worker, by threads of their own, so that what it has already goes on. Until then a new partition is
//! assigned but paused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::backoff::Backoff;
use super::batch;
use super::client::{self, Isolation, Role};
use super::context::Context;
use super::restore;
use super::shared::Shared;
use super::sink::CALL;
use crate::config::Start;
use crate::engine::{Placement, Restored, Shard, Source};
use crate::error::Failure;
use crate::limits;
use crate::telemetry::Fact;

/// What a worker learns of partitions that it asked for.
#[derive(Debug)]
pub enum Arrival {
    /// All partitions that the input topics have.
    Sources(BTreeSet<Source>),
    /// The partition can be read.
    Ready(Box<Ready>),
    /// A person has to act.
    Failed(Failure),
}

/// A partition that can be read.
#[derive(Debug)]
pub struct Ready {
    /// Which, and of which request.
    pub ticket: Ticket,
    /// Where it begins.
    pub start: Position,
    /// What the shard was, if it is one's.
    pub shard: Option<(Shard, Restored)>,
}

/// Where the group stands in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The offset to read next.
    pub next: i64,
    /// The highest `published` of what the group has read of it, ms.
    pub highest_ms: Option<i64>,
    /// The group committed it; else it stands nowhere yet.
    pub is_committed: bool,
}

/// A request for one partition. It ends when the partition goes elsewhere.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The partition.
    pub source: Source,
    cancelled: Arc<AtomicBool>,
}

impl Ticket {
    /// Nobody waits for it any more.
    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// The partitions of one worker that cannot be read yet.
#[derive(Debug)]
pub struct Arrivals {
    waiting: BTreeMap<Source, Ticket>,
    /// Shards that are restored before it is known which partitions the input has: their time would be
    /// that of those partitions alone which they hear of.
    early: Vec<Ready>,
    knows_sources: bool,
    sender: Sender<Arrival>,
    arrived: Receiver<Arrival>,
}

/// What the threads of one request share.
struct Job {
    shared: Arc<Shared>,
    worker: usize,
    shards: u32,
    inputs: Vec<Ticket>,
    restoring: Vec<Ticket>,
    /// Those of them that no thread has begun with.
    restores: Mutex<VecDeque<Ticket>>,
    sender: Sender<Arrival>,
}

impl Default for Arrivals {
    fn default() -> Self {
        let (sender, arrived) = channel();
        Self { waiting: BTreeMap::new(), early: Vec::new(), knows_sources: false, sender, arrived }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.waiting.values().for_each(Ticket::cancel);
    }
}

impl Arrivals {
    /// Asks for partitions. The threads end by themselves.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn ask(
        &mut self,
        shared: &Arc<Shared>,
        (worker, shards): (usize, u32),
        partitions: &[Source],
    ) -> Result<(), Failure> {
        let (mut inputs, mut restoring) = (Vec::new(), Vec::new());
        for source in partitions {
            let ticket = Ticket { source: source.clone(), cancelled: Arc::default() };
            if let Some(old) = self.waiting.insert(source.clone(), ticket.clone()) {
                old.cancel();
            }
            if *source.0 == *shared.config.state.repartition {
                restoring.push(ticket);
            } else {
                inputs.push(ticket);
            }
        }
        let threads = restoring.len().clamp(1, limits::RESTORING_THREADS);
        let job = Arc::new(Job {
            shared: Arc::clone(shared),
            worker,
            shards,
            inputs,
            restores: Mutex::new(restoring.iter().cloned().collect()),
            restoring,
            sender: self.sender.clone(),
        });
        for number in 0..threads {
            let job = Arc::clone(&job);
            let work = move || job.work(number == 0);
            let spawned = thread::Builder::new().name(format!("restore-{worker}-{number}")).spawn(work);
            spawned.map_err(|error| Failure::new("cannot start a thread that restores").detail(error))?;
        }
        Ok(())
    }

    /// The partition went elsewhere.
    pub fn cancel(&mut self, source: &Source) {
        if let Some(ticket) = self.waiting.remove(source) {
            ticket.cancel();
        }
    }

    /// What has come since the last call, of what is still waited for.
    pub fn next(&mut self) -> Option<Arrival> {
        loop {
            let early =
                self.early.pop_if(|_| self.knows_sources).map(|ready| Arrival::Ready(Box::new(ready)));
            let arrival = early.or_else(|| self.arrived.try_recv().ok())?;
            match arrival {
                Arrival::Ready(ready) if ready.ticket.is_cancelled() => {}
                Arrival::Ready(ready) if ready.shard.is_some() && !self.knows_sources => {
                    self.early.push(*ready)
                }
                Arrival::Ready(ready) => {
                    self.waiting.remove(&ready.ticket.source);
                    return Some(Arrival::Ready(ready));
                }
                Arrival::Sources(_) => {
                    self.knows_sources = true;
                    return Some(arrival);
                }
                Arrival::Failed(_) => return Some(arrival),
            }
        }
    }

    /// Whether the partition cannot be read yet.
    pub fn awaits(&self, topic: &str, partition: i32) -> bool {
        self.waiting.keys().any(|(other, number)| **other == *topic && *number == partition)
    }

    /// The partitions that cannot be read yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Source> {
        self.waiting.keys()
    }
}

impl Job {
    /// One of the threads; the first also asks where the input begins.
    fn work(&self, is_first: bool) {
        if let Err(failure) = self.try_work(is_first) {
            self.tell(Arrival::Failed(failure));
        }
    }

    fn try_work(&self, is_first: bool) -> Result<(), Failure> {
        let reader = self.client(Isolation::Committed)?;
        if is_first {
            self.begin_inputs(&reader);
        }
        let watcher = self.client(Isolation::Uncommitted)?;
        let mut backoff = Backoff::default();
        while let Some(ticket) = self.next_shard() {
            if !self.is_wanted(&ticket) {
                continue;
            }
            match self.restore(&reader, &watcher, &ticket) {
                Ok(ready) => {
                    self.tell(Arrival::Ready(Box::new(ready?)));
                    backoff.reset();
                }
                Err(_) if !self.is_wanted(&ticket) => {}
                // Others may be read meanwhile.
                Err(error) => {
                    self.complain(&error);
                    self.restores().push_back(ticket);
                    thread::sleep(backoff.wait());
                }
            }
        }
        Ok(())
    }

    fn client(&self, isolation: Isolation) -> Result<BaseConsumer<Context>, Failure> {
        client::properties(&self.shared.config, Role::Reader { isolation })?
            .create_with_context(Context::new(Arc::clone(&self.shared.telemetry)))
            .map_err(|error| client::not_created(&error))
    }

    fn restores(&self) -> MutexGuard<'_, VecDeque<Ticket>> {
        self.restores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_shard(&self) -> Option<Ticket> {
        self.restores().pop_front()
    }

    /// Nobody listens any more only when the worker is gone, and then nothing is missed.
    fn tell(&self, arrival: Arrival) {
        let _gone = self.sender.send(arrival);
    }

    fn is_wanted(&self, ticket: &Ticket) -> bool {
        !ticket.is_cancelled() && !self.shared.is_stopping()
    }

    fn complain(&self, error: &KafkaError) {
        let (worker, error) = (self.worker, error.to_string());
        self.shared.telemetry.observe(&Fact::ConsumerError { worker, error: &error });
    }

    /// Which partitions the input has, and where the group stands in those that were asked for. What cannot
    /// be answered now is asked again, and keeps nothing else waiting.
    fn begin_inputs(&self, reader: &BaseConsumer<Context>) {
        let mut inputs: Vec<&Ticket> = self.inputs.iter().collect();
        let mut asked: Option<BTreeSet<Source>> = None;
        let mut backoff = Backoff::default();
        let is_asked_for = |inputs: &[&Ticket], asked: &Option<BTreeSet<Source>>| {
            !inputs.is_empty() || (asked.is_none() && self.restoring.iter().any(|one| self.is_wanted(one)))
        };
        while is_asked_for(&inputs, &asked) {
            if asked.is_none() {
                let topics = &self.shared.config.input.topics;
                match sources(reader, topics, CALL) {
                    Ok(sources) => self.tell(Arrival::Sources(asked.insert(sources).clone())),
                    Err(error) => self.complain(&error),
                }
            }
            inputs
                .retain(|ticket| self.is_wanted(ticket) && !self.begin_input(reader, ticket, asked.as_ref()));
            if is_asked_for(&inputs, &asked) {
                thread::sleep(backoff.wait());
            }
        }
    }

    /// Says where an input partition begins, if that can be known now.
    fn begin_input(
        &self,
        reader: &BaseConsumer<Context>,
        ticket: &Ticket,
        sources: Option<&BTreeSet<Source>>,
    ) -> bool {
        match self.position(reader, &ticket.source, sources) {
            Ok(Some(start)) => {
                self.tell(Arrival::Ready(Box::new(Ready { ticket: ticket.clone(), start, shard: None })));
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    /// Where the group stands, or begins where it stands nowhere; `None` if that needs to be told the
    /// partitions of the input.
    fn position(
        &self,
        reader: &BaseConsumer<Context>,
        source: &Source,
        sources: Option<&BTreeSet<Source>>,
    ) -> KafkaResult<Option<Position>> {
        let (topic, partition) = (&*source.0, source.1);
        if let Some(committed) = committed(reader, [source])?.first() {
            return Ok(Some(*committed));
        }
        let (low, high) = reader.fetch_watermarks(topic, partition, CALL)?;
        let is_input = *topic != *self.shared.config.state.repartition;
        if !is_input || self.shared.config.input.start == Start::Earliest {
            return Ok(Some(Position { next: low, highest_ms: None, is_committed: false }));
        }
        // A partition that was added since the group began is read from its beginning.
        let Some(sources) = sources else { return Ok(None) };
        let others = sources.iter().filter(|(other, _)| **other == *topic);
        let is_new_group = committed(reader, others)?.is_empty();
        let next = if is_new_group { high } else { low };
        Ok(Some(Position { next, highest_ms: None, is_committed: false }))
    }

    fn restore(
        &self,
        reader: &BaseConsumer<Context>,
        watcher: &BaseConsumer<Context>,
        ticket: &Ticket,
    ) -> KafkaResult<Result<Ready, Failure>> {
        let start = self.position(reader, &ticket.source, None)?.ok_or(KafkaError::Canceled)?;
        let shard = u32::try_from(ticket.source.1).unwrap_or(u32::MAX);
        let placement = Placement { shard, shards: self.shards };
        let reading =
            restore::Reading { shared: &self.shared, worker: self.worker, placement, reader, watcher };
        match reading.read(|| self.is_wanted(ticket)) {
            Ok(shard) => Ok(Ok(Ready { ticket: ticket.clone(), start, shard: Some(shard) })),
            Err(restore::Trouble::Kafka(error)) => Err(error),
            Err(restore::Trouble::Unreadable(failure)) => Ok(Err(failure)),
            Err(restore::Trouble::Unwanted) => Err(KafkaError::Canceled),
        }
    }
}

/// Where the group stands in those of these partitions in which it does.
fn committed<'s>(
    reader: &BaseConsumer<Context>,
    sources: impl IntoIterator<Item = &'s Source>,
) -> KafkaResult<Vec<Position>> {
    let mut asked = TopicPartitionList::new();
    for (topic, partition) in sources {
        asked.add_partition(topic, *partition);
    }
    let mut positions = Vec::new();
    for element in reader.committed_offsets(asked, CALL)?.elements() {
        // While a transaction that moves it is open, say.
        element.error()?;
        if let Offset::Offset(next) = element.offset() {
            let highest_ms = batch::newest_ms(element.metadata());
            positions.push(Position { next, highest_ms, is_committed: true });
        }
    }
    Ok(positions)
}

/// All partitions of the input topics; a topic that is not there has none.
///
/// # Errors
/// The cluster does not answer.
pub fn sources(
    consumer: &BaseConsumer<Context>,
    topics: &[String],
    patience: Duration,
) -> KafkaResult<BTreeSet<Source>> {
    let mut sources = BTreeSet::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), patience)?;
        let Some(found) = metadata.topics().first() else { continue };
        match found.error().map(RDKafkaErrorCode::from) {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => continue,
            // It is there, and has no leader yet, say.
            Some(code) => return Err(KafkaError::MetadataFetch(code)),
        }
        let name: Arc<str> = Arc::from(topic.as_str());
        sources.extend(found.partitions().iter().map(|partition| (Arc::clone(&name), partition.id())));
    }
    Ok(sources)
}

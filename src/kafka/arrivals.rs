//! Where does a worker begin with partitions that are new to it?
//!
//! An input partition begins where the group stands in it. So does a shard's partition of the repartition
//! topic, once the shard is as it was then: restored from the changelog. Both are asked and read beside the
//! worker, by threads of their own, so that what it has already goes on. Until then a new partition is
//! assigned but paused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
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
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The partitions of one worker that cannot be read yet.
#[derive(Debug)]
pub struct Arrivals {
    waiting: BTreeMap<Source, Ticket>,
    sender: Sender<Arrival>,
    arrived: Receiver<Arrival>,
}

/// What the threads of one request share.
struct Job {
    shared: Arc<Shared>,
    worker: usize,
    shards: u32,
    inputs: Vec<Ticket>,
    restores: Mutex<VecDeque<Ticket>>,
    sender: Sender<Arrival>,
}

impl Default for Arrivals {
    fn default() -> Self {
        let (sender, arrived) = channel();
        Self { waiting: BTreeMap::new(), sender, arrived }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.waiting.values().for_each(Ticket::cancel);
    }
}

impl Ticket {
    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
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
        let (mut inputs, mut restores) = (Vec::new(), VecDeque::new());
        for source in partitions {
            let ticket = Ticket { source: source.clone(), cancelled: Arc::default() };
            if let Some(old) = self.waiting.insert(source.clone(), ticket.clone()) {
                old.cancel();
            }
            if *source.0 == *shared.config.state.repartition {
                restores.push_back(ticket);
            } else {
                inputs.push(ticket);
            }
        }
        let threads = restores.len().clamp(1, limits::RESTORING_THREADS);
        let job = Arc::new(Job {
            shared: Arc::clone(shared),
            worker,
            shards,
            inputs,
            restores: Mutex::new(restores),
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
            let arrival = self.arrived.try_recv().ok()?;
            if let Arrival::Ready(ready) = &arrival {
                if ready.ticket.is_cancelled() {
                    continue;
                }
                self.waiting.remove(&ready.ticket.source);
            }
            return Some(arrival);
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
            self.sources(&reader);
            self.positions(&reader);
        }
        let watcher = self.client(Isolation::Uncommitted)?;
        while let Some(ticket) = self.next_shard() {
            self.restore(&reader, &watcher, &ticket)?;
        }
        Ok(())
    }

    fn client(&self, isolation: Isolation) -> Result<BaseConsumer<Context>, Failure> {
        client::properties(&self.shared.config, Role::Reader { isolation })?
            .create_with_context(Context::new(Arc::clone(&self.shared.telemetry)))
            .map_err(|error| client::not_created(&error))
    }

    fn next_shard(&self) -> Option<Ticket> {
        self.restores.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Nobody listens any more only when the worker is gone, and then nothing is missed.
    fn tell(&self, arrival: Arrival) {
        let _gone = self.sender.send(arrival);
    }

    fn is_wanted(&self, ticket: &Ticket) -> bool {
        !ticket.is_cancelled() && !self.shared.is_stopping()
    }

    /// Tries until it succeeds or nobody wants it any more.
    fn insist<T>(&self, ticket: &Ticket, mut call: impl FnMut() -> KafkaResult<T>) -> Option<T> {
        let mut backoff = Backoff::default();
        while self.is_wanted(ticket) {
            match call() {
                Ok(value) => return Some(value),
                Err(error) => {
                    let (worker, error) = (self.worker, error.to_string());
                    self.shared.telemetry.observe(&Fact::ConsumerError { worker, error: &error });
                    thread::sleep(backoff.wait());
                }
            }
        }
        None
    }

    fn sources(&self, reader: &BaseConsumer<Context>) {
        let unasked = Ticket { source: (Arc::from(""), 0), cancelled: Arc::default() };
        let first = self.inputs.first().cloned();
        let first = first.or_else(|| self.restores.lock().ok()?.front().cloned()).unwrap_or(unasked);
        let topics = &self.shared.config.input.topics;
        if let Some(sources) = self.insist(&first, || sources(reader, topics, CALL)) {
            self.tell(Arrival::Sources(sources));
        }
    }

    fn positions(&self, reader: &BaseConsumer<Context>) {
        for ticket in &self.inputs {
            if let Some(start) = self.insist(ticket, || self.position(reader, &ticket.source)) {
                self.tell(Arrival::Ready(Box::new(Ready { ticket: ticket.clone(), start, shard: None })));
            }
        }
    }

    /// Where the group stands, which is waited for while a transaction that moves it is open.
    fn position(&self, reader: &BaseConsumer<Context>, source: &Source) -> KafkaResult<Position> {
        let (topic, partition) = (&*source.0, source.1);
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, partition);
        let committed = reader.committed_offsets(asked, CALL)?;
        if let Some(element) = committed.find_partition(topic, partition) {
            // While a transaction that moves it is open, say.
            element.error()?;
            if let Offset::Offset(next) = element.offset() {
                return Ok(Position { next, highest_ms: batch::newest_ms(element.metadata()) });
            }
        }
        let (low, high) = reader.fetch_watermarks(topic, partition, CALL)?;
        let is_input = *topic != *self.shared.config.state.repartition;
        let latest = is_input && self.shared.config.input.start == Start::Latest;
        Ok(Position { next: if latest { high } else { low }, highest_ms: None })
    }

    fn restore(
        &self,
        reader: &BaseConsumer<Context>,
        watcher: &BaseConsumer<Context>,
        ticket: &Ticket,
    ) -> Result<(), Failure> {
        let position = self.insist(ticket, || self.position(reader, &ticket.source));
        let Some(start) = position else { return Ok(()) };
        let placement =
            Placement { shard: u32::try_from(ticket.source.1).unwrap_or(u32::MAX), shards: self.shards };
        let reading =
            restore::Reading { shared: &self.shared, worker: self.worker, placement, reader, watcher };
        let restored = self.insist(ticket, || match reading.read(|| self.is_wanted(ticket)) {
            Ok(shard) => Ok(Ok(shard)),
            Err(restore::Trouble::Kafka(error)) => Err(error),
            Err(restore::Trouble::Unreadable(failure)) => Ok(Err(failure)),
            Err(restore::Trouble::Unwanted) => Err(KafkaError::Canceled),
        });
        if let Some(shard) = restored {
            self.tell(Arrival::Ready(Box::new(Ready { ticket: ticket.clone(), start, shard: Some(shard?) })));
        }
        Ok(())
    }
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

//! How does a batch reach the cluster whole or not at all?

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::Offset;

use super::batch::{Batch, Outgoing};
use super::client::{self, Role};
use super::clock;
use super::context::Context;
use super::reaction::{Operation, Reaction, is_fenced, is_out_of_date, reaction};
use crate::config::{Config, Delivery};
use crate::error::Failure;
use crate::limits;
use crate::telemetry::{Outcome, Telemetry};

/// How long any one call may take.
pub(super) const CALL: Duration = Duration::from_millis(limits::CLUSTER_CALL_MS);

/// Pause between two looks for reports of delivery, short beside a round trip to a broker.
const REPORT_PAUSE: Duration = Duration::from_micros(200);

/// How often a call is made again before its error counts.
const ATTEMPTS: u32 = 5;

/// The producer of one worker.
pub struct Sink {
    producer: BaseProducer<Context>,
    transactional: bool,
    alone: bool,
}

/// An attempt that did not commit, or is not known to have.
#[derive(Debug)]
pub struct Setback {
    /// Which call failed.
    pub operation: Operation,
    /// How the transaction ended.
    pub outcome: Outcome,
    /// It may have been committed.
    pub unknown: bool,
    /// The producer must not be used again.
    pub renew: bool,
    /// Nor may anything else of the worker.
    pub restart: bool,
    /// The group is moving partitions; this passes, or they are lost.
    pub out_of_date: bool,
    /// The group does not know this member, or its generation: until it has another, nothing is committed.
    pub disowned: bool,
    /// Places in the batch of records that the broker found too large.
    pub too_large: Vec<usize>,
    /// The cluster's words.
    pub error: String,
}

impl Setback {
    fn new(operation: Operation, error: &KafkaError) -> Self {
        let reaction = reaction(operation, error);
        // What cannot even begin has nothing to undo.
        let renew = reaction != Reaction::Undo || operation == Operation::Begin;
        // Also an error that asks for an abort may follow a commit whose answer was lost.
        let unknown = operation == Operation::Commit;
        let outcome = match (is_fenced(error), unknown && renew) {
            (true, _) => Outcome::Fenced,
            (false, true) => Outcome::Unknown,
            (false, false) => Outcome::Aborted,
        };
        Self {
            operation,
            outcome,
            unknown,
            renew,
            restart: reaction == Reaction::Restart,
            out_of_date: is_out_of_date(error),
            disowned: matches!(
                error.rdkafka_error_code(),
                Some(Code::UnknownMemberId | Code::IllegalGeneration)
            ),
            too_large: Vec::new(),
            error: error.to_string(),
        }
    }
}

impl Sink {
    /// A producer that is ready to begin; whatever its predecessor left open has ended. With `alone`
    /// it sends each record by itself: what the broker refuses is then refused for its own sake, not
    /// for its neighbours'.
    ///
    /// # Errors
    /// The outer: settings that are not accepted. The inner: the cluster does not answer.
    pub fn open(
        config: &Config,
        worker: usize,
        alone: bool,
        telemetry: &Arc<Telemetry>,
    ) -> Result<Result<Self, Setback>, Failure> {
        let transactional = config.engine.delivery == Delivery::ExactlyOnce;
        let mut properties = client::properties(config, Role::Producer { worker })?;
        if alone {
            properties.set("batch.num.messages", "1");
        }
        let producer: BaseProducer<Context> = properties
            .create_with_context(Context::new(Arc::clone(telemetry)))
            .map_err(|error| client::not_created(&error))?;
        if transactional && let Err(error) = producer.init_transactions(CALL) {
            return Ok(Err(Setback::new(Operation::Init, &error)));
        }
        Ok(Ok(Self { producer, transactional, alone }))
    }

    /// Whether it sends each record by itself.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Produces the batch and commits its offsets with it.
    ///
    /// # Errors
    /// See [`Setback`]; unless its outcome is unknown, nothing of the batch can be read by anyone.
    pub fn deliver(&self, batch: &mut Batch, consumer: &BaseConsumer<Context>) -> Result<(), Setback> {
        if self.transactional {
            return self.transact(batch, consumer);
        }
        if !batch.produced {
            // A shard must not remember an event whose alerts nobody has, or that its windows do not hold.
            for turn in 0..=2 {
                self.produce(batch, |outgoing| outgoing.turn() == turn)?;
                self.drain()?;
            }
            batch.produced = true;
        }
        if batch.offsets.is_empty() {
            return Ok(());
        }
        let committed = consumer.commit(&offsets(batch), CommitMode::Sync);
        committed.map_err(|error| Setback::new(Operation::Offsets, &error))
    }

    fn transact(&self, batch: &Batch, consumer: &BaseConsumer<Context>) -> Result<(), Setback> {
        self.call(Operation::Begin, || self.producer.begin_transaction())?;
        let sent = self
            .produce(batch, |_| true)
            .and_then(|()| self.drain())
            .and_then(|()| self.send_offsets(batch, consumer));
        let ended =
            sent.and_then(|()| self.call(Operation::Commit, || self.producer.commit_transaction(CALL)));
        ended.map_err(|setback| self.undo(setback))
    }

    fn send_offsets(&self, batch: &Batch, consumer: &BaseConsumer<Context>) -> Result<(), Setback> {
        if batch.offsets.is_empty() {
            return Ok(());
        }
        let offsets = offsets(batch);
        self.call(Operation::Offsets, || {
            // Taken anew each time: it names the generation, and a member of an old one must fail.
            let group = consumer.group_metadata().ok_or(KafkaError::ConsumerCommit(Code::UnknownMemberId))?;
            self.producer.send_offsets_to_transaction(&offsets, &group, CALL)
        })
    }

    /// The same call a few times, as long as its error says that this helps.
    fn call(
        &self,
        operation: Operation,
        mut call: impl FnMut() -> Result<(), KafkaError>,
    ) -> Result<(), Setback> {
        let mut attempt = 1;
        loop {
            match call() {
                Ok(()) => return Ok(()),
                Err(error) if reaction(operation, &error) == Reaction::Again && attempt < ATTEMPTS => {
                    self.producer.poll(Duration::from_millis(20) * attempt);
                    attempt += 1;
                }
                Err(error) => return Err(Setback::new(operation, &error)),
            }
        }
    }

    fn produce(&self, batch: &Batch, is_due: impl Fn(&Outgoing) -> bool) -> Result<(), Setback> {
        // Reports of an earlier attempt have nothing to say about this one.
        drop(self.context().failures());
        let mut too_large = Vec::new();
        for (place, outgoing) in batch.records.iter().enumerate().filter(|(_, outgoing)| is_due(outgoing)) {
            match self.send(outgoing, place) {
                Err(setback) if setback.too_large.is_empty() => return Err(setback),
                Err(setback) => too_large.extend(setback.too_large),
                Ok(()) => {}
            }
        }
        refuse(too_large)
    }

    fn send(&self, outgoing: &Outgoing, place: usize) -> Result<(), Setback> {
        let deadline = clock::instant() + CALL;
        loop {
            match self.producer.send(message(outgoing, place)) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::MessageSizeTooLarge), _)) => {
                    return refuse(vec![place]);
                }
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) if clock::instant() < deadline => {
                    self.producer.poll(Duration::from_millis(5));
                }
                Err((error, _)) => return Err(Setback::new(Operation::Produce, &error)),
            }
        }
    }

    /// Waits until every record is acknowledged. The library's own flush would do so in steps of a
    /// tenth of a second.
    fn drain(&self) -> Result<(), Setback> {
        let deadline = clock::instant() + CALL;
        // After one failure the rest of a transaction is never sent.
        while self.producer.in_flight_count() > 0 && !(self.transactional && self.context().has_failures()) {
            if clock::instant() >= deadline {
                let mut late = Setback::new(Operation::Produce, &KafkaError::Flush(Code::MessageTimedOut));
                late.renew = true;
                return Err(late);
            }
            self.serve();
        }
        let failures = self.context().failures();
        let too_large =
            |(place, code): &(usize, Code)| (*code == Code::MessageSizeTooLarge).then_some(*place);
        refuse(failures.iter().filter_map(too_large).collect())?;
        match failures.first() {
            Some((_, code)) => Err(Setback::new(Operation::Produce, &KafkaError::MessageProduction(*code))),
            None => Ok(()),
        }
    }

    /// Takes the reports that have come, and lets a moment pass if some have not. The library's own
    /// waiting would be spinning: it asks again and again through the last millisecond.
    fn serve(&self) {
        self.producer.poll(Duration::ZERO);
        if self.producer.in_flight_count() > 0 {
            std::thread::sleep(REPORT_PAUSE);
        }
    }

    /// Ends a transaction that failed. An abort waits for what is queued and in flight, to its
    /// timeout, and a purge of that may still take records of the next transaction with it. So
    /// unless all is acknowledged the producer goes: its successor's first call ends what it left.
    fn undo(&self, mut setback: Setback) -> Setback {
        if setback.renew || self.producer.in_flight_count() > 0 {
            setback.renew = true;
            return setback;
        }
        if let Err(failed) = self.call(Operation::Abort, || self.producer.abort_transaction(CALL)) {
            setback.renew = true;
            setback.restart |= failed.restart;
        }
        setback
    }

    fn context(&self) -> &Arc<Context> {
        self.producer.client().context()
    }
}

/// Whether the batch is known to be committed, by the tag beside the committed offsets.
///
/// # Errors
/// The cluster does not answer.
pub fn is_committed(batch: &Batch, consumer: &BaseConsumer<Context>) -> Result<bool, Setback> {
    let mut asked = TopicPartitionList::new();
    for (topic, partition, _) in &batch.offsets {
        asked.add_partition(topic, *partition);
    }
    let answer = consumer.committed_offsets(asked, CALL);
    let answer =
        answer.map_err(|error| Setback { renew: false, ..Setback::new(Operation::Offsets, &error) })?;
    Ok(answer.elements().iter().any(|element| batch.is_in(element.metadata())))
}

fn refuse(too_large: Vec<usize>) -> Result<(), Setback> {
    if too_large.is_empty() {
        return Ok(());
    }
    let error = KafkaError::MessageProduction(Code::MessageSizeTooLarge);
    Err(Setback { too_large, ..Setback::new(Operation::Produce, &error) })
}

fn offsets(batch: &Batch) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(batch.offsets.len());
    for (topic, partition, next) in &batch.offsets {
        let mut element = list.add_partition(topic, *partition);
        // Fails for logical offsets only, and this is a plain one.
        let _plain = element.set_offset(Offset::Offset(*next));
        element.set_metadata(batch.metadata(topic, *partition));
    }
    list
}

fn message(outgoing: &Outgoing, place: usize) -> BaseRecord<'_, [u8], [u8], usize> {
    let record = &outgoing.record;
    let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
    for header in &record.headers {
        headers = headers.insert(Header { key: &header.name, value: Some(&header.value) });
    }
    let mut message = BaseRecord::with_opaque_to(&record.topic, place).headers(headers);
    message.payload = outgoing.payload();
    message.key = record.key.as_deref();
    message.partition = outgoing.partition;
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_can_end_without_anyone_knowing() {
        let lost = KafkaError::Flush(Code::BrokerTransportFailure);
        let fenced = KafkaError::Flush(Code::ProducerFenced);
        for operation in [Operation::Init, Operation::Begin, Operation::Offsets, Operation::Abort] {
            let setback = Setback::new(operation, &lost);
            assert_eq!((setback.outcome, setback.unknown), (Outcome::Aborted, false), "{operation:?}");
            let setback = Setback::new(operation, &fenced);
            assert_eq!((setback.outcome, setback.unknown), (Outcome::Fenced, false), "{operation:?}");
        }
        let setback = Setback::new(Operation::Commit, &lost);
        assert_eq!((setback.outcome, setback.unknown, setback.renew), (Outcome::Unknown, true, true));
        let setback = Setback::new(Operation::Commit, &fenced);
        assert_eq!((setback.outcome, setback.unknown, setback.renew), (Outcome::Fenced, true, true));
    }

    #[test]
    fn a_refused_record_keeps_the_producer() {
        let setback = refuse(vec![3]).unwrap_err();
        assert_eq!((setback.outcome, setback.renew), (Outcome::Aborted, false));
        assert_eq!(setback.too_large, [3]);
    }
}

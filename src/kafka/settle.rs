//! What happens to a batch between its step and its commit?
//!
//! It is tried until it is committed, through outages of any length. Only when the group has given
//! the worker's partitions away is it given up, and with it the worker's shards, which are ahead of what
//! is committed; whoever has them then restores them and reads the records again.
//!
//! That the cluster refuses a commit from an old generation does not mean that yet: in the midst of
//! a rebalance this passes, and the partitions stay. If they are lost, the group says so, and says
//! it before the member gets a new generation: a rebalance is confirmed only between two batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;

use super::backoff::Backoff;
use super::batch::Batch;
use super::clock;
use super::gather;
use super::session::Session;
use super::sink::{self, Setback, Sink};
use super::worker::End;
use crate::error::Failure;
use crate::limits;
use crate::telemetry::{Fact, WorkerState};

/// Attempts before the worker says that it waits for the cluster.
const PATIENT_ATTEMPTS: u32 = 3;

/// Nothing of the state can be left out, and it cannot be shortened.
fn too_small(topic: &str, bytes: usize) -> Failure {
    let largest = limits::STATE_RECORD_BYTES;
    Failure::new(format!("topic {topic} does not take a record of {bytes} bytes"))
        .detail("It is part of the state of a shard, of which nothing can be left out.")
        .hint(format!(
            "Set max.message.bytes of the topic to {largest}; restarted, the program goes on there."
        ))
}

impl Session<'_> {
    /// Delivers the batch until it is committed.
    pub(super) fn settle(&mut self, mut batch: Batch) -> Result<(), End> {
        let mut backoff = Backoff::default();
        let mut attempts = 0;
        let began = clock::instant();
        loop {
            self.status.beat();
            let started = clock::instant();
            let setback = match self.attempt(&mut batch)? {
                Ok(()) => return self.committed(&batch, started.elapsed(), attempts),
                Err(setback) => setback,
            };
            self.report(&setback);
            if setback.restart {
                return Err(self.give_up(&batch, &setback.error));
            }
            if !setback.too_large.is_empty() {
                self.refused(&mut batch, &setback.too_large)?;
                continue;
            }
            if self.is_hopeless(&setback, began) {
                return Err(self.give_up(&batch, &setback.error));
            }
            attempts += 1;
            self.wait(&batch, &setback, attempts, backoff.wait())?;
        }
    }

    /// One attempt, with a new producer if the last one is gone, and after a commit whose end is
    /// not known only if it did not happen.
    fn attempt(&mut self, batch: &mut Batch) -> Result<Result<(), Setback>, End> {
        let sink = match self.sink.take() {
            Some(sink) if sink.is_alone() == batch.alone => sink,
            old => {
                drop(old);
                match self.open_sink(batch.alone)? {
                    Ok(sink) => sink,
                    Err(setback) => return Ok(Err(setback)),
                }
            }
        };
        let delivered = self.deliver(&sink, batch);
        if !delivered.as_ref().is_err_and(|setback| setback.renew) {
            self.sink = Some(sink);
        }
        Ok(delivered)
    }

    /// See [`Sink::open`].
    pub(super) fn open_sink(&self, alone: bool) -> Result<Result<Sink, Setback>, End> {
        let shared = &self.status.shared;
        Sink::open(&shared.config, self.status.worker, alone, &shared.telemetry).map_err(End::Failed)
    }

    fn deliver(&self, sink: &Sink, batch: &mut Batch) -> Result<(), Setback> {
        if batch.unknown && sink::is_committed(batch, &self.consumer)? {
            return Ok(());
        }
        let delivered = sink.deliver(batch, &self.consumer);
        batch.unknown = delivered.as_ref().is_err_and(|setback| setback.unknown);
        delivered
    }

    fn committed(&mut self, batch: &Batch, took: Duration, attempts: u32) -> Result<(), End> {
        self.positions.committed(&batch.offsets);
        let (worker, seconds) = (self.status.worker, took.as_secs_f64());
        self.status.observe(&Fact::Committed { worker, seconds, account: &batch.account });
        if attempts > 0 {
            self.positions.disturbed(clock::steady_ms());
            self.resume()?;
        }
        if self.status.state() == WorkerState::Waiting {
            self.status.become_(WorkerState::Running, "");
        }
        Ok(())
    }

    pub(super) fn report(&self, setback: &Setback) {
        self.status.observe(&Fact::Setback {
            worker: self.status.worker,
            outcome: setback.outcome,
            operation: setback.operation.as_str(),
            error: &setback.error,
        });
    }

    /// The broker judges records that travel together together. So they are sent one by one before
    /// any is shortened; those that are refused then, and their larger neighbours, are.
    fn refused(&self, batch: &mut Batch, places: &[usize]) -> Result<(), End> {
        if !std::mem::replace(&mut batch.alone, true) {
            return Ok(());
        }
        let mut state = places.iter().filter_map(|place| batch.records.get(*place));
        if let Some(outgoing) = state.find(|outgoing| outgoing.is_state()) {
            return Err(End::Failed(too_small(&outgoing.record.topic, outgoing.record.payload.len())));
        }
        let refused: Vec<(Arc<str>, usize)> = places
            .iter()
            .filter_map(|place| batch.records.get(*place))
            .map(|outgoing| (Arc::clone(&outgoing.record.topic), outgoing.record.payload.len()))
            .collect();
        for outgoing in &mut batch.records {
            let (topic, bytes) = (Arc::clone(&outgoing.record.topic), outgoing.record.payload.len());
            if refused.iter().any(|(other, least)| *other == topic && bytes >= *least) {
                let into = outgoing.shrink(&self.renderer).unwrap_or("nothing");
                self.status.observe(&Fact::Shrunk { topic: &topic, bytes, into });
            }
        }
        // A record that cannot be shortened any more would keep all others from ever going out.
        batch.records.retain(|outgoing| !outgoing.is_spent());
        Ok(())
    }

    /// The group waits until this member has confirmed a rebalance, and this member until it has committed,
    /// which the group does not allow it any more: neither would ever see the other move.
    fn is_hopeless(&self, setback: &Setback, began: Instant) -> bool {
        let is_waited_for = self.context().has_rebalance();
        let long = began.elapsed() >= Duration::from_millis(limits::OUT_OF_DATE_MS);
        (setback.disowned && is_waited_for) || (setback.out_of_date && long)
    }

    fn give_up(&self, batch: &Batch, why: &str) -> End {
        let (worker, records) = (self.status.worker, batch.account.records());
        self.status.observe(&Fact::BatchLost { worker, records, why });
        End::Rebuild(why.to_owned())
    }

    /// Lets time pass before the next attempt, as a live member of the group.
    fn wait(&mut self, batch: &Batch, setback: &Setback, attempts: u32, pause: Duration) -> Result<(), End> {
        let patience = if setback.out_of_date { 3 * PATIENT_ATTEMPTS } else { PATIENT_ATTEMPTS };
        if attempts >= patience {
            self.status.become_(WorkerState::Waiting, &setback.error);
        }
        self.pause()?;
        let context = self.context();
        let until = clock::instant() + pause;
        loop {
            self.status.beat();
            let left = until.saturating_duration_since(clock::instant());
            match self.consumer.poll(left.min(Duration::from_millis(100))) {
                Some(Ok(message)) => {
                    let topic = self.positions.topic(rdkafka::Message::topic(&message));
                    let record = gather::raw(topic, &message);
                    self.early.push(record);
                }
                Some(Err(error)) => self.consumer_error(&error)?,
                None => {}
            }
            if batch.offsets.iter().any(|(topic, partition, _)| context.is_lost(topic, *partition)) {
                return Err(self.give_up(batch, "partitions were lost before the batch was committed"));
            }
            if self.status.shared.is_overdue(i64::try_from(limits::DRAIN_MS / 2).unwrap_or(i64::MAX)) {
                return Err(self.give_up(batch, "asked to stop while the cluster did not answer"));
            }
            if left.is_zero() {
                return Ok(());
            }
        }
    }

    /// No records while a batch waits; polling goes on, as it is what keeps the membership.
    fn pause(&self) -> Result<(), End> {
        let assigned = self.consumer.assignment();
        let paused = assigned.and_then(|assigned| self.consumer.pause(&assigned));
        paused.map_err(|error| End::Rebuild(error.to_string()))
    }

    /// All that can be read goes on.
    fn resume(&self) -> Result<(), End> {
        let resumed = self.consumer.assignment().and_then(|assigned| {
            let mut ready = TopicPartitionList::new();
            for each in assigned.elements() {
                if !self.arrivals.awaits(each.topic(), each.partition()) {
                    ready.add_partition(each.topic(), each.partition());
                }
            }
            self.consumer.resume(&ready)
        });
        resumed.map_err(|error| End::Rebuild(error.to_string()))
    }
}

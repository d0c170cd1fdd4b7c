//! How does a shard become what it was, from its partition of the changelog?
//!
//! What was committed for the shard is what it was. A transaction that is still open there may yet commit,
//! if its member sent its offsets before the group moved on; so nothing is read before the partition's last
//! stable offset has come to its end. A transaction that begins later comes to nothing: its offsets are of
//! an old generation.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::clock;
use super::context::Context;
use super::shared::Shared;
use super::sink::CALL;
use crate::engine::{Placement, Restored, Shard};
use crate::error::Failure;
use crate::model::Change;
use crate::telemetry::Fact;

/// Pause between two looks at an open transaction.
const LOOK: Duration = Duration::from_millis(20);

/// How long a partition that seems to end before its end is asked again.
const LAGGING: Duration = Duration::from_secs(5);

/// How long one look for the next record waits.
const PATIENCE: Duration = Duration::from_millis(100);

/// Records between two looks at the clock, and time between two lines of progress.
const RECORDS_OF_A_LOOK: u64 = 10_000;
const PROGRESS: Duration = Duration::from_secs(5);

/// Why a shard is not there.
#[derive(Debug)]
pub enum Trouble {
    /// The cluster did not answer; later it may.
    Kafka(KafkaError),
    /// A record is not what a shard writes.
    Unreadable(Failure),
    /// Nobody waits for it any more.
    Unwanted,
}

/// What is needed to read one partition of the changelog.
pub struct Reading<'r> {
    /// Settings, rules, databases.
    pub shared: &'r Arc<Shared>,
    /// For whom.
    pub worker: usize,
    /// Which shard.
    pub placement: Placement,
    /// Reads what is committed.
    pub reader: &'r BaseConsumer<Context>,
    /// Sees what is not.
    pub watcher: &'r BaseConsumer<Context>,
}

impl Reading<'_> {
    /// Reads the partition to its end.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn read(&self, is_wanted: impl Fn() -> bool) -> Result<(Shard, Restored), Trouble> {
        let started = clock::instant();
        let end = self.wait_until_stable(&is_wanted)?;
        let mut shard = self.empty();
        let (trouble, records) = (Cell::new(None), Cell::new(0));
        if end > 0 {
            self.begin()?;
        }
        let mut progress = Progress { records: &records, end, told: started };
        let changes = std::iter::from_fn(|| {
            progress.tell(self);
            self.next(&is_wanted, end, &records).unwrap_or_else(|found| {
                trouble.set(Some(found));
                None
            })
        });
        let restored = shard.restore(changes);
        if let Some(trouble) = trouble.take() {
            return Err(trouble);
        }
        let restored = restored.map_err(|error| Trouble::Unreadable(unreadable(self, &error.to_string())))?;
        let (worker, shard_number) = (self.worker, self.placement.shard);
        let seconds = started.elapsed().as_secs_f64();
        let fact = Fact::Restored {
            worker,
            shard: shard_number,
            records: records.get(),
            steps: restored.steps,
            skipped: restored.skipped.len(),
            seconds,
        };
        self.shared.telemetry.observe(&fact);
        Ok((shard, restored))
    }

    fn empty(&self) -> Shard {
        let shared = self.shared;
        Shard::placed(&shared.config, shared.rules.load_full(), shared.geoip.load_full(), self.placement)
    }

    fn topic(&self) -> &str {
        &self.shared.config.state.changelog
    }

    fn partition(&self) -> i32 {
        i32::try_from(self.placement.shard).unwrap_or(i32::MAX)
    }

    /// Waits until no transaction is open in the partition, and gives its end.
    fn wait_until_stable(&self, is_wanted: &impl Fn() -> bool) -> Result<i64, Trouble> {
        let high = |consumer: &BaseConsumer<Context>| {
            let marks = consumer.fetch_watermarks(self.topic(), self.partition(), CALL);
            marks.map(|(low, high)| if low == high { 0 } else { high }).map_err(Trouble::Kafka)
        };
        let end = high(self.watcher)?;
        while is_wanted() {
            if high(self.reader)? >= end {
                return Ok(end);
            }
            std::thread::sleep(LOOK);
        }
        Err(Trouble::Unwanted)
    }

    /// The offset after all that was read, markers of transactions included.
    fn position(&self) -> Result<i64, Trouble> {
        let positions = self.reader.position().map_err(Trouble::Kafka)?;
        let found = positions.find_partition(self.topic(), self.partition()).map(|found| found.offset());
        Ok(if let Some(Offset::Offset(next)) = found { next } else { 0 })
    }

    fn begin(&self) -> Result<(), Trouble> {
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(self.topic(), self.partition(), Offset::Beginning);
        added.and_then(|()| self.reader.assign(&list)).map_err(Trouble::Kafka)
    }

    /// The next change, or `None` at the end.
    fn next(
        &self,
        is_wanted: &impl Fn() -> bool,
        end: i64,
        records: &Cell<u64>,
    ) -> Result<Option<Change>, Trouble> {
        if end == 0 {
            return Ok(None);
        }
        let mut ended: Option<Instant> = None;
        loop {
            // Where all before the end was taken away by compaction, nothing ever leads there.
            if ended.is_some_and(|since| since.elapsed() >= LAGGING) {
                return Ok(None);
            }
            if !is_wanted() {
                return Err(Trouble::Unwanted);
            }
            match self.reader.poll(PATIENCE) {
                // Of what was assigned for another shard, before.
                Some(Ok(message)) if message.partition() != self.partition() => {}
                Some(Ok(message)) => {
                    records.set(records.get() + 1);
                    let key = message.key().unwrap_or_default().to_vec();
                    return Ok(Some(Change::new(key, message.payload().map(<[u8]>::to_vec))));
                }
                // A new leader may not know of the end yet.
                Some(Err(KafkaError::PartitionEOF(partition))) if partition == self.partition() => {
                    if self.position()? >= end {
                        return Ok(None);
                    }
                    ended.get_or_insert_with(clock::instant);
                }
                Some(Err(KafkaError::PartitionEOF(_))) | None => {}
                Some(Err(error)) => return Err(Trouble::Kafka(error)),
            }
        }
    }
}

/// Tells now and then how far it is.
struct Progress<'p> {
    records: &'p Cell<u64>,
    end: i64,
    told: Instant,
}

impl Progress<'_> {
    fn tell(&mut self, reading: &Reading<'_>) {
        let records = self.records.get();
        if !records.is_multiple_of(RECORDS_OF_A_LOOK) || self.told.elapsed() < PROGRESS {
            return;
        }
        self.told = clock::instant();
        let (worker, shard, end) = (reading.worker, reading.placement.shard, self.end);
        reading.shared.telemetry.observe(&Fact::Restoring { worker, shard, records, end });
    }
}

fn unreadable(reading: &Reading<'_>, why: &str) -> Failure {
    let (topic, partition) = (reading.topic(), reading.partition());
    Failure::new(format!("cannot read the state in {topic}, partition {partition}")).detail(why).hint(
        "A newer version may have written it: run that version, or delete the changelog topic while \
             nothing runs, which forgets open windows.",
    )
}

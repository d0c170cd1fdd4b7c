//! What would reading, transactions and writing take if nothing were done with the events?
//!
//! The same clients with the same settings, batches of the same bounds, one transaction each; of
//! every hundred records one leads to a record of a kilobyte. And once more with as much written to a changelog
//! topic as the program writes there for its state.

use std::io::Read as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use oktawatch::config::Config;
use oktawatch::kafka::{Role, properties};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use crate::{PARTITIONS, latency};

const CALL: Duration = Duration::from_secs(30);
const INPUTS_OF_AN_OUTPUT: usize = 100;
const OUTPUT_BYTES: usize = 1_000;

/// What the program writes of an event to its changelog, in bytes of records (`cargo bench --bench state`).
const STATE_RECORDS: [usize; 3] = [1_770, 400, 330];

/// What leads to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One event of a hundred.
    Bare,
    /// Besides, each event to as much state as the program keeps of it.
    Writing,
    /// Events that raise an alert, whole.
    Paced,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Bare, Self::Writing, Self::Paced];

    /// Its name among the arguments of the process, and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "floor",
            Self::Writing => "floor, as much written",
            Self::Paced => "floor, paced",
        }
    }

    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap()
    }

    fn outputs(self, batch: &[Vec<u8>]) -> Vec<&[u8]> {
        let is_marked = |payload: &&Vec<u8>| {
            payload.windows(latency::MARK.len()).any(|bytes| bytes == latency::MARK.as_bytes())
        };
        match self {
            Self::Paced => batch.iter().filter(is_marked).map(Vec::as_slice).collect(),
            _ => {
                let few = batch.iter().step_by(INPUTS_OF_AN_OUTPUT);
                few.map(|payload| &payload[..payload.len().min(OUTPUT_BYTES)]).collect()
            }
        }
    }
}

/// Stands behind the times of each worker.
pub const END: &str = "end";

static READ: AtomicI64 = AtomicI64::new(0);

/// Runs as a process of its own until its stdin ends; prints the seconds of each transaction.
pub fn run(config: &Config, kind: Kind, total: i64) {
    let workers = config.engine.workers;
    for worker in 0..workers {
        let config = config.clone();
        std::thread::Builder::new()
            .spawn(move || {
                let seconds = work(&config, worker, kind, total);
                let texts: Vec<String> = seconds.iter().map(|seconds| format!("{seconds:.6}")).collect();
                println!("{}\n{END}", texts.join("\n"));
            })
            .unwrap();
    }
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn work(config: &Config, worker: usize, kind: Kind, total: i64) -> Vec<f64> {
    let consumer: BaseConsumer = properties(config, Role::Consumer { worker }).unwrap().create().unwrap();
    let input = config.input.topics[0].as_str();
    consumer.subscribe(&[input]).unwrap();
    let producer: BaseProducer = properties(config, Role::Producer { worker }).unwrap().create().unwrap();
    producer.init_transactions(CALL).unwrap();
    let mut next = vec![None; PARTITIONS as usize];
    let (mut seconds, mut since) = (Vec::new(), Instant::now());
    while READ.load(Ordering::Relaxed) < total {
        let batch = gather(config, &consumer, &mut next, &mut since);
        if batch.is_empty() {
            continue;
        }
        let started = Instant::now();
        transact(config, kind, &producer, &consumer, &batch, &next);
        seconds.push(started.elapsed().as_secs_f64());
        READ.fetch_add(batch.len() as i64, Ordering::Relaxed);
    }
    seconds
}

/// Records until the batch is full, or the interval is over since the batch before and no more have come.
fn gather(
    config: &Config,
    consumer: &BaseConsumer,
    next: &mut [Option<i64>],
    since: &mut Instant,
) -> Vec<Vec<u8>> {
    let engine = &config.engine;
    let (mut batch, mut bytes, mut first) = (Vec::new(), 0, None::<Instant>);
    let interval = engine.commit_interval.as_std();
    let full = |batch: &Vec<Vec<u8>>, bytes, first: Option<Instant>| {
        batch.len() >= engine.commit_records
            || bytes >= engine.commit_bytes.as_bytes()
            || first.is_some_and(|first| first.elapsed() >= interval)
    };
    while !full(&batch, bytes, first) {
        let message = match consumer.poll(Duration::ZERO) {
            None if batch.is_empty() => consumer.poll(Duration::from_millis(100)),
            None if since.elapsed() >= interval => break,
            None => consumer.poll(interval.saturating_sub(since.elapsed())),
            message => message,
        };
        let Some(message) = message.map(Result::unwrap) else {
            if batch.is_empty() {
                break;
            }
            continue;
        };
        first.get_or_insert_with(Instant::now);
        next[message.partition() as usize] = Some(message.offset() + 1);
        let payload = message.payload().unwrap_or_default().to_vec();
        bytes += payload.len();
        batch.push(payload);
    }
    if !batch.is_empty() {
        *since = Instant::now();
    }
    batch
}

fn transact(
    config: &Config,
    kind: Kind,
    producer: &BaseProducer,
    consumer: &BaseConsumer,
    batch: &[Vec<u8>],
    next: &[Option<i64>],
) {
    producer.begin_transaction().unwrap();
    for output in kind.outputs(batch) {
        send(producer, BaseRecord::to(&config.output.alerts).payload(output).key(&output[..16]));
    }
    let kept = if kind == Kind::Writing { batch } else { &[] };
    for (place, payload) in kept.iter().enumerate() {
        for bytes in STATE_RECORDS {
            let state = &payload[payload.len() - bytes..];
            let record = BaseRecord::to(&config.state.changelog).payload(state).key(&state[..16]);
            send(producer, record.partition(place as i32 % PARTITIONS));
        }
    }
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::ZERO);
        std::thread::sleep(Duration::from_micros(200));
    }
    let mut offsets = TopicPartitionList::new();
    for (partition, next) in next.iter().enumerate() {
        if let Some(next) = next {
            offsets
                .add_partition_offset(&config.input.topics[0], partition as i32, Offset::Offset(*next))
                .unwrap();
        }
    }
    producer.send_offsets_to_transaction(&offsets, &consumer.group_metadata().unwrap(), CALL).unwrap();
    producer.commit_transaction(CALL).unwrap();
}

fn send(producer: &BaseProducer, mut record: BaseRecord<'_, [u8], [u8]>) {
    while let Err((error, back)) = producer.send(record) {
        assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
        producer.poll(Duration::from_millis(5));
        record = back;
    }
}

//! What would reading, transactions and writing take if nothing were done with the events?
//!
//! The same clients with the same settings, batches of the same bounds, one transaction each; of
//! every hundred records one leads to a record of a kilobyte.

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

use crate::{INPUT, PARTITIONS};

const CALL: Duration = Duration::from_secs(30);
const INPUTS_OF_AN_OUTPUT: usize = 100;
const OUTPUT_BYTES: usize = 1_000;

/// Stands behind the times of each worker.
pub const END: &str = "end";

static READ: AtomicI64 = AtomicI64::new(0);

/// Runs as a process of its own until its stdin ends; prints the seconds of each transaction.
pub fn run(config: &Config, total: i64) {
    let workers = config.engine.workers;
    for worker in 0..workers {
        let config = config.clone();
        std::thread::Builder::new()
            .spawn(move || {
                let seconds = work(&config, worker, total);
                let texts: Vec<String> = seconds.iter().map(|seconds| format!("{seconds:.6}")).collect();
                println!("{}\n{END}", texts.join("\n"));
            })
            .unwrap();
    }
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn work(config: &Config, worker: usize, total: i64) -> Vec<f64> {
    let consumer: BaseConsumer = properties(config, Role::Consumer { worker }).unwrap().create().unwrap();
    consumer.subscribe(&[INPUT]).unwrap();
    let producer: BaseProducer = properties(config, Role::Producer { worker }).unwrap().create().unwrap();
    producer.init_transactions(CALL).unwrap();
    let mut next = vec![None; PARTITIONS as usize];
    let mut seconds = Vec::new();
    while READ.load(Ordering::Relaxed) < total {
        let batch = gather(config, &consumer, &mut next);
        if batch.is_empty() {
            continue;
        }
        let started = Instant::now();
        transact(config, &producer, &consumer, &batch, &next);
        seconds.push(started.elapsed().as_secs_f64());
        READ.fetch_add(batch.len() as i64, Ordering::Relaxed);
    }
    seconds
}

fn gather(config: &Config, consumer: &BaseConsumer, next: &mut [Option<i64>]) -> Vec<Vec<u8>> {
    let engine = &config.engine;
    let (mut batch, mut bytes, mut first) = (Vec::new(), 0, None::<Instant>);
    let interval = engine.commit_interval.as_std();
    let full = |batch: &Vec<Vec<u8>>, bytes, first: Option<Instant>| {
        batch.len() >= engine.commit_records
            || bytes >= engine.commit_bytes.as_bytes()
            || first.is_some_and(|first| first.elapsed() >= interval)
    };
    while !full(&batch, bytes, first) {
        match consumer
            .poll(first.map_or(Duration::from_millis(100), |first| interval.saturating_sub(first.elapsed())))
        {
            None if batch.is_empty() => break,
            None => {}
            Some(message) => {
                let message = message.unwrap();
                first.get_or_insert_with(Instant::now);
                next[message.partition() as usize] = Some(message.offset() + 1);
                let payload = message.payload().unwrap_or_default().to_vec();
                bytes += payload.len();
                batch.push(payload);
            }
        }
    }
    batch
}

fn transact(
    config: &Config,
    producer: &BaseProducer,
    consumer: &BaseConsumer,
    batch: &[Vec<u8>],
    next: &[Option<i64>],
) {
    producer.begin_transaction().unwrap();
    for payload in batch.iter().step_by(INPUTS_OF_AN_OUTPUT) {
        let output = &payload[..payload.len().min(OUTPUT_BYTES)];
        let mut record =
            BaseRecord::<[u8], [u8]>::to(&config.output.alerts).payload(output).key(&output[..16]);
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            producer.poll(Duration::from_millis(5));
            record = back;
        }
    }
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::ZERO);
        std::thread::sleep(Duration::from_micros(200));
    }
    let mut offsets = TopicPartitionList::new();
    for (partition, next) in next.iter().enumerate() {
        if let Some(next) = next {
            offsets.add_partition_offset(INPUT, partition as i32, Offset::Offset(*next)).unwrap();
        }
    }
    producer.send_offsets_to_transaction(&offsets, &consumer.group_metadata().unwrap(), CALL).unwrap();
    producer.commit_transaction(CALL).unwrap();
}

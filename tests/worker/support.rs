//! What do tests with a broker have in common?

#![allow(dead_code, reason = "every test binary uses its own part of this module")]

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use oktawatch::config::Config;
use oktawatch::enrich::GeoIp;
use oktawatch::error::Failure;
use oktawatch::kafka::{self, Shared};
use oktawatch::rule::RuleSet;
use oktawatch::telemetry::{Health, Telemetry, WorkerState};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

/// Where events come in.
pub const INPUT: &str = "okta-events";
/// Where what cannot be understood goes.
pub const DEAD: &str = "okta-dead-letters";

/// Nothing in these tests takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Records that no source understands: each becomes one dead letter with the same bytes.
pub fn garbage(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{number:06} is not an event")).collect()
}

/// A configuration for a cluster.
pub fn config(brokers: &str) -> Config {
    let mut config = Config::default();
    config.kafka.brokers = brokers.to_owned();
    config.kafka.instance_id = "first".to_owned();
    config.state.partitions = 2;
    config.state.checkpoint_inputs = 40;
    config.kafka.properties.insert("session.timeout.ms".to_owned(), "6000".to_owned());
    config.http.listen.clear();
    config
}

/// The same, for another instance.
pub fn instance(mut config: Config, name: &str) -> Config {
    config.kafka.instance_id = name.to_owned();
    config
}

/// A record as a test reads it.
#[derive(Clone, Debug)]
pub struct Record {
    pub payload: Vec<u8>,
    pub headers: Vec<(String, String)>,
}

/// A cluster from the outside: what forwarders and readers of alerts see.
pub struct Kafka {
    pub brokers: String,
}

impl Kafka {
    pub fn at(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned() }
    }

    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers);
        client
    }

    /// Produces each text, spread over the partitions.
    pub fn send(&self, topic: &str, texts: &[String]) {
        let producer: BaseProducer = self.client().set("message.max.bytes", "20000000").create().unwrap();
        for (number, text) in texts.iter().enumerate() {
            let record = BaseRecord::<str, str>::to(topic).payload(text).partition((number % 2) as i32);
            producer.send(record).unwrap_or_else(|(error, _)| panic!("{error}"));
            producer.poll(Duration::ZERO);
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// All committed records of a topic, once there are at least so many, in no particular order.
    pub fn read(&self, topic: &str, least: usize) -> Vec<Record> {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "reader")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut list = TopicPartitionList::new();
        while list.count() == 0 {
            assert!(Instant::now() < deadline, "topic {topic} does not come");
            let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
            for partition in metadata.topics()[0].partitions() {
                list.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&list).unwrap();
        let mut records = Vec::new();
        // A moment of silence after the last one, in case there are more than there should be.
        let mut silence = 0;
        while records.len() < least || silence < 5 {
            assert!(Instant::now() < deadline, "{} of {least} records in {topic}", records.len());
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    silence = 0;
                    records.push(record(&message));
                }
                _ => silence += 1,
            }
        }
        records
    }

    /// The payloads, sorted.
    pub fn texts(&self, topic: &str, least: usize) -> Vec<String> {
        let records = self.read(topic, least).into_iter();
        let mut texts: Vec<String> =
            records.map(|record| String::from_utf8(record.payload).unwrap()).collect();
        texts.sort();
        texts
    }

    /// The sum of a group's committed offsets.
    pub fn committed(&self, group: &str, topic: &str, partitions: i32) -> i64 {
        let consumer: BaseConsumer = self.client().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        // A cluster that is new has no coordinator for a moment.
        let deadline = Instant::now() + PATIENCE;
        let committed = loop {
            match consumer.committed_offsets(list.clone(), PATIENCE) {
                Ok(committed) => break committed,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::sleep(Duration::from_millis(100));
        };
        let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
        committed.elements().iter().map(|element| offset(element.offset())).sum()
    }
}

fn record(message: &rdkafka::message::BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map(|headers| {
        let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
    });
    Record { payload: message.payload().unwrap_or_default().to_vec(), headers: headers.unwrap_or_default() }
}

/// One worker on its thread.
pub struct Running {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Running {
    pub fn start(config: Config) -> Self {
        let health = Arc::new(Health::new(1, kafka::steady_ms()));
        let telemetry = Arc::new(Telemetry::new(&[], health, 1).unwrap());
        let rules = Arc::new(RuleSet::default());
        let geoip = Arc::new(GeoIp::default());
        oktawatch::telemetry::log::init(&config.log).unwrap();
        let shared = Arc::new(Shared::new(config, rules, geoip, telemetry));
        let worker = Arc::clone(&shared);
        let thread = thread::Builder::new().spawn(move || kafka::run_worker(worker, 0)).unwrap();
        Self { shared, thread }
    }

    pub fn alive(&self) -> bool {
        self.shared.telemetry.health().alive(kafka::steady_ms()).good
    }

    /// Whether the metrics hold this line.
    pub fn metric(&self, line: &str) -> bool {
        self.shared.telemetry.expose().unwrap().lines().any(|each| each == line)
    }

    pub fn until(&self, what: &str, state: impl Fn(WorkerState) -> bool) {
        self.wait(what, || state(self.shared.telemetry.health().state(0)));
    }

    /// Waits until so many input records were committed by this worker.
    pub fn until_committed(&self, records: u64) {
        self.wait("records are committed", || {
            let text = self.shared.telemetry.expose().unwrap();
            let counted = text.lines().filter(|line| line.starts_with("oktawatch_records_consumed_total{"));
            let sum: u64 = counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
            sum >= records
        });
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline && !self.thread.is_finished(), "waited in vain: {what}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a worker that ends by itself.
    pub fn ended(self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            assert!(Instant::now() < deadline, "the worker does not end");
            thread::sleep(Duration::from_millis(20));
        }
        self.thread.join().unwrap()
    }

    pub fn stop(self) -> Result<(), Failure> {
        self.stop_within(PATIENCE)
    }

    pub fn stop_within(self, patience: Duration) -> Result<(), Failure> {
        self.shared.stop();
        let deadline = Instant::now() + patience;
        while !self.thread.is_finished() {
            assert!(Instant::now() < deadline, "the worker does not stop");
            thread::sleep(Duration::from_millis(20));
        }
        self.thread.join().unwrap()
    }
}

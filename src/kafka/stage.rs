//! How is one worker put between two topics of an embedded broker?
//!
//! For the demonstration: what goes in is produced to a topic, what comes out is read from one.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{Embedded, Shared, clock, run_worker};
use crate::config::Config;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::rule::RuleSet;
use crate::telemetry::{Health, Telemetry};

/// Partitions of every topic: few enough to look at, several so that order is nobody's gift.
const PARTITIONS: i32 = 3;
const CALL: Duration = Duration::from_secs(10);

/// A worker at work on an embedded broker.
pub struct Stage {
    /// Held only because it ends when it is dropped.
    _broker: Embedded,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<Result<(), Failure>>>,
    producer: BaseProducer,
    alerts: BaseConsumer,
    next: i32,
}

impl Stage {
    /// Starts a broker with the configuration's topics, and a worker.
    ///
    /// # Errors
    /// No port, no thread, a database that cannot be read.
    pub fn start(mut config: Config, rules: Arc<RuleSet>) -> Result<Self, Failure> {
        let broker = Embedded::start()?;
        config.kafka.brokers = broker.brokers();
        config.state.partitions = PARTITIONS;
        let own = config.output.topics().chain(config.state.topics());
        for topic in config.input.topics.iter().chain(own) {
            broker.create_topic(topic, PARTITIONS)?;
        }
        let geoip = Arc::new(GeoIp::open(&config.geoip)?);
        let telemetry = Telemetry::new(&rules.infos, Arc::new(Health::new(1, clock::steady_ms())), 1)?;
        let producer = client(&config, &[]).create().map_err(|error| failed("start a producer", &error))?;
        let alerts = reader(&config, &config.output.alerts)?;
        let shared = Arc::new(Shared::new(config, rules, geoip, Arc::new(telemetry)));
        let own = Arc::clone(&shared);
        let worker =
            std::thread::Builder::new().name("worker-0".to_owned()).spawn(move || run_worker(own, 0));
        let worker = worker.map_err(|error| Failure::new("cannot start a worker").detail(error))?;
        Ok(Self { _broker: broker, shared, worker: Some(worker), producer, alerts, next: 0 })
    }

    /// Produces records to the input topic, over its partitions by turns.
    ///
    /// # Errors
    /// The broker does not take them.
    pub fn send<'p>(&mut self, payloads: impl Iterator<Item = &'p [u8]>) -> Result<(), Failure> {
        for payload in payloads {
            let record =
                BaseRecord::<(), [u8]>::to(self.input()).payload(payload).partition(self.next % PARTITIONS);
            self.producer.send(record).map_err(|(error, _)| failed("produce", &error))?;
            self.next = self.next.wrapping_add(1);
        }
        self.producer.flush(CALL).map_err(|error| failed("produce", &error))
    }

    /// The alerts that have come, waiting at most this long for the next.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn alerts(&self, patience: Duration) -> Result<Vec<Vec<u8>>, Failure> {
        let mut payloads = Vec::new();
        while let Some(message) = self.alerts.poll(patience) {
            let message = message.map_err(|error| failed("read alerts", &error))?;
            payloads.extend(message.payload().map(<[u8]>::to_vec));
        }
        Ok(payloads)
    }

    /// How many of the records that were sent stand in committed transactions.
    ///
    /// # Errors
    /// The worker has ended.
    pub fn committed(&self) -> Result<u64, Failure> {
        if self.worker.as_ref().is_some_and(JoinHandle::is_finished) {
            return Err(Failure::new("the worker has ended before its work"));
        }
        Ok(self.shared.telemetry.records_committed())
    }

    /// Has the worker finish, commit and leave.
    ///
    /// # Errors
    /// What it failed with.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.shared.stop();
        match self.worker.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Failure::new("the worker panicked")),
            None => Ok(()),
        }
    }

    /// How many records went to the dead-letter topic.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn dead_letters(&self) -> Result<i64, Failure> {
        let topic = &self.shared.config.output.dead_letters;
        let mut count = 0;
        for partition in 0..PARTITIONS {
            let ends = self.alerts.fetch_watermarks(topic, partition, CALL);
            count +=
                ends.map(|(low, high)| high - low).map_err(|error| failed("read dead letters", &error))?;
        }
        Ok(count)
    }

    fn input(&self) -> &str {
        self.shared.config.input.topics.first().map_or("", String::as_str)
    }
}

fn client(config: &Config, more: &[(&str, &str)]) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.kafka.brokers).set("log_level", "3");
    for (key, value) in more {
        client.set(*key, *value);
    }
    client
}

/// A consumer of a whole topic, from its beginning.
fn reader(config: &Config, topic: &str) -> Result<BaseConsumer, Failure> {
    let settings =
        [("group.id", "demo-reader"), ("enable.auto.commit", "false"), ("isolation.level", "read_committed")];
    let consumer: BaseConsumer =
        client(config, &settings).create().map_err(|error| failed("start a consumer", &error))?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions
            .add_partition_offset(topic, partition, Offset::Beginning)
            .map_err(|error| failed("start a consumer", &error))?;
    }
    consumer.assign(&partitions).map_err(|error| failed("start a consumer", &error))?;
    Ok(consumer)
}

fn failed(what: &str, error: &rdkafka::error::KafkaError) -> Failure {
    Failure::new(format!("the embedded broker: cannot {what}")).detail(error)
}

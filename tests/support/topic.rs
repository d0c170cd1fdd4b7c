//! What is in a topic, what goes in, and how far has a group read?

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::wait_for;

const LIMIT: Duration = Duration::from_secs(60);

/// A record to produce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its value.
    pub payload: Vec<u8>,
}

/// A record that was read.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its key, as text.
    pub key: String,
    /// Its headers, as text.
    pub headers: BTreeMap<String, String>,
    /// Its value.
    pub payload: Vec<u8>,
}

/// Who may see what a transaction has not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Only what is committed.
    Committed,
    /// All.
    Uncommitted,
}

/// Creates a topic.
pub fn create(brokers: &str, topic: &str, partitions: i32, replicas: i32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(replicas));
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let created = runtime.block_on(admin.create_topics(&[wanted], &options)).unwrap();
    assert_eq!(created, [Ok(topic.to_owned())]);
    wait_for("the topic to have leaders", LIMIT, || {
        (partitions_of(brokers, topic) == partitions).then_some(())
    });
}

/// Puts records into topics.
pub struct Producer(BaseProducer);

impl Producer {
    /// One that writes each record once, in order.
    pub fn new(brokers: &str) -> Self {
        let mut config = client(brokers);
        Self(config.set("enable.idempotence", "true").set("linger.ms", "5").create().unwrap())
    }

    /// Produces records in their order, and returns when the broker has them all. A broker that is away
    /// for a while is waited for.
    pub fn produce<'a>(&self, topic: &str, records: impl IntoIterator<Item = &'a Record>) {
        for record in records {
            let mut next =
                BaseRecord::<(), _>::to(topic).partition(record.partition).payload(&record.payload);
            while let Err((error, back)) = self.0.send(next) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                assert_eq!(error, full);
                self.0.poll(Duration::from_millis(50));
                next = back;
            }
        }
        self.0.flush(LIMIT).unwrap();
    }
}

/// Produces records by a producer of their own.
pub fn produce<'a>(brokers: &str, topic: &str, records: impl IntoIterator<Item = &'a Record>) {
    Producer::new(brokers).produce(topic, records);
}

/// All that is in a topic, once no transaction is open on it (when only what is committed is asked for).
pub fn read(brokers: &str, topic: &str, isolation: Isolation) -> Vec<Message> {
    let partitions = partitions_of(brokers, topic);
    let consumer = reader(brokers, isolation);
    let mut wanted = TopicPartitionList::new();
    for partition in 0..partitions {
        wanted.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    wait_for("open transactions to end", LIMIT, || settled(brokers, topic).then_some(()));
    consumer.assign(&wanted).unwrap();
    let mut messages = Vec::new();
    let mut ended = 0;
    while ended < partitions {
        match consumer.poll(LIMIT) {
            Some(Ok(message)) => messages.push(owned(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("cannot read {topic}: {error}"),
            None => panic!("cannot read {topic} to its end within {LIMIT:?}"),
        }
    }
    messages
}

/// How many records a group has still to read.
pub fn lag(brokers: &str, group: &str, topic: &str) -> i64 {
    let consumer: BaseConsumer = client(brokers).set("group.id", group).create().unwrap();
    let mut asked = TopicPartitionList::new();
    for partition in 0..partitions_of(brokers, topic) {
        asked.add_partition(topic, partition);
    }
    let Ok(committed) = consumer.committed_offsets(asked, Duration::from_secs(10)) else { return i64::MAX };
    committed
        .elements()
        .iter()
        .map(|element| {
            let (low, high) = ends(&consumer, topic, element.partition());
            high - if let Offset::Offset(next) = element.offset() { next } else { low }
        })
        .sum()
}

/// Waits until a group has read all that is there now.
pub fn wait_until_read(brokers: &str, group: &str, topic: &str, limit: Duration) {
    wait_for(&format!("{group} to read all of {topic}"), limit, || {
        std::thread::sleep(Duration::from_millis(200));
        (lag(brokers, group, topic) == 0).then_some(())
    });
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("allow.auto.create.topics", "false");
    config
}

fn reader(brokers: &str, isolation: Isolation) -> BaseConsumer {
    let level = if isolation == Isolation::Committed { "read_committed" } else { "read_uncommitted" };
    client(brokers)
        .set("group.id", "reads-without-a-group")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", level)
        .create()
        .unwrap()
}

fn partitions_of(brokers: &str, topic: &str) -> i32 {
    let consumer = reader(brokers, Isolation::Uncommitted);
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).unwrap();
    let led = metadata.topics()[0].partitions().iter().filter(|partition| partition.leader() >= 0).count();
    i32::try_from(led).unwrap()
}

/// Whether the last committed offset is the last offset, in every partition.
fn settled(brokers: &str, topic: &str) -> bool {
    let committed = reader(brokers, Isolation::Committed);
    let uncommitted = reader(brokers, Isolation::Uncommitted);
    (0..partitions_of(brokers, topic))
        .all(|partition| ends(&committed, topic, partition) == ends(&uncommitted, topic, partition))
}

fn ends(consumer: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    consumer.fetch_watermarks(topic, partition, LIMIT).unwrap()
}

fn owned(message: &BorrowedMessage<'_>) -> Message {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = message.headers().map(|headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
            .collect()
    });
    Message {
        key: message.key().map(text).unwrap_or_default(),
        headers: headers.unwrap_or_default(),
        payload: message.payload().unwrap_or_default().to_owned(),
    }
}

//! How long after an event's record was made can a reader of committed records see its alert?

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::PARTITIONS;
use crate::events::{Day, token_created};

/// Events of one second.
pub const RATE: usize = 1_000;
/// Of so many events one raises an alert.
const EVENTS_OF_AN_ALERT: usize = 20;
/// Begins the uuids of the events that raise an alert, and nothing else in an alert.
pub const MARK: &str = "bbbbbbbb-0000-4000-8000-";
/// Alerts of the first while are not counted: connections are made, addresses looked up, and a broker that has just
/// begun compiles itself.
const WARM_UP: Duration = Duration::from_secs(20);

/// Seconds from each event to its alert, in ascending order.
pub fn measure(brokers: &str, input: &str, alerts: &str, seconds: usize) -> Vec<f64> {
    let (ready, is_ready) = mpsc::channel();
    let expected = seconds * RATE / EVENTS_OF_AN_ALERT;
    let (address, topic) = (brokers.to_owned(), alerts.to_owned());
    let reader = std::thread::Builder::new();
    let reader = reader.spawn(move || read(&address, &topic, expected, &ready)).unwrap();
    is_ready.recv().unwrap();
    let sent = send(brokers, input, seconds * RATE);
    let seen = reader.join().unwrap();
    let first = sent.values().min().copied().unwrap() + WARM_UP.as_millis() as i64;
    let counted = sent.iter().filter(|(_, sent)| **sent >= first);
    let mut waits: Vec<f64> = counted
        .map(|(uuid, sent)| {
            let seen = seen.get(uuid).unwrap_or_else(|| panic!("no alert for event {uuid}"));
            (seen - sent) as f64 / 1e3
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    waits
}

/// An event that was made before its time has come, and the uuid of one that raises an alert.
struct Prepared {
    payload: Vec<u8>,
    uuid: Option<String>,
    /// Where its time stands.
    published: usize,
}

/// Stands for a time until it is known.
const SOME_TIME: &str = "0000-00-00T00:00:00.000Z";

impl Prepared {
    fn new(day: &Day, place: usize) -> Self {
        let uuid = place.is_multiple_of(EVENTS_OF_AN_ALERT).then(|| format!("{MARK}{place:012}"));
        let payload = match &uuid {
            Some(uuid) => token_created(place, uuid, SOME_TIME),
            None => day.event_at(place, SOME_TIME),
        };
        let is_there = |bytes: &[u8]| bytes == SOME_TIME.as_bytes();
        let published = payload.windows(SOME_TIME.len()).position(is_there).unwrap();
        Self { payload, uuid, published }
    }

    fn at(&mut self, now: Timestamp) -> &[u8] {
        let range = self.published..self.published + SOME_TIME.len();
        self.payload[range].copy_from_slice(format!("{now:.3}").as_bytes());
        &self.payload
    }
}

/// When each event that raises an alert was sent. All are made before: making one costs more than some programs
/// need to judge it.
fn send(brokers: &str, topic: &str, number: usize) -> BTreeMap<String, i64> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("linger.ms", "0")
        .set("compression.type", "lz4")
        .create()
        .unwrap();
    let day = Day::new();
    let mut events: Vec<Prepared> = (0..number).map(|place| Prepared::new(&day, place)).collect();
    let mut sent = BTreeMap::new();
    let start = Instant::now();
    for (place, event) in events.iter_mut().enumerate() {
        let due = Duration::from_secs_f64(place as f64 / RATE as f64);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        let now = Timestamp::now();
        sent.extend(event.uuid.clone().map(|uuid| (uuid, now.as_millisecond())));
        let partition = (place * 7 % PARTITIONS as usize) as i32;
        let record = BaseRecord::<(), _>::to(topic).partition(partition).payload(event.at(now));
        producer.send(record.timestamp(now.as_millisecond())).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    sent
}

/// When the alert of each event was seen.
fn read(brokers: &str, topic: &str, expected: usize, ready: &mpsc::Sender<()>) -> BTreeMap<String, i64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reads-without-a-group")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
    let mut wanted = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        wanted.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    consumer.assign(&wanted).unwrap();
    ready.send(()).unwrap();
    let mut seen = BTreeMap::new();
    let mut last = Instant::now();
    while seen.len() < expected && last.elapsed() < Duration::from_secs(60) {
        let Some(message) = consumer.poll(Duration::from_secs(1)) else { continue };
        let now = Timestamp::now().as_millisecond();
        let message = message.unwrap();
        let text = String::from_utf8_lossy(message.payload().unwrap_or_default());
        if let Some(start) = text.find(MARK) {
            last = Instant::now();
            seen.entry(text[start..start + MARK.len() + 12].to_owned()).or_insert(now);
        }
    }
    seen
}

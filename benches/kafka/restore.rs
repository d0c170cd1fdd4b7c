//! How long until a process has the state of another, and how much is it?

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::events::Day;
use crate::support::{broker, topic, wait_for};
use crate::{PARTITIONS, Site, metrics};

const INPUT: &str = "okta-events-many";

/// What was restored, and what it took.
pub struct Restored {
    /// Keys that were held: users, sessions, event ids in chunks, windows.
    pub keys: f64,
    /// Records read.
    pub records: f64,
    /// Bytes of state written for them, all rewritings together.
    pub written: f64,
    /// From the start of the process until it was ready.
    pub seconds: f64,
    /// Its memory then.
    pub resident_mb: f64,
}

/// Has a process see so many users once, and another take over.
pub fn measure(site: &Site, users: usize) -> Restored {
    topic::create(&site.brokers, INPUT, PARTITIONS, 1);
    produce(&site.brokers, users);
    let port = broker::any_port();
    let config = site.config("many", INPUT, 1, port, "");
    let process = site.start(&config);
    wait_for("the users to be seen", Duration::from_secs(900), || {
        let (_, body) = metrics::page(port, "/metrics");
        (metrics::sum(&body, "oktawatch_events_total{outcome=\"processed\"}") >= users as f64).then_some(())
    });
    // As little comes in now as in operation: the journals are cut short, a shard at a step. The figures are those of
    // the end a tick later already.
    std::thread::sleep(Duration::from_secs(30));
    let (_, body) = metrics::page(port, "/metrics");
    let held = ["oktawatch_users", "oktawatch_sessions", "oktawatch_rule_state_keys"];
    let keys = held.iter().map(|name| metrics::sum(&body, name)).sum();
    let written = metrics::sum(&body, "oktawatch_state_changes_bytes_total");
    process.terminate();
    let start = Instant::now();
    let process = site.start(&config);
    wait_for("the shards to be restored", Duration::from_secs(300), || {
        let (status, body) = metrics::page(port, "/metrics");
        let running = metrics::sum(&body, "oktawatch_shards{state=\"running\"");
        (status == 200 && running >= f64::from(PARTITIONS)).then_some(())
    });
    let seconds = start.elapsed().as_secs_f64();
    let (_, body) = metrics::page(port, "/metrics");
    let records = metrics::sum(&body, "oktawatch_restored_records_total");
    let resident_mb = process.resident_mb();
    process.terminate();
    Restored { keys, records, written, seconds, resident_mb }
}

fn produce(brokers: &str, users: usize) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("linger.ms", "20")
        .set("compression.type", "lz4")
        .create()
        .unwrap();
    let day = Day::new();
    let start_ms = jiff::Timestamp::now().as_millisecond() - 600_000;
    for user in 0..users {
        let at_ms = start_ms + (user as i64) / 2;
        let published = jiff::Timestamp::from_millisecond(at_ms).unwrap();
        let payload = day.event_at(user, &format!("{published:.3}"));
        let partition = (user * 7 % PARTITIONS as usize) as i32;
        let mut record = BaseRecord::<(), _>::to(INPUT).partition(partition).payload(&payload);
        while let Err((_, back)) = producer.send(record) {
            producer.poll(Duration::from_millis(20));
            record = back;
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

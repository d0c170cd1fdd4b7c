//! How far has a consumer group committed, and how fast did it get there?

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::PARTITIONS;
use crate::process::Process;

const LIMIT: Duration = Duration::from_secs(600);

/// What it took to read a topic.
pub struct Passage {
    /// Records between the first and the last commit that were seen.
    pub events: i64,
    /// Time between the two.
    pub seconds: f64,
    /// CPU of the process between the two.
    pub cpu_s: f64,
    /// Its memory at the end.
    pub resident_mb: f64,
}

/// Watches a group until it has committed so many records of a topic; then, of a topic behind it, what
/// stands there by then.
pub fn watch(
    brokers: &str,
    (group, input): (&str, &str),
    total: i64,
    behind: Option<&str>,
    process: &mut Process,
) -> Passage {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("group.id", group).create().unwrap();
    let start = Instant::now();
    let mut first: Option<(i64, Instant, f64)> = None;
    let mut rest: Option<Vec<i64>> = None;
    loop {
        assert!(start.elapsed() < LIMIT, "not read within {LIMIT:?}:\n{}", process.printed());
        process.must_run();
        let committed: i64 = committed(&consumer, input).iter().sum();
        let (now, cpu_s) = (Instant::now(), process.cpu_s());
        if committed > 0 && first.is_none() {
            first = Some((committed, now, cpu_s));
        }
        if rest.is_none() && committed >= total {
            rest = Some(behind.map_or_else(Vec::new, |topic| ends(&consumer, topic)));
        }
        let is_done = |ends: &Vec<i64>| {
            let so_far = behind.map_or_else(Vec::new, |topic| self::committed(&consumer, topic));
            ends.iter().zip(so_far).all(|(end, so_far)| so_far >= *end)
        };
        if let Some((before, since, cpu_before)) = first.filter(|_| rest.as_ref().is_some_and(is_done)) {
            return Passage {
                events: committed - before,
                seconds: (now - since).as_secs_f64(),
                cpu_s: cpu_s - cpu_before,
                resident_mb: process.resident_mb(),
            };
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The committed offset of each partition. The input topic begins at zero, and only ordinary records are in it.
fn committed(consumer: &BaseConsumer, topic: &str) -> Vec<i64> {
    let mut asked = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        asked.add_partition(topic, partition);
    }
    // The coordinator of a new group may still be on its way.
    let Ok(answer) = consumer.committed_offsets(asked, Duration::from_secs(10)) else { return Vec::new() };
    let offset = |offset| if let Offset::Offset(next) = offset { next } else { 0 };
    answer.elements().iter().map(|element| offset(element.offset())).collect()
}

fn ends(consumer: &BaseConsumer, topic: &str) -> Vec<i64> {
    let end = |partition| consumer.fetch_watermarks(topic, partition, Duration::from_secs(10)).unwrap().1;
    (0..PARTITIONS).map(end).collect()
}

//! How much has a group still to read, in all the topics that it reads?
//!
//! Distances between offsets do not say it where producers use transactions: their ends take offsets too.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::support::service::Site;

const LIMIT: Duration = Duration::from_secs(20);

/// Whether the group has read all that there is. While the cluster does not answer it is not.
pub fn is_none(address: &str, site: &Site<'_>) -> bool {
    rest(address, site).is_ok_and(|rest| rest == 0)
}

/// Where the group goes on in each partition and where that ends, a line each.
pub fn positions_and_ends(address: &str, site: &Site<'_>) -> KafkaResult<String> {
    let client = client(address, &site.group(), "read_uncommitted")?;
    let mut lines = String::new();
    for (topic, partition, next) in positions(&client, site)? {
        let (_, end) = client.fetch_watermarks(&topic, partition, LIMIT)?;
        let next = next.map_or_else(|| "none".to_owned(), |next| next.to_string());
        lines += &format!("{topic}\t{partition}\t{next}\t{end}\n");
    }
    Ok(lines)
}

/// How many offsets the topics have, which only grows where something is written.
pub fn offsets(address: &str, topics: &[String]) -> KafkaResult<i64> {
    let client = client(address, "-", "read_uncommitted")?;
    let mut offsets = 0;
    for topic in topics {
        let metadata = client.fetch_metadata(Some(topic), LIMIT)?;
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            offsets += client.fetch_watermarks(topic, partition.id(), LIMIT)?.1;
        }
    }
    Ok(offsets)
}

fn rest(address: &str, site: &Site<'_>) -> KafkaResult<u64> {
    let client = self::client(address, &site.group(), "read_uncommitted")?;
    let stable = self::client(address, "-", "read_committed")?;
    let mut rest = 0;
    for (topic, partition, next) in positions(&client, site)? {
        let (low, end) = client.fetch_watermarks(&topic, partition, LIMIT)?;
        // An open transaction is something to be read, later.
        let (_, committed) = stable.fetch_watermarks(&topic, partition, LIMIT)?;
        rest += u64::from(committed < end);
        let next = next.unwrap_or(low);
        if next < committed {
            rest += records(&stable, &topic, partition, next)?;
        }
    }
    Ok(rest)
}

/// Partitions with where the group goes on: those of the input topic, and all others that it reads.
fn positions(client: &BaseConsumer, site: &Site<'_>) -> KafkaResult<Vec<(String, i32, Option<i64>)>> {
    let metadata = client.fetch_metadata(None, LIMIT)?;
    let stem = site.input().trim_end_matches("events").to_owned();
    let mut asked = TopicPartitionList::new();
    for topic in metadata.topics().iter().filter(|topic| topic.name().starts_with(&stem)) {
        for partition in topic.partitions() {
            asked.add_partition(topic.name(), partition.id());
        }
    }
    let committed = client.committed_offsets(asked, LIMIT)?;
    let position = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let next = if let Offset::Offset(next) = element.offset() { Some(next) } else { None };
        (element.topic().to_owned(), element.partition(), next)
    };
    let read = |(topic, _, next): &(String, i32, Option<i64>)| next.is_some() || *topic == site.input();
    Ok(committed.elements().into_iter().map(position).filter(read).collect())
}

fn records(client: &BaseConsumer, topic: &str, partition: i32, from: i64) -> KafkaResult<u64> {
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_offset(topic, partition, Offset::Offset(from))?;
    client.assign(&wanted)?;
    let mut records = 0;
    loop {
        match client.poll(LIMIT) {
            Some(Ok(_)) => records += 1,
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(records),
            Some(Err(error)) => return Err(error),
            None => return Ok(records + 1),
        }
    }
}

fn client(address: &str, group: &str, isolation: &str) -> KafkaResult<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation)
        .create()
}

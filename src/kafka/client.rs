//! Which librdkafka properties make a consumer, a producer or an admin client of the configuration?
//!
//! `kafka.properties` are handed on as they are, so that TLS, SASL (PLAIN, SCRAM; OAUTHBEARER where
//! librdkafka was built with libcurl) and every tuning knob work under librdkafka's own names. A key
//! that ends in `_file` names a file that holds the value. What exactly-once rests on cannot be set.

use std::collections::BTreeMap;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::{ClientConfig, error::KafkaError};

use crate::config::{Config, Delivery};
use crate::error::Failure;
use crate::limits;

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads input as a member of the group.
    Consumer {
        /// The worker that owns it.
        worker: usize,
    },
    /// Writes output.
    Producer {
        /// The worker that owns it.
        worker: usize,
    },
    /// Reads partitions that it names itself, and asks where the group stands.
    Reader {
        /// Which records it sees.
        isolation: Isolation,
    },
    /// Looks at topics and creates them.
    Admin,
}

/// Which records a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Those of transactions that committed.
    Committed,
    /// All.
    Uncommitted,
}

/// Properties that cannot be set, and why.
const FIXED: &[(&str, &str)] = &[
    ("bootstrap.servers", "set kafka.brokers"),
    ("metadata.broker.list", "set kafka.brokers"),
    ("client.id", "set kafka.client_id"),
    ("group.id", "set kafka.group"),
    ("group.instance.id", "set kafka.instance_id"),
    ("auto.offset.reset", "set input.start"),
    ("enable.auto.commit", "offsets are committed with the alerts they led to"),
    ("auto.commit.enable", "offsets are committed with the alerts they led to"),
    ("enable.auto.offset.store", "offsets are committed with the alerts they led to"),
    ("isolation.level", "records of aborted transactions must not be read"),
    ("transactional.id", "set kafka.instance_id"),
    ("enable.idempotence", "repeats within a producer must be impossible"),
    ("acks", "an alert counts as sent when all in-sync replicas have it"),
    ("request.required.acks", "an alert counts as sent when all in-sync replicas have it"),
    ("delivery.report.only.error", "every delivery is waited for"),
    ("test.mock.num.brokers", "it would replace the cluster"),
];

/// Properties of consumers alone, by their beginnings; librdkafka warns when a producer gets them.
const CONSUMER_ONLY: &[&str] = &[
    "auto.commit.",
    "check.crcs",
    "consume.",
    "coordinator.query.",
    "enable.partition.eof",
    "fetch.",
    "group.",
    "heartbeat.",
    "max.partition.fetch.",
    "max.poll.",
    "offset.store.",
    "partition.assignment.",
    "queued.",
    "session.",
];

/// Properties that are not for readers, by their beginnings: those of members of a group, and what has
/// replicas read that lag behind their leader.
const MEMBER_ONLY: &[&str] = &[
    "client.rack",
    "enable.partition.eof",
    "group.",
    "heartbeat.",
    "max.poll.",
    "partition.assignment.",
    "session.",
];

/// Properties of producers alone, by their beginnings.
const PRODUCER_ONLY: &[&str] = &[
    "batch.",
    "compression.",
    "delivery.timeout.",
    "enable.gapless.",
    "linger.",
    "message.send.",
    "message.timeout.",
    "msg_order_cmp",
    "partitioner",
    "produce.",
    "queue.buffering.",
    "queuing.strategy",
    "request.timeout.",
    "retries",
    "sticky.partitioning.",
    "transaction.timeout.",
];

/// The client configuration of a role.
///
/// # Errors
/// A property that cannot be set, a file that cannot be read, or what librdkafka does not take.
pub fn properties(config: &Config, role: Role) -> Result<ClientConfig, Failure> {
    let mut client = ClientConfig::new();
    client.set_log_level(RDKafkaLogLevel::Info);
    client.set("bootstrap.servers", &config.kafka.brokers);
    client.set("log.connection.close", "false");
    match role {
        Role::Consumer { worker } => consumer(&mut client, config, worker),
        Role::Producer { worker } => producer(&mut client, config, worker),
        Role::Reader { isolation } => reader(&mut client, config, isolation),
        Role::Admin => {
            client.set("client.id", &config.kafka.client_id);
        }
    }
    for (key, value) in given(&config.kafka.properties)? {
        if suits(&key, role) {
            client.set(key, value);
        }
    }
    client.create_native_config().map_err(|error| refused(&error))?;
    Ok(client)
}

fn consumer(client: &mut ClientConfig, config: &Config, worker: usize) {
    // A record that is too large must arrive nonetheless, to become a dead letter. The broker hands
    // over one record of any size, but only up to what the client is ready to receive. Beyond one, it hands over
    // little of each partition at a time: of a backlog, all partitions then come at about the same pace.
    let record = config.input.max_record_bytes.as_bytes().clamp(1 << 20, 500 << 20);
    of_group(client, config, Isolation::Committed);
    client
        .set("client.id", format!("{}-{worker}", config.kafka.client_id))
        // How long a topic that is created later may go unnoticed.
        .set("topic.metadata.refresh.interval.ms", "10000")
        // More often would cost more than it tells.
        .set("statistics.interval.ms", "5000")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.message.max.bytes", limits::FETCH_PARTITION_BYTES.to_string())
        .set("fetch.max.bytes", (2 * record).max(50 << 20).to_string())
        .set("receive.message.max.bytes", (4 * record).max(100 << 20).to_string())
        .set("queued.max.messages.kbytes", limits::FETCH_AHEAD_KBYTES.to_string());
    // In the new protocol of groups the broker alone assigns.
    if config.kafka.properties.get("group.protocol").is_none_or(|protocol| protocol == "classic") {
        client.set("partition.assignment.strategy", "cooperative-sticky");
    }
    if !config.kafka.instance_id.is_empty() {
        client.set("group.instance.id", format!("{}-{worker}", config.kafka.instance_id));
    }
}

/// What reads for the group, as a member or only to know where it stands.
fn of_group(client: &mut ClientConfig, config: &Config, isolation: Isolation) {
    let level = match isolation {
        Isolation::Committed => "read_committed",
        Isolation::Uncommitted => "read_uncommitted",
    };
    client
        .set("group.id", &config.kafka.group)
        // Where a partition of the input begins that nothing is committed of is settled when it is
        // assigned. Whatever is gone before it was read, the rest must be read from its beginning.
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", level);
}

fn reader(client: &mut ClientConfig, config: &Config, isolation: Isolation) {
    of_group(client, config, isolation);
    client
        .set("client.id", format!("{}-reader", config.kafka.client_id))
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "5")
        // That a partition has ended is known from a fetch that found nothing.
        .set("fetch.wait.max.ms", "10")
        .set("fetch.message.max.bytes", limits::STATE_RECORD_BYTES.to_string())
        .set("queued.max.messages.kbytes", limits::FETCH_AHEAD_KBYTES.to_string());
}

fn producer(client: &mut ClientConfig, config: &Config, worker: usize) {
    let record = config.input.max_record_bytes.as_bytes().clamp(1 << 20, 500 << 20);
    client
        .set("client.id", format!("{}-{worker}", config.kafka.client_id))
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        // The library may wait for ever for a coordinator that it cannot find after a broker died, and looks
        // again only when any of its connections comes or goes: one that is idle does so.
        .set("connections.max.idle.ms", limits::CLUSTER_CALL_MS.to_string())
        .set("compression.type", "lz4")
        // Whatever was read can be written: as a dead letter, with its headers. So can any state.
        .set("message.max.bytes", (record.max(limits::STATE_RECORD_BYTES) + (1 << 20)).to_string())
        .set("queue.buffering.max.kbytes", (64 << 10).to_string());
    if config.engine.delivery == Delivery::ExactlyOnce {
        client
            .set("transactional.id", transactional_id(config, worker))
            .set("transaction.timeout.ms", limits::CLUSTER_CALL_MS.to_string());
    }
}

/// Stable across restarts of one instance, different between instances: a successor fences its
/// predecessor at once, and nobody else.
pub fn transactional_id(config: &Config, worker: usize) -> String {
    let kafka = &config.kafka;
    if kafka.instance_id.is_empty() {
        // In a container both are stable; on a shared host the process id keeps two instances
        // from fencing each other.
        return format!("{}-{}-{}-{worker}", kafka.group, host(), std::process::id());
    }
    format!("{}-{}-{worker}", kafka.group, kafka.instance_id)
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map(|name| name.trim().to_owned()).unwrap_or_else(|_| "localhost".to_owned())
}

/// The given properties, with the contents of files in the place of their names.
fn given(properties: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, Failure> {
    let mut given = Vec::new();
    for (key, value) in properties {
        let (key, value) = match key.strip_suffix("_file") {
            Some(key) => (key.to_owned(), secret(key, value)?),
            None => (key.clone(), value.clone()),
        };
        if let Some((_, why)) = FIXED.iter().find(|(fixed, _)| *fixed == key) {
            return Err(Failure::new(format!("kafka.properties: `{key}` cannot be set")).detail(*why));
        }
        given.push((key, value));
    }
    Ok(given)
}

fn secret(key: &str, path: &str) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("kafka.properties: cannot read {path}"))
            .detail(error)
            .hint(format!("`{key}_file` names a file that holds the value of `{key}`."))
    })?;
    Ok(text.trim().to_owned())
}

fn suits(key: &str, role: Role) -> bool {
    let among = |list: &[&str]| list.iter().any(|start| key.starts_with(start));
    match role {
        Role::Consumer { .. } => !among(PRODUCER_ONLY),
        Role::Reader { .. } => !among(PRODUCER_ONLY) && !among(MEMBER_ONLY),
        Role::Producer { .. } => !among(CONSUMER_ONLY),
        Role::Admin => !among(PRODUCER_ONLY) && !among(CONSUMER_ONLY),
    }
}

/// What librdkafka refused, without the value: it may be a secret.
fn refused(error: &KafkaError) -> Failure {
    if let KafkaError::ClientConfig(_, reason, key, _) = error {
        return Failure::new(format!("kafka.properties: `{key}` is not accepted"))
            .detail(reason)
            .hint("See librdkafka's CONFIGURATION.md for names and values.");
    }
    Failure::new("the kafka settings are not accepted").detail(error)
}

/// What librdkafka said when a client could not be made, with a hint where its words need one.
pub fn not_created(error: &KafkaError) -> Failure {
    let text = error.to_string();
    let failure = Failure::new("cannot make a kafka client").detail(&text);
    if text.contains("SASL mechanism") {
        return failure.hint(
            "Set sasl.mechanisms in kafka.properties to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; \
             GSSAPI (Kerberos) is not built in.",
        );
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSUMER: Role = Role::Consumer { worker: 0 };
    const PRODUCER: Role = Role::Producer { worker: 0 };

    fn with(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        config.kafka.properties = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        config
    }

    #[test]
    fn what_exactly_once_rests_on_is_set_and_cannot_be_changed() {
        let client = properties(&Config::default(), CONSUMER).unwrap();
        assert_eq!(client.get("isolation.level"), Some("read_committed"));
        assert_eq!(client.get("enable.auto.commit"), Some("false"));
        assert_eq!(client.get("enable.auto.offset.store"), Some("false"));
        for (key, why) in FIXED {
            let failure = properties(&with(&[(key, "1")]), CONSUMER).unwrap_err();
            assert!(failure.primary.contains(key) && failure.detail.as_deref() == Some(*why), "{key}");
        }
        assert!(properties(&with(&[("transactional.id_file", "/dev/null")]), PRODUCER).is_err());
    }

    #[test]
    fn every_client_gets_the_properties_that_are_its_own() {
        let config =
            with(&[("session.timeout.ms", "6000"), ("linger.ms", "7"), ("security.protocol", "ssl")]);
        let consumer = properties(&config, CONSUMER).unwrap();
        let producer = properties(&config, PRODUCER).unwrap();
        let admin = properties(&config, Role::Admin).unwrap();
        assert_eq!(consumer.get("session.timeout.ms"), Some("6000"));
        assert_eq!(consumer.get("linger.ms"), None);
        assert_eq!(producer.get("linger.ms"), Some("7"));
        assert_eq!(producer.get("session.timeout.ms"), None);
        for client in [consumer, producer, admin] {
            assert_eq!(client.get("security.protocol"), Some("ssl"));
        }
    }

    #[test]
    fn a_secret_is_read_from_its_file_without_the_newline_at_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let config = with(&[("sasl.password_file", file.path().to_str().unwrap())]);
        let client = properties(&config, CONSUMER).unwrap().create_native_config().unwrap();
        assert_eq!(client.get("sasl.password").unwrap(), "s3cret");
        let missing = properties(&with(&[("sasl.password_file", "/nowhere")]), CONSUMER).unwrap_err();
        assert!(missing.primary.contains("/nowhere"));
    }

    #[test]
    fn an_unknown_property_is_named_and_its_value_is_not() {
        let failure = properties(&with(&[("no.such.thing", "hunter2")]), Role::Admin).unwrap_err();
        assert!(failure.primary.contains("no.such.thing"));
        assert!(!failure.to_string().contains("hunter2"));
    }

    #[test]
    fn an_instance_keeps_its_ids_and_none_has_those_of_another() {
        let mut config = Config::default();
        config.kafka.instance_id = "pod-1".to_owned();
        let consumer = properties(&config, Role::Consumer { worker: 2 }).unwrap();
        assert_eq!(consumer.get("group.instance.id"), Some("pod-1-2"));
        let producer = properties(&config, Role::Producer { worker: 2 }).unwrap();
        assert_eq!(producer.get("transactional.id"), Some("oktawatch-pod-1-2"));
        config.kafka.instance_id.clear();
        assert_eq!(properties(&config, CONSUMER).unwrap().get("group.instance.id"), None);
        assert_ne!(transactional_id(&config, 0), transactional_id(&config, 1));
    }

    #[test]
    fn at_least_once_needs_no_transactions() {
        let mut config = Config::default();
        config.engine.delivery = Delivery::AtLeastOnce;
        let producer = properties(&config, PRODUCER).unwrap();
        assert_eq!(producer.get("transactional.id"), None);
        assert_eq!(producer.get("enable.idempotence"), Some("true"));
    }

    #[test]
    fn tls_and_the_sasl_mechanisms_are_built_in() {
        let native = ClientConfig::new().create_native_config().unwrap();
        let features = native.get("builtin.features").unwrap();
        for feature in
            ["ssl", "sasl_plain", "sasl_scram", "sasl_oauthbearer", "oidc", "zstd", "lz4", "gzip", "snappy"]
        {
            assert!(features.split(',').any(|built| built == feature), "{feature} is not among {features}");
        }
    }
}

//! How does the whole pipeline run where there is no cluster?
//!
//! librdkafka brings a small broker of its own, meant for tests. Groups, headers and transactional
//! calls work and other processes can connect, but: what a transaction wrote can be read before it
//! commits, the offsets of a transaction are forgotten, a partition keeps its last 5 MB or 100,000
//! records, nothing is compacted, nothing survives the process, and clients cannot create topics.
//! Good for a demonstration and for quick tests; what exactly-once promises is tested against a
//! real broker. Where a group must find its place again, use `delivery = "at_least_once"`.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::error::Failure;

/// A broker inside this process; gone when dropped.
pub struct Embedded {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Embedded {
    /// Starts one broker on a free port of the loopback interface.
    ///
    /// # Errors
    /// No port or no memory.
    pub fn start() -> Result<Self, Failure> {
        let cluster = MockCluster::new(1)
            .map_err(|error| Failure::new("cannot start the embedded broker").detail(error))?;
        Ok(Self { cluster })
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// A name that Kafka does not take.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), Failure> {
        self.cluster.create_topic(topic, partitions, 1).map_err(|error| {
            Failure::new(format!("cannot create topic {topic} on the embedded broker")).detail(error)
        })
    }

    /// What to set `kafka.brokers` to.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Makes the broker refuse connections, as in an outage, or accept them again.
    ///
    /// # Errors
    /// The broker is not there.
    pub fn reachable(&self, up: bool) -> Result<(), Failure> {
        let result = if up { self.cluster.broker_up(-1) } else { self.cluster.broker_down(-1) };
        result.map_err(|error| Failure::new("cannot change the embedded broker").detail(error))
    }

    /// The broker itself, to have it answer with errors in tests.
    pub fn cluster(&self) -> &MockCluster<'static, DefaultProducerContext> {
        &self.cluster
    }
}

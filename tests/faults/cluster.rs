//! What do three brokers look like that can be disturbed?
//!
//! Clients come to each over a proxy of its own, for that is where it says it is. Brokers reach each other
//! directly, and so does what a test produces and reads itself.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::proxy::{Proxy, Way};
use crate::support::broker::Broker;
use crate::support::process::signal;
use crate::support::wait_for;

/// How many brokers there are.
pub const BROKERS: u16 = 3;
const HEALTHY: Duration = Duration::from_secs(180);

/// Three brokers with three copies of everything, of which two must be there to write.
pub struct Cluster {
    /// The brokers themselves.
    pub broker: Broker,
    proxies: Vec<Proxy>,
}

impl Cluster {
    /// Starts them.
    pub fn start() -> Self {
        let broker = Broker::proxied(BROKERS);
        let proxies = (0..BROKERS).map(|node| Proxy::start(broker.behind(node))).collect();
        Self { broker, proxies }
    }

    /// How bytes come to a broker from now on.
    pub fn way(&self, node: u16, way: Way) {
        self.proxies[usize::from(node)].set(way);
    }

    /// SIGSTOP: connections to it stay open, and nothing moves. Nothing when it does not run.
    pub fn pause(&self, node: u16) {
        self.broker.process(node).map(|process| signal("STOP", process));
    }

    /// SIGCONT.
    pub fn resume(&self, node: u16) {
        self.broker.process(node).map(|process| signal("CONT", process));
    }

    /// Ends all that disturbs it, and returns when every partition has all its copies again.
    pub fn heal(&self) {
        for node in 0..BROKERS {
            self.way(node, Way::Open);
            self.resume(node);
            self.broker.restart(node);
        }
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.broker.address());
        let asking: BaseConsumer = config.create().unwrap();
        wait_for("every partition to have all its copies", HEALTHY, || {
            let metadata = asking.fetch_metadata(None, Duration::from_secs(10)).ok()?;
            let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            partitions.all(|one| one.isr().len() == one.replicas().len() && one.leader() >= 0).then_some(())
        });
    }
}

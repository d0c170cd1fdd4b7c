//! What does the cluster say, before anything is read or written?

use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;

use super::client::{self, Role};
use super::sink::CALL;
use crate::config::Config;
use crate::error::Failure;

/// Asks the cluster for its brokers and for the topics of the configuration: a line each.
///
/// # Errors
/// The cluster does not answer, or does not let us in.
pub fn survey(config: &Config) -> Result<Vec<String>, Failure> {
    let properties = client::properties(config, Role::Admin)?;
    let admin: AdminClient<DefaultClientContext> =
        properties.create().map_err(|error| client::not_created(&error))?;
    let metadata = admin.inner().fetch_metadata(None, CALL).map_err(|error| {
        Failure::new(format!("cannot reach the brokers at {}", config.kafka.brokers))
            .detail(error)
            .hint("Check kafka.brokers, and kafka.properties for TLS and SASL.")
    })?;
    let mut lines = vec![format!("{} brokers answer", metadata.brokers().len())];
    let output = &config.output;
    let inputs = config.input.topics.iter().map(|topic| ("input", topic));
    let outputs = [&output.alerts, &output.shadow, &output.dead_letters, &output.enriched];
    let outputs = outputs.into_iter().filter(|topic| !topic.is_empty()).map(|topic| ("output", topic));
    for (kind, topic) in inputs.chain(outputs) {
        let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        lines.push(match found {
            Some(found) => format!("{kind} topic {topic}: {} partitions", found.partitions().len()),
            None if kind == "output" && config.state.create_topics => {
                format!("output topic {topic}: missing, will be created at start")
            }
            None => format!("{kind} topic {topic}: missing"),
        });
    }
    Ok(lines)
}

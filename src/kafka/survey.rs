//! What does the cluster say, before anything is read or written?

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;

use super::client::{self, Role};
use super::sink::CALL;
use crate::config::Config;
use crate::error::Failure;

/// Keeps why the cluster cannot be reached: the call itself only says that it took too long.
#[derive(Default)]
struct Reason(Mutex<Option<String>>);

impl ClientContext for Reason {
    fn error(&self, error: KafkaError, reason: &str) {
        // The first reason is the cause; later ones say that every broker is down.
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| if reason.is_empty() { error.to_string() } else { reason.to_owned() });
    }
}

impl ConsumerContext for Reason {}

/// Asks the cluster for its brokers and for the topics of the configuration: a line each.
///
/// # Errors
/// The cluster does not answer, or does not let us in.
pub fn survey(config: &Config) -> Result<Vec<String>, Failure> {
    let metadata = metadata(config)?;
    let mut lines = vec![format!("{} brokers answer", metadata.brokers().len())];
    let inputs = config.input.topics.iter().map(|topic| ("input", topic));
    let outputs = config.output.topics().map(|topic| ("output", topic));
    let state = [("repartition", &config.state.repartition), ("changelog", &config.state.changelog)];
    for (kind, topic) in inputs.chain(outputs).chain(state) {
        let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        lines.push(match found {
            Some(found) => format!("{kind} topic {topic}: {} partitions", found.partitions().len()),
            None if kind != "input" && config.state.create_topics => {
                format!("{kind} topic {topic}: missing, will be created at start")
            }
            None => format!("{kind} topic {topic}: missing"),
        });
    }
    Ok(lines)
}

fn metadata(config: &Config) -> Result<Metadata, Failure> {
    let properties = client::properties(config, Role::Admin)?;
    let client: BaseConsumer<Reason> =
        properties.create_with_context(Reason::default()).map_err(|error| client::not_created(&error))?;
    client.fetch_metadata(None, CALL).map_err(|error| {
        // Reasons come as events, some of them as results of a poll.
        while let Some(event) = client.poll(Duration::from_millis(200)) {
            event.err().into_iter().for_each(|error| client.context().error(error, ""));
        }
        let reason = client.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Failure::new(format!("cannot reach the brokers at {}", config.kafka.brokers))
            .detail(reason.unwrap_or_else(|| error.to_string()))
            .hint("Check kafka.brokers, and kafka.properties for TLS and SASL.")
    })
}

//! Are the topics there?
//!
//! Output topics are created where the configuration allows it and asked for otherwise. An input
//! topic belongs to the forwarders: it is waited for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;

use super::client::{self, Role};
use super::context::Context;
use super::sink::CALL;
use crate::config::Config;
use crate::error::Failure;
use crate::telemetry::{Fact, Telemetry};

/// Why the topics are not known to be there.
#[derive(Debug)]
pub enum Trouble {
    /// The cluster does not answer; later it may.
    Later(String),
    /// A person has to act.
    Never(Failure),
}

/// Creates the output topics that are missing, or says which are.
///
/// # Errors
/// See [`Trouble`].
pub fn ensure(config: &Config, telemetry: &Arc<Telemetry>) -> Result<(), Trouble> {
    let properties = client::properties(config, Role::Admin).map_err(Trouble::Never)?;
    let metadata = metadata(&properties, telemetry)?;
    let there = existing(&metadata);
    for topic in config.input.topics.iter().filter(|topic| !there.contains(*topic)) {
        telemetry.observe(&Fact::InputMissing { topic });
    }
    let missing: Vec<&String> = outputs(config).filter(|topic| !there.contains(*topic)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !config.state.create_topics {
        return Err(Trouble::Never(not_there(&missing)));
    }
    let admin: AdminClient<DefaultClientContext> =
        properties.create().map_err(|error| Trouble::Never(client::not_created(&error)))?;
    let brokers = i32::try_from(metadata.brokers().len()).unwrap_or(i32::MAX);
    let replication = config.state.replication.min(brokers.max(1));
    create(&admin, &missing, config.state.partitions, replication, telemetry)
}

/// What the cluster says of itself. This client is the first to reach it, or not to. Why not (a wrong
/// password, an unknown authority) it tells only when it is polled, which an admin client never is.
fn metadata(properties: &ClientConfig, telemetry: &Arc<Telemetry>) -> Result<Metadata, Trouble> {
    let client: BaseConsumer<Context> = properties
        .create_with_context(Context::new(Arc::clone(telemetry)))
        .map_err(|error| Trouble::Never(client::not_created(&error)))?;
    client.fetch_metadata(None, CALL).map_err(|error| {
        while client.poll(Duration::ZERO).is_some() {}
        later(&error)
    })
}

fn outputs(config: &Config) -> impl Iterator<Item = &String> {
    let output = &config.output;
    let mut seen = BTreeSet::new();
    [&output.alerts, &output.shadow, &output.dead_letters, &output.enriched]
        .into_iter()
        .filter(move |topic| !topic.is_empty() && seen.insert(*topic))
}

fn existing(metadata: &Metadata) -> BTreeSet<String> {
    let topics = metadata.topics().iter();
    topics.filter(|topic| topic.error().is_none()).map(|topic| topic.name().to_owned()).collect()
}

fn create(
    admin: &AdminClient<DefaultClientContext>,
    missing: &[&String],
    partitions: i32,
    replication: i32,
    telemetry: &Telemetry,
) -> Result<(), Trouble> {
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .map(|topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(replication)))
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| Trouble::Later(error.to_string()))?;
    let results = runtime.block_on(admin.create_topics(&topics, &options)).map_err(|error| later(&error))?;
    for result in results {
        match result {
            Ok(topic) => telemetry.observe(&Fact::TopicCreated { topic: &topic, partitions, replication }),
            // Another worker was faster.
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(refused(&topic, code)),
        }
    }
    Ok(())
}

fn refused(topic: &str, code: Code) -> Trouble {
    let lasting = matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::PolicyViolation
            | Code::InvalidReplicationFactor
            | Code::InvalidPartitions
            | Code::InvalidTopic
    );
    if !lasting {
        return Trouble::Later(format!("cannot create topic {topic}: {code}"));
    }
    Trouble::Never(
        Failure::new(format!("cannot create topic {topic}"))
            .detail(code)
            .hint("Create it by hand, or let this client create it; see state.create_topics."),
    )
}

fn not_there(missing: &[&String]) -> Failure {
    let names: Vec<&str> = missing.iter().map(|topic| topic.as_str()).collect();
    Failure::new("output topics are missing")
        .detail(format!("{} cannot be found on the cluster.", names.join(", ")))
        .hint("Create them, or set state.create_topics to true.")
}

fn later(error: &KafkaError) -> Trouble {
    Trouble::Later(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_topic_is_asked_for_once_and_an_empty_one_never() {
        let mut config = Config::default();
        config.output.shadow = config.output.alerts.clone();
        let names: Vec<&String> = outputs(&config).collect();
        assert_eq!(names, ["okta-alerts", "okta-dead-letters"]);
        config.output.enriched = "okta-events-enriched".to_owned();
        assert_eq!(outputs(&config).count(), 3);
    }

    #[test]
    fn what_a_person_has_to_mend_is_told_from_what_passes() {
        assert!(matches!(refused("t", Code::TopicAuthorizationFailed), Trouble::Never(_)));
        assert!(matches!(refused("t", Code::OperationTimedOut), Trouble::Later(_)));
    }
}

//! Are the topics there?
//!
//! Output topics and those of the state are created where the configuration allows it and asked for
//! otherwise. An input topic belongs to the forwarders: it is waited for.
//!
//! The topics of the state have a partition for each shard, so that they have equally many. How many
//! cannot change as long as there is state: the shard of a key follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;

use super::client::{self, Role};
use super::context::Context;
use super::sink::CALL;
use crate::config::{Config, State};
use crate::error::Failure;
use crate::limits;
use crate::telemetry::{Fact, Telemetry};

/// How long the question may take whose answer is only there to warn.
const QUESTION: Duration = Duration::from_secs(1);

/// Events of a client that could not reach the cluster, of which one tells why.
const EVENTS: u32 = 100;

/// Why the topics are not known to be there.
#[derive(Debug)]
pub enum Trouble {
    /// The cluster does not answer; later it may.
    Later(String),
    /// A person has to act.
    Never(Failure),
}

/// Creates the topics that are missing, or says which are. Gives the number of shards.
///
/// # Errors
/// See [`Trouble`].
pub fn ensure(config: &Config, telemetry: &Arc<Telemetry>) -> Result<u32, Trouble> {
    let properties = client::properties(config, Role::Admin).map_err(Trouble::Never)?;
    let metadata = metadata(&properties, telemetry)?;
    let there = existing(&metadata);
    for topic in config.input.topics.iter().filter(|topic| !there.contains_key(topic.as_str())) {
        telemetry.observe(&Fact::InputMissing { topic });
    }
    for topic in config.state.topics() {
        if let Some(found) = there.get(topic.as_str()) {
            has_a_partition_for_each_shard(topic, *found, config.state.partitions).map_err(Trouble::Never)?;
        }
    }
    let admin: AdminClient<DefaultClientContext> =
        properties.create().map_err(|error| Trouble::Never(client::not_created(&error)))?;
    if there.contains_key(config.state.changelog.as_str()) {
        compaction(&admin, &config.state.changelog, telemetry)?;
    }
    let missing: Vec<&String> = own(config).filter(|topic| !there.contains_key(topic.as_str())).collect();
    if !missing.is_empty() {
        if !config.state.create_topics {
            return Err(Trouble::Never(not_there(&missing)));
        }
        let brokers = i32::try_from(metadata.brokers().len()).unwrap_or(i32::MAX);
        let replication = config.state.replication.min(brokers.max(1));
        create(&admin, &missing, config, replication, telemetry)?;
    }
    Ok(u32::try_from(config.state.partitions).unwrap_or(1))
}

fn has_a_partition_for_each_shard(topic: &str, found: usize, shards: i32) -> Result<(), Failure> {
    if usize::try_from(shards) == Ok(found) {
        return Ok(());
    }
    Err(Failure::new(format!("topic {topic} has {found} partitions, but state.partitions is {shards}"))
        .detail("The repartition topic and the changelog have one partition for each shard.")
        .hint(format!(
            "Set state.partitions to {found}; or, to have another number, stop all instances and delete both \
             topics, which forgets open windows."
        )))
}

/// Whether the changelog keeps the last record of each key. Where that cannot be asked it is believed.
fn compaction(
    admin: &AdminClient<DefaultClientContext>,
    changelog: &str,
    telemetry: &Telemetry,
) -> Result<(), Trouble> {
    let options = AdminOptions::new().request_timeout(Some(QUESTION));
    let asked = [ResourceSpecifier::Topic(changelog)];
    let answer = wait_for(admin.describe_configs(&asked, &options))?;
    let found = answer.ok().and_then(|found| found.into_iter().next()).and_then(Result::ok);
    let policy = found.as_ref().and_then(|found| found.get("cleanup.policy")?.value.clone());
    match policy {
        None => telemetry.observe(&Fact::CompactionUnknown { topic: changelog }),
        Some(policy) if policy.split(',').any(|word| word.trim() == "delete") => {
            let failure = Failure::new(format!("topic {changelog} has cleanup.policy={policy}"))
                .detail("The state of the shards would be deleted after a while, and with it open windows.")
                .hint(format!(
                    "kafka-configs.sh --alter --entity-type topics --entity-name {changelog} --add-config \
                     cleanup.policy=compact"
                ));
            return Err(Trouble::Never(failure));
        }
        Some(_) => {}
    }
    Ok(())
}

fn wait_for<T>(future: impl Future<Output = T>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| Trouble::Later(error.to_string()))?;
    Ok(runtime.block_on(future))
}

/// What the cluster says of itself. This client is the first to reach it, or not to. Why not (a wrong
/// password, an unknown authority) it tells only when it is polled, which an admin client never is.
fn metadata(properties: &ClientConfig, telemetry: &Arc<Telemetry>) -> Result<Metadata, Trouble> {
    let client: BaseConsumer<Context> = properties
        .create_with_context(Context::new(Arc::clone(telemetry)))
        .map_err(|error| Trouble::Never(client::not_created(&error)))?;
    client.fetch_metadata(None, CALL).map_err(|error| {
        // A look takes one event at most, and gives nothing also for those that it hands to the context.
        for _ in 0..EVENTS {
            drop(client.poll(Duration::ZERO));
        }
        later(&error)
    })
}

/// The topics that are written to.
fn own(config: &Config) -> impl Iterator<Item = &String> {
    let mut seen = BTreeSet::new();
    config.output.topics().chain(config.state.topics()).filter(move |topic| seen.insert(*topic))
}

/// Each topic that is there, and how many partitions it has.
fn existing(metadata: &Metadata) -> BTreeMap<&str, usize> {
    let topics = metadata.topics().iter().filter(|topic| topic.error().is_none());
    topics.map(|topic| (topic.name(), topic.partitions().len())).collect()
}

fn create(
    admin: &AdminClient<DefaultClientContext>,
    missing: &[&String],
    config: &Config,
    replication: i32,
    telemetry: &Telemetry,
) -> Result<(), Trouble> {
    let partitions = config.state.partitions;
    let largest = limits::STATE_RECORD_BYTES.to_string();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .map(|topic| {
            let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(replication));
            let settings = settings(topic, &config.state, &largest);
            settings.into_iter().fold(new, |new, (key, value)| new.set(key, value))
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
    let results = wait_for(admin.create_topics(&topics, &options))?.map_err(|error| later(&error))?;
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

/// How a topic of the state is to be kept.
fn settings<'s>(topic: &str, state: &State, largest: &'s str) -> Vec<(&'static str, &'s str)> {
    if *topic == *state.changelog {
        // Only what is in a closed segment is compacted, and what is not is read at every restore.
        return vec![
            ("cleanup.policy", "compact"),
            ("segment.bytes", "67108864"),
            ("segment.ms", "3600000"),
            ("min.cleanable.dirty.ratio", "0.3"),
            // Who is half through when a key goes must still come by its tombstone.
            ("delete.retention.ms", "86400000"),
            ("max.message.bytes", largest),
        ];
    }
    if *topic == *state.repartition {
        return vec![
            ("cleanup.policy", "delete"),
            ("retention.ms", "604800000"),
            ("segment.bytes", "134217728"),
            ("max.message.bytes", largest),
        ];
    }
    Vec::new()
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
    Failure::new("topics are missing")
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
        let names: Vec<&String> = own(&config).collect();
        assert_eq!(
            names,
            ["okta-alerts", "okta-dead-letters", "oktawatch-repartition", "oktawatch-changelog"]
        );
        config.output.enriched = "okta-events-enriched".to_owned();
        assert_eq!(own(&config).count(), 5);
    }

    #[test]
    fn a_topic_of_the_state_with_another_number_of_partitions_is_told() {
        assert!(has_a_partition_for_each_shard("t", 12, 12).is_ok());
        let failure = has_a_partition_for_each_shard("t", 6, 12).unwrap_err();
        assert_eq!(failure.primary, "topic t has 6 partitions, but state.partitions is 12");
        assert!(failure.hint.unwrap().contains("Set state.partitions to 6"));
    }

    #[test]
    fn what_a_person_has_to_mend_is_told_from_what_passes() {
        assert!(matches!(refused("t", Code::TopicAuthorizationFailed), Trouble::Never(_)));
        assert!(matches!(refused("t", Code::OperationTimedOut), Trouble::Later(_)));
    }
}

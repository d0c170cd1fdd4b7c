//! Does a worker carry every record exactly once from one topic to the other?
//!
//! Against the broker inside librdkafka. It has no isolation of open transactions and forgets their
//! offsets, so what is promised of those is tested against a real broker, in the module `broker`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test ends at the first thing that fails, and is all rim"
)]

mod broker;
mod support;

use std::time::Duration;

use oktawatch::config::{Config, Delivery};
use oktawatch::kafka::Embedded;
use oktawatch::telemetry::WorkerState;
use support::{DEAD, INPUT, Kafka, Running, config, garbage};

/// A broker with the topics that every test needs.
fn embedded() -> (Embedded, Kafka) {
    let broker = Embedded::start().unwrap();
    let state = ["oktawatch-repartition", "oktawatch-changelog"];
    for topic in [INPUT, DEAD, "okta-alerts", "okta-alerts-shadow"].into_iter().chain(state) {
        broker.create_topic(topic, 2).unwrap();
    }
    let kafka = Kafka::at(&broker.brokers());
    (broker, kafka)
}

fn at_least_once(kafka: &Kafka) -> Config {
    let mut config = config(&kafka.brokers);
    config.engine.delivery = Delivery::AtLeastOnce;
    config
}

#[test]
fn every_record_leads_to_its_output_and_its_offset_is_committed() {
    let (_broker, kafka) = embedded();
    kafka.send(INPUT, &garbage(0..200));
    let running = Running::start(config(&kafka.brokers));
    assert_eq!(kafka.texts(DEAD, 200), garbage(0..200));
    assert!(running.metric("oktawatch_transactions_total{outcome=\"aborted\"} 0"));
    running.stop().unwrap();
}

#[test]
fn a_restart_goes_on_where_the_last_commit_stood() {
    let (_broker, kafka) = embedded();
    kafka.send(INPUT, &garbage(0..50));
    let running = Running::start(at_least_once(&kafka));
    kafka.texts(DEAD, 50);
    running.stop().unwrap();
    assert_eq!(kafka.committed("oktawatch", INPUT, 2), 50);
    kafka.send(INPUT, &garbage(50..80));
    let running = Running::start(at_least_once(&kafka));
    assert_eq!(kafka.texts(DEAD, 80), garbage(0..80));
    running.stop().unwrap();
    assert_eq!(kafka.committed("oktawatch", INPUT, 2), 80);
}

#[test]
fn a_dead_letter_names_where_it_came_from_and_keeps_the_original_bytes() {
    let (_broker, kafka) = embedded();
    kafka.send(INPUT, &["\u{0}not json".to_owned()]);
    let running = Running::start(config(&kafka.brokers));
    let letter = kafka.read(DEAD, 1).remove(0);
    running.stop().unwrap();
    assert_eq!(letter.payload, b"\0not json");
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_else(|| panic!("no header {name}"))
    };
    assert_eq!(header("topic"), INPUT);
    assert_eq!(header("offset"), "0");
    assert!(!header("reason").is_empty() && !header("detail").is_empty());
}

#[test]
fn an_outage_is_waited_out_and_nothing_is_lost_or_doubled() {
    let (broker, kafka) = embedded();
    kafka.send(INPUT, &garbage(0..20));
    let running = Running::start(config(&kafka.brokers));
    kafka.texts(DEAD, 20);
    broker.reachable(false).unwrap();
    running.until("the outage is seen", |state| state == WorkerState::Waiting);
    assert!(running.alive(), "an outage is no reason to be restarted");
    broker.reachable(true).unwrap();
    running.until("the worker goes on", |state| state == WorkerState::Running);
    kafka.send(INPUT, &garbage(20..40));
    assert_eq!(kafka.texts(DEAD, 40), garbage(0..40));
    running.stop().unwrap();
}

#[test]
fn errors_of_the_transaction_are_undone_and_tried_again() {
    use rdkafka::types::RDKafkaApiKey as Api;
    use rdkafka::types::RDKafkaRespErr as Error;
    for (api, error) in [
        (Api::AddOffsetsToTxn, Error::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE),
        (Api::TxnOffsetCommit, Error::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS),
        (Api::EndTxn, Error::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS),
        (Api::EndTxn, Error::RD_KAFKA_RESP_ERR__TRANSPORT),
        (Api::Produce, Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
        (Api::InitProducerId, Error::RD_KAFKA_RESP_ERR__TRANSPORT),
    ] {
        let (broker, kafka) = embedded();
        kafka.send(INPUT, &garbage(0..10));
        broker.cluster().request_errors(api, &[error, error]);
        let running = Running::start(config(&kafka.brokers));
        running.until_committed(10);
        running.stop().unwrap();
        let mut texts = kafka.texts(DEAD, 10);
        // This broker shows what an aborted transaction wrote, and cannot say whether one committed.
        texts.dedup();
        assert_eq!(texts, garbage(0..10), "{api:?} {error:?}");
    }
}

#[test]
fn a_fenced_producer_is_replaced_and_the_state_is_kept() {
    use rdkafka::types::RDKafkaApiKey as Api;
    use rdkafka::types::RDKafkaRespErr as Error;
    let (broker, kafka) = embedded();
    broker.cluster().request_errors(Api::EndTxn, &[Error::RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
    kafka.send(INPUT, &garbage(0..10));
    let running = Running::start(config(&kafka.brokers));
    running.until_committed(10);
    assert!(running.metric("oktawatch_batches_lost_total{worker=\"0\"} 0"));
    assert!(running.metric("oktawatch_transactions_total{outcome=\"fenced\"} 1"));
    running.stop().unwrap();
}

#[test]
fn two_workers_share_the_partitions_and_one_takes_over_what_the_other_leaves() {
    let (_broker, kafka) = embedded();
    let first = Running::start(at_least_once(&kafka));
    first.until("it has joined", |state| state == WorkerState::Running);
    let second = Running::start(support::instance(at_least_once(&kafka), "second"));
    second.until("it has joined", |state| state == WorkerState::Running);
    kafka.send(INPUT, &garbage(0..40));
    assert_eq!(kafka.texts(DEAD, 40), garbage(0..40));
    first.stop().unwrap();
    kafka.send(INPUT, &garbage(40..80));
    assert_eq!(kafka.texts(DEAD, 80), garbage(0..80));
    second.stop().unwrap();
    assert_eq!(kafka.committed("oktawatch", INPUT, 2), 80);
}

#[test]
fn a_worker_asked_to_stop_during_an_outage_stops_nonetheless() {
    let (broker, kafka) = embedded();
    let running = Running::start(config(&kafka.brokers));
    running.until("it has joined", |state| state == WorkerState::Running);
    broker.reachable(false).unwrap();
    running.until("the outage is seen", |state| state == WorkerState::Waiting);
    running.stop_within(Duration::from_secs(30)).unwrap();
}

//! What does librdkafka tell, and where does it stay until the worker looks?
//!
//! librdkafka calls back from within a worker's own calls. Nothing is done there: each event is
//! kept here and the worker's loop takes it up, so that all of a worker's state has one owner and
//! one order. A rebalance, too, only waits here: the group goes on when the worker has finished
//! what it holds and says so.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use crate::telemetry::{Fact, Telemetry};

/// What the group decided.
#[derive(Debug)]
pub enum Rebalance {
    /// These partitions are the worker's from now on.
    Assign(TopicPartitionList),
    /// These go to another member.
    Revoke {
        /// Which.
        partitions: TopicPartitionList,
        /// They may be another member's already.
        lost: bool,
    },
}

/// The ear of one client of one worker.
#[derive(Debug)]
pub struct Context {
    telemetry: Arc<Telemetry>,
    /// The client is being closed: rebalances are confirmed at once, as nobody looks any more.
    closing: AtomicBool,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    rebalances: VecDeque<Rebalance>,
    /// Records that were not delivered: their place in the batch, and why.
    failures: Vec<(usize, RDKafkaErrorCode)>,
    statistics: Option<Box<Statistics>>,
    down: Option<String>,
}

impl Context {
    /// A context that has heard nothing yet.
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        Self { telemetry, closing: AtomicBool::new(false), heard: Mutex::default() }
    }

    /// From now on rebalances are confirmed at once.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether the group waits for this worker.
    pub fn has_rebalance(&self) -> bool {
        self.heard(|heard| !heard.rebalances.is_empty())
    }

    /// Whether these partitions were taken away without asking.
    pub fn is_lost(&self, topic: &str, partition: i32) -> bool {
        self.heard(|heard| {
            heard.rebalances.iter().any(|event| match event {
                Rebalance::Revoke { partitions, lost: true } => {
                    partitions.find_partition(topic, partition).is_some()
                }
                _ => false,
            })
        })
    }

    /// The oldest rebalance that was not yet taken up.
    pub fn rebalance_event(&self) -> Option<Rebalance> {
        self.heard(|heard| heard.rebalances.pop_front())
    }

    /// Whether a record was not delivered.
    pub fn has_failures(&self) -> bool {
        self.heard(|heard| !heard.failures.is_empty())
    }

    /// The records that were not delivered since the last call.
    pub fn failures(&self) -> Vec<(usize, RDKafkaErrorCode)> {
        self.heard(|heard| std::mem::take(&mut heard.failures))
    }

    /// The statistics since the last call, if any came.
    pub fn statistics(&self) -> Option<Box<Statistics>> {
        self.heard(|heard| heard.statistics.take())
    }

    /// That all brokers are down, if that was heard since the last call.
    pub fn down(&self) -> Option<String> {
        self.heard(|heard| heard.down.take())
    }

    /// The lock is held for moments only and by code that cannot panic, so it is never poisoned;
    /// if it ever were, what was heard would still be whole.
    fn heard<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        look(&mut self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        let level = match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => tracing::Level::ERROR,
            RDKafkaLogLevel::Warning => tracing::Level::WARN,
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::Level::INFO,
            RDKafkaLogLevel::Debug => tracing::Level::DEBUG,
        };
        self.telemetry.observe(&Fact::Library { level, facility, text });
    }

    fn stats(&self, statistics: Statistics) {
        self.heard(|heard| heard.statistics = Some(Box::new(statistics)));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.heard(|heard| heard.down = Some(reason.to_owned()));
        } else if !matches!(error, KafkaError::PartitionEOF(_)) {
            let code = error.rdkafka_error_code().map(|code| format!("{code:?}")).unwrap_or_default();
            self.log(RDKafkaLogLevel::Warning, &code, reason);
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assign = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let event = if assign {
            Rebalance::Assign(partitions.clone())
        } else {
            Rebalance::Revoke { partitions: partitions.clone(), lost: consumer.assignment_lost() }
        };
        if !self.closing.load(Ordering::Relaxed) {
            self.heard(|heard| heard.rebalances.push_back(event));
        } else if let Err(error) = confirm(consumer, &event) {
            self.log(RDKafkaLogLevel::Warning, "REBALANCE", &error.to_string());
        }
    }
}

impl ProducerContext for Context {
    /// The record's place in its batch.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        if let Err((error, _)) = result {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            self.heard(|heard| heard.failures.push((place, code)));
        }
    }
}

/// Tells the group that the worker has done its part of a rebalance. Where new partitions begin is none of
/// the client's business: it would begin anew where the group's place is not settled at the moment. So it is
/// given a place, at which it reads nothing, until the right one is known.
///
/// # Errors
/// What librdkafka does not take.
pub fn confirm(consumer: &BaseConsumer<Context>, event: &Rebalance) -> KafkaResult<()> {
    let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
    match (event, cooperative) {
        (Rebalance::Assign(partitions), cooperative) => {
            let mut paused = partitions.clone();
            paused.set_all_offsets(Offset::Offset(0))?;
            match cooperative {
                true => consumer.incremental_assign(&paused)?,
                false => consumer.assign(&paused)?,
            }
            consumer.pause(&paused)
        }
        (Rebalance::Revoke { partitions, .. }, true) => consumer.incremental_unassign(partitions),
        (Rebalance::Revoke { .. }, false) => consumer.unassign(),
    }
}

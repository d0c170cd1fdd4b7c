//! Which words does the log have for a fact, and at which level?

use std::sync::Arc;

use tracing::{Level, debug, error, info, warn};

use super::{Fact, Outcome, Telemetry, WorkerState};

impl Telemetry {
    /// Writes the fact's line, if it has one and is not a repeat.
    pub(super) fn say(&self, fact: &Fact<'_>) {
        match fact {
            Fact::Started { version, digest } => {
                self.line(Level::INFO);
                info!(version, rules = self.rules(), digest, "started");
            }
            Fact::RulesLoaded { digest, rules, added, changed, removed } => {
                self.line(Level::INFO);
                info!(digest, rules, added, changed, removed, "loaded the changed rules");
            }
            Fact::RulesTaken { worker, kept, anew, overflow } => {
                self.line(Level::INFO);
                let why = if *overflow { "too many fields have come and gone" } else { "" };
                info!(worker, windows_kept = kept, windows_anew = anew, why, "took up the changed rules");
            }
            Fact::Stopped => {
                self.line(Level::INFO);
                info!("stopped");
            }
            Fact::StopRequested { by } => {
                self.line(Level::INFO);
                info!(by, "stopping: finishing the batch, then leaving the group");
            }
            Fact::Listening { address } => {
                self.line(Level::INFO);
                info!(address, "serving /metrics, /healthz and /readyz");
            }
            Fact::WorkerMoved { worker, from, to, why } => self.say_moved(*worker, *from, *to, why),
            Fact::TopicCreated { topic, partitions, replication } => {
                self.line(Level::INFO);
                info!(topic, partitions, replication, "created a topic");
            }
            Fact::Assigned { worker, partitions } => {
                self.line(Level::INFO);
                info!(worker, partitions = names(partitions), "partitions assigned");
            }
            Fact::Restoring { worker, shard, records, end } => {
                self.line(Level::INFO);
                info!(worker, shard, records, end, "restoring a shard");
            }
            Fact::Restored { worker, shard, records, steps, skipped, seconds } => {
                self.line(Level::INFO);
                info!(worker, shard, records, steps, skipped, seconds, "restored a shard");
            }
            Fact::GeoIpLoaded { again, .. } => {
                self.line(Level::INFO);
                info!(again, "read the geoip databases");
            }
            Fact::ClusterUp { worker } => {
                self.line(Level::INFO);
                info!(worker, "the cluster answers");
            }
            Fact::Committed { worker, seconds, account } => {
                debug!(worker, seconds, records = account.records(), "committed a batch");
            }
            Fact::Library { level, facility, text } => self.say_library(*level, facility, text),
            trouble => self.say_trouble(trouble),
        }
    }

    fn say_trouble(&self, fact: &Fact<'_>) {
        match fact {
            Fact::InputMissing { topic } => {
                let Some(suppressed) = self.admit("input missing", topic, "kafka") else { return };
                self.line(Level::WARN);
                let hint = "Create it, or correct input.topics; the service goes on as soon as it is there.";
                warn!(topic, hint, suppressed, "input topic does not exist");
            }
            Fact::CompactionUnknown { topic } => {
                self.line(Level::WARN);
                let hint = "Let this client describe the topic's configs, or see to it that cleanup.policy is compact.";
                warn!(topic, hint, "cannot ask whether the changelog is compacted");
            }
            Fact::Revoked { worker, partitions, lost: false } => {
                self.line(Level::INFO);
                info!(worker, partitions = names(partitions), "partitions handed over");
            }
            Fact::Revoked { worker, partitions, lost: true } => {
                self.line(Level::WARN);
                warn!(
                    worker,
                    partitions = names(partitions),
                    "partitions lost before they could be handed over"
                );
            }
            Fact::Setback { worker, outcome, operation, error } => {
                self.say_setback(*worker, *outcome, operation, error);
            }
            Fact::BatchLost { worker, records, why } => {
                self.line(Level::WARN);
                warn!(
                    worker,
                    records, why, "a batch is given up: shards are restored, its records are read again"
                );
            }
            Fact::Shrunk { topic, bytes, into } => {
                let Some(suppressed) = self.admit("shrunk", topic, "kafka") else { return };
                self.line(Level::WARN);
                let hint = "Raise max.message.bytes of the topic to have such records whole.";
                warn!(topic, bytes, into, hint, suppressed, "output record is too large for the broker");
            }
            Fact::ClusterDown { worker, error } => {
                let Some(suppressed) = self.admit("cluster down", &worker.to_string(), "kafka") else {
                    return;
                };
                self.line(Level::WARN);
                warn!(worker, error, suppressed, "the cluster does not answer; waiting for it");
            }
            Fact::ConsumerError { worker, error } => {
                let Some(suppressed) = self.admit("consumer", error, "kafka") else { return };
                self.line(Level::WARN);
                warn!(worker, error, suppressed, "the consumer reports an error");
            }
            other => self.say_files(other),
        }
    }

    fn say_files(&self, fact: &Fact<'_>) {
        match fact {
            Fact::GeoIpFailed { error } => {
                let Some(suppressed) = self.admit("geoip", error, "geoip") else { return };
                self.line(Level::ERROR);
                error!(
                    error,
                    suppressed, "cannot read the changed geoip databases; the old ones stay in use"
                );
            }
            Fact::RulesFailed { errors, error } => {
                self.line(Level::ERROR);
                let hint = "`oktawatch check PATH` shows every mistake.";
                error!(errors, error, hint, "the changed rules are not good; the old ones stay in use");
            }
            Fact::ExceptionExpired { rule, until, owner } => {
                self.line(Level::WARN);
                warn!(rule, until, owner, "an exception has expired and takes nothing out any more");
            }
            _ => {}
        }
    }

    fn say_moved(&self, worker: usize, from: WorkerState, to: WorkerState, why: &str) {
        let (from, word) = (from.as_str(), to.as_str());
        if matches!(to, WorkerState::Waiting | WorkerState::Rebuilding) {
            self.line(Level::WARN);
            warn!(worker, from, to = word, why, "worker state");
        } else {
            self.line(Level::INFO);
            info!(worker, from, to = word, why, "worker state");
        }
    }

    fn say_setback(&self, worker: usize, outcome: Outcome, operation: &str, error: &str) {
        let Some(suppressed) = self.admit("setback", operation, "kafka") else { return };
        self.line(Level::WARN);
        let outcome = outcome.as_str();
        warn!(
            worker,
            outcome, operation, error, suppressed, "a transaction did not commit; the batch is kept"
        );
    }

    fn say_library(&self, level: Level, facility: &str, text: &str) {
        if level > Level::WARN {
            debug!(target: "librdkafka", facility, "{text}");
            return;
        }
        let Some(suppressed) = self.admit("librdkafka", facility, "librdkafka") else { return };
        self.line(Level::WARN);
        // The library calls a broker that is away an error; this service waits for it.
        warn!(target: "librdkafka", facility, suppressed, "{text}");
    }

    /// Whether a line of this kind is due; counts it if not.
    fn admit(&self, kind: &str, about: &str, target: &str) -> Option<u64> {
        let mut throttle = self.throttle.lock().ok()?;
        let admitted = throttle.admit(&format!("{kind} {about}"), super::now_ms());
        if admitted.is_none() {
            self.metrics.log_lines_suppressed_total.with_label_values(&[target]).inc();
        }
        admitted
    }

    fn line(&self, level: Level) {
        let word = match level {
            Level::ERROR => "error",
            Level::WARN => "warn",
            _ => "info",
        };
        self.metrics.log_lines_total.with_label_values(&[word]).inc();
    }
}

/// `okta-events/0,1,2 other/7`
fn names(partitions: &[(Arc<str>, i32)]) -> String {
    let mut text = String::new();
    let mut last: Option<&Arc<str>> = None;
    for (topic, partition) in partitions {
        if last == Some(topic) {
            text.push_str(&format!(",{partition}"));
        } else {
            let gap = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{gap}{topic}/{partition}"));
        }
        last = Some(topic);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_listed_by_topic() {
        let partitions = [(Arc::from("a"), 0), (Arc::from("a"), 4), (Arc::from("b"), 1)];
        assert_eq!(names(&partitions), "a/0,4 b/1");
        assert_eq!(names(&[]), "");
    }
}

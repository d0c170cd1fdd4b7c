//! What does the service tell of itself?
//!
//! Code that does the work states a [`Fact`]; [`Telemetry::observe`] alone turns it into a log line
//! and into metrics, so that the two cannot tell different stories.

mod fact;
mod health;
pub mod log;
mod metrics;
mod of_rules;
mod say;
mod state;
mod throttle;

use std::sync::{Arc, Mutex, RwLock};

use prometheus::{Registry, TextEncoder};

pub use fact::{Account, Fact, Gauges, Outcome, Parcels};
pub use health::{Health, Verdict};
pub use metrics::{Kind, METRICS, Metric, PREFIX};
pub use state::WorkerState;
pub use throttle::Throttle;

use crate::error::Failure;
use crate::model::{DeadLetterReason, RuleInfo, Tally};
use metrics::Metrics;
use of_rules::Known;

/// The service's metrics, and the writer of its log lines.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    metrics: Metrics,
    rules: RwLock<Known>,
    workers: usize,
    throttle: Mutex<Throttle>,
    health: Arc<Health>,
}

impl Telemetry {
    /// The telemetry of these rules and workers; what can count exists at zero from the start.
    ///
    /// # Errors
    /// A metric that cannot be registered.
    pub fn new(rules: &[Arc<RuleInfo>], health: Arc<Health>, workers: usize) -> Result<Self, Failure> {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry)?;
        let this =
            Self { registry, metrics, rules: RwLock::default(), workers, throttle: Mutex::default(), health };
        this.preregister();
        this.set_rules(rules);
        Ok(this)
    }

    /// The health that HTTP serves.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Input records in committed transactions, over all partitions.
    pub fn records_committed(&self) -> u64 {
        let families = prometheus::core::Collector::collect(&self.metrics.records_consumed_total);
        let series = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        series.map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    /// All metrics in Prometheus's text format.
    ///
    /// # Errors
    /// A metric that cannot be written as text.
    pub fn expose(&self) -> Result<String, Failure> {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .map_err(|error| Failure::new("cannot write the metrics").detail(error))
    }

    /// Counts a fact and says it in the log.
    pub fn observe(&self, fact: &Fact<'_>) {
        self.count(fact);
        self.say(fact);
    }

    fn count(&self, fact: &Fact<'_>) {
        let metrics = &self.metrics;
        match fact {
            Fact::Started { version, digest } => {
                metrics.build_info.with_label_values(&[version]).set(1.0);
                metrics.rules_info.with_label_values(&[digest]).set(1.0);
            }
            Fact::WorkerMoved { worker, from, to, why } => {
                let name = worker.to_string();
                metrics.worker_state.with_label_values(&[name.as_str(), from.as_str()]).set(0.0);
                metrics.worker_state.with_label_values(&[name.as_str(), to.as_str()]).set(1.0);
                self.health.moved(*worker, *to, why);
            }
            Fact::Assigned { .. } => metrics.rebalances_total.with_label_values(&["assigned"]).inc(),
            Fact::Revoked { partitions, lost, .. } => self.revoked(partitions, *lost),
            Fact::Stepped { worker, seconds } => {
                metrics::time(&metrics.batch_seconds.with_label_values(&[&worker.to_string()]), *seconds);
            }
            Fact::RulesLoaded { digest, .. } => {
                metrics.rules_info.reset();
                metrics.rules_info.with_label_values(&[digest]).set(1.0);
                metrics.rules_reloads_total.with_label_values(&["loaded"]).inc();
            }
            Fact::RulesFailed { .. } => metrics.rules_reloads_total.with_label_values(&["failed"]).inc(),
            Fact::Restored { worker, records, seconds, .. } => {
                let name = worker.to_string();
                metrics.restored_records_total.with_label_values(&[&name]).inc_by(*records);
                metrics::time(&metrics.restore_seconds.with_label_values(&[&name]), *seconds);
            }
            Fact::Arriving { worker, shards, inputs } => {
                let name = worker.to_string();
                metrics.shards.with_label_values(&[name.as_str(), "restoring"]).set(*shards as f64);
                self.health.arriving(*worker, *shards + *inputs);
            }
            Fact::Counted { tally, rules } => self.tally(tally, rules),
            Fact::Committed { worker, seconds, account } => {
                let histogram = metrics.transaction_seconds.with_label_values(&[&worker.to_string()]);
                metrics::time(&histogram, *seconds);
                metrics.transactions_total.with_label_values(&[Outcome::Committed.as_str()]).inc();
                self.account(account);
            }
            Fact::Setback { outcome, .. } => {
                metrics.transactions_total.with_label_values(&[outcome.as_str()]).inc();
            }
            Fact::BatchLost { worker, .. } => {
                metrics.batches_lost_total.with_label_values(&[&worker.to_string()]).inc();
            }
            Fact::Shrunk { topic, .. } => metrics.outputs_shrunk_total.with_label_values(&[topic]).inc(),
            Fact::Lag { topic, partition, records } => {
                let lag = metrics.consumer_lag_records.with_label_values(&[*topic, &partition.to_string()]);
                lag.set((*records).max(0) as f64);
            }
            Fact::Holding { worker, now_ms, gauges } => self.holding(*worker, *now_ms, gauges),
            Fact::ClusterDown { worker, .. } => self.broker_up(*worker, 0.0),
            Fact::ClusterUp { worker } => self.broker_up(*worker, 1.0),
            Fact::GeoIpLoaded { again, built } => {
                metrics.geoip_reloads_total.with_label_values(&["loaded"]).inc_by(u64::from(*again));
                for (database, epoch) in *built {
                    let gauge = &metrics.geoip_database_build_timestamp_seconds;
                    gauge.with_label_values(&[database]).set(*epoch as f64);
                }
            }
            Fact::GeoIpFailed { .. } => metrics.geoip_reloads_total.with_label_values(&["failed"]).inc(),
            _ => {}
        }
    }

    fn broker_up(&self, worker: usize, up: f64) {
        self.metrics.broker_up.with_label_values(&[&worker.to_string()]).set(up);
    }

    /// Series of a partition that went elsewhere would stand still and mislead: they go.
    fn revoked(&self, partitions: &[(Arc<str>, i32)], lost: bool) {
        let kind = if lost { "lost" } else { "revoked" };
        self.metrics.rebalances_total.with_label_values(&[kind]).inc();
        for (topic, partition) in partitions {
            let labels = [topic.as_ref(), &partition.to_string()];
            for gauge in [&self.metrics.consumer_lag_records, &self.metrics.event_time_lag_seconds] {
                // A partition that never had the series has nothing to remove.
                let _absent = gauge.remove_label_values(&labels);
            }
        }
    }

    fn account(&self, account: &Account) {
        let metrics = &self.metrics;
        for ((topic, partition), (records, bytes)) in &account.consumed {
            let labels = [topic.as_ref(), &partition.to_string()];
            metrics.records_consumed_total.with_label_values(&labels).inc_by(*records);
            metrics.records_consumed_bytes_total.with_label_values(&labels).inc_by(*bytes);
        }
        let parcels = &account.parcels;
        for (way, count) in
            [("received", parcels.received), ("sent", parcels.sent), ("direct", parcels.direct)]
        {
            metrics.parcels_total.with_label_values(&[way]).inc_by(count);
        }
        metrics.parcels_sent_bytes_total.with_label_values::<&str>(&[]).inc_by(parcels.bytes);
        metrics.state_changes_total.with_label_values::<&str>(&[]).inc_by(account.changes.0);
        metrics.state_changes_bytes_total.with_label_values::<&str>(&[]).inc_by(account.changes.1);
        self.alerts(account);
        for (reason, count) in &account.dead_letters {
            metrics.dead_letters_total.with_label_values(&[reason.as_str()]).inc_by(*count);
        }
        self.tally(&account.tally, &account.rules);
    }

    fn tally(&self, tally: &Tally, rules: &[Arc<RuleInfo>]) {
        let metrics = &self.metrics;
        for (outcome, count) in outcomes(tally) {
            metrics.events_total.with_label_values(&[outcome]).inc_by(count);
        }
        for (outcome, count) in [("found", tally.geoip_found), ("missed", tally.geoip_missed)] {
            metrics.geoip_lookups_total.with_label_values(&[outcome]).inc_by(count);
        }
        self.by_rule(tally, rules);
        metrics.parcels_unroutable_total.with_label_values::<&str>(&[]).inc_by(tally.unroutable);
        metrics.invariant_violations_total.with_label_values::<&str>(&[]).inc_by(tally.invariants);
        for (table, count) in &tally.evicted_state {
            metrics.state_evictions_total.with_label_values(&[table]).inc_by(*count);
        }
    }

    fn holding(&self, worker: usize, now_ms: i64, gauges: &Gauges) {
        let metrics = &self.metrics;
        let name = worker.to_string();
        metrics.sessions.with_label_values(&[&name]).set(gauges.sessions as f64);
        metrics.users.with_label_values(&[&name]).set(gauges.users as f64);
        for (table, held) in &gauges.entries {
            metrics.state_entries.with_label_values(&[name.as_str(), table]).set(*held as f64);
        }
        metrics.shards.with_label_values(&[name.as_str(), "running"]).set(gauges.shards as f64);
        if let Some(watermark) = gauges.watermark_ms {
            metrics.watermark_timestamp_seconds.with_label_values(&[&name]).set(watermark as f64 / 1e3);
        }
        for (topic, partition, newest) in &gauges.newest_ms {
            let labels = [topic.as_ref(), &partition.to_string()];
            let lag = (now_ms - newest).max(0) as f64 / 1e3;
            metrics.event_time_lag_seconds.with_label_values(&labels).set(lag);
        }
        self.keys(&gauges.keys, &name);
    }

    fn preregister(&self) {
        let metrics = &self.metrics;
        self.account(&Account::default());
        for reason in DeadLetterReason::ALL {
            metrics.dead_letters_total.with_label_values(&[reason.as_str()]);
        }
        for outcome in Outcome::ALL {
            metrics.transactions_total.with_label_values(&[outcome.as_str()]);
        }
        for outcome in ["loaded", "failed"] {
            metrics.geoip_reloads_total.with_label_values(&[outcome]);
            metrics.rules_reloads_total.with_label_values(&[outcome]);
        }
        for kind in ["assigned", "revoked", "lost"] {
            metrics.rebalances_total.with_label_values(&[kind]);
        }
        for worker in 0..self.workers {
            self.preregister_worker(&worker.to_string());
            self.broker_up(worker, 0.0);
        }
    }

    fn preregister_worker(&self, worker: &str) {
        let metrics = &self.metrics;
        metrics.batch_seconds.with_label_values(&[worker]);
        metrics.transaction_seconds.with_label_values(&[worker]);
        metrics.batches_lost_total.with_label_values(&[worker]);
        for state in WorkerState::ALL {
            let now = if state == WorkerState::Starting { 1.0 } else { 0.0 };
            metrics.worker_state.with_label_values(&[worker, state.as_str()]).set(now);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "only to space out repeated log lines")]
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// `events_total` by outcome.
fn outcomes(tally: &Tally) -> [(&'static str, u64); 6] {
    [
        ("processed", tally.events.saturating_sub(tally.duplicates)),
        ("duplicate", tally.duplicates),
        ("late", tally.late),
        ("from_the_future", tally.from_the_future),
        ("skipped", tally.skipped),
        ("lossy", tally.lossy),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RuleIndex;

    fn rules() -> Vec<Arc<RuleInfo>> {
        let rule = RuleInfo { name: Arc::from("mfa_fatigue"), generates: true, ..RuleInfo::default() };
        vec![Arc::new(rule)]
    }

    fn telemetry() -> Telemetry {
        Telemetry::new(&rules(), Arc::new(Health::new(1, 0)), 1).unwrap()
    }

    fn has(telemetry: &Telemetry, line: &str) -> bool {
        telemetry.expose().unwrap().lines().any(|each| each == line)
    }

    #[test]
    fn what_can_count_exists_at_zero_from_the_start() {
        let telemetry = telemetry();
        for line in [
            r#"oktawatch_alerts_total{mode="active",rule="mfa_fatigue",severity="medium"} 0"#,
            r#"oktawatch_dead_letters_total{reason="not_json"} 0"#,
            r#"oktawatch_transactions_total{outcome="fenced"} 0"#,
            r#"oktawatch_worker_state{state="starting",worker="0"} 1"#,
            r#"oktawatch_events_total{outcome="late"} 0"#,
        ] {
            assert!(has(&telemetry, line), "{line}");
        }
    }

    #[test]
    fn a_committed_batch_counts_what_was_in_it() {
        let telemetry = telemetry();
        let mut account = Account { rules: rules().into(), ..Account::default() };
        account.consumed.insert((Arc::from("okta-events"), 3), (5, 900));
        account.dead_letters.insert(DeadLetterReason::NotJson, 2);
        account.tally =
            Tally { events: 3, duplicates: 1, matches: vec![(RuleIndex(0), 4)], ..Tally::default() };
        telemetry.observe(&Fact::Committed { worker: 0, seconds: 0.01, account: &account });
        for line in [
            r#"oktawatch_records_consumed_total{partition="3",topic="okta-events"} 5"#,
            r#"oktawatch_records_consumed_bytes_total{partition="3",topic="okta-events"} 900"#,
            r#"oktawatch_dead_letters_total{reason="not_json"} 2"#,
            r#"oktawatch_events_total{outcome="processed"} 2"#,
            r#"oktawatch_rule_matches_total{rule="mfa_fatigue"} 4"#,
            r#"oktawatch_transactions_total{outcome="committed"} 1"#,
        ] {
            assert!(has(&telemetry, line), "{line}");
        }
    }

    #[test]
    fn lag_is_never_negative_and_goes_with_the_partition() {
        let telemetry = telemetry();
        let lag = r#"oktawatch_consumer_lag_records{partition="0",topic="t"} 0"#;
        telemetry.observe(&Fact::Lag { topic: "t", partition: 0, records: -7 });
        assert!(has(&telemetry, lag));
        let partitions = [(Arc::from("t"), 0)];
        telemetry.observe(&Fact::Revoked { worker: 0, partitions: &partitions, lost: false });
        assert!(!telemetry.expose().unwrap().contains("consumer_lag_records{"));
    }

    #[test]
    fn a_state_shows_in_metrics_and_in_health_alike() {
        let telemetry = telemetry();
        let (from, to) = (WorkerState::Joining, WorkerState::Running);
        telemetry.observe(&Fact::WorkerMoved { worker: 0, from, to, why: "" });
        assert!(has(&telemetry, r#"oktawatch_worker_state{state="running",worker="0"} 1"#));
        assert!(has(&telemetry, r#"oktawatch_worker_state{state="joining",worker="0"} 0"#));
        assert!(telemetry.health().ready().good);
    }
}

//! Which metrics are there, with which labels, and what do they say?
//!
//! One table makes the metric, its field here and its row in the documentation. Labels are bounded:
//! topics, partitions, rules and words of this program, never a user, an address or a session.

use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, core::Collector,
};

use crate::error::Failure;

/// What every name begins with.
pub const PREFIX: &str = "oktawatch_";

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up.
    Counter,
    /// Up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric as documentation shows it.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Full name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// Its labels, in their order.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// Upper bounds of the buckets for times that should be milliseconds, in seconds.
const FAST: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

macro_rules! vector {
    (Counter) => {
        IntCounterVec
    };
    (Gauge) => {
        GaugeVec
    };
    (Histogram) => {
        HistogramVec
    };
}

macro_rules! metrics {
    ($($field:ident: $kind:ident [$($label:literal),*] $help:literal;)*) => {
        /// Every metric, in the order of the documentation.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: concat!("oktawatch_", stringify!($field)),
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        }),*];

        /// The metrics themselves.
        #[derive(Debug)]
        pub(super) struct Metrics {
            $(pub(super) $field: vector!($kind),)*
        }

        impl Metrics {
            /// Registers every metric.
            pub(super) fn new(registry: &Registry) -> Result<Self, Failure> {
                Ok(Self {
                    $($field: make::<vector!($kind)>(
                        registry,
                        concat!("oktawatch_", stringify!($field)),
                        &[$($label),*],
                        $help,
                    )?,)*
                })
            }
        }
    };
}

metrics! {
    build_info: Gauge ["version"] "Always 1; which version runs.";
    rules_info: Gauge ["digest"] "Always 1; the digest of the meaning of all rules that run.";
    rules: Gauge ["mode"] "Rules loaded, by mode.";
    rules_reloads_total: Counter ["outcome"] "Rules and lists read anew after a change: loaded, or failed (the old ones stay in use).";
    records_consumed_total: Counter ["topic", "partition"] "Records of the input taken into a committed transaction.";
    parcels_total: Counter ["way"] "Parcels between shards in committed transactions: received from the repartition topic, sent to it, or direct to a shard of the same worker.";
    parcels_sent_bytes_total: Counter [] "Bytes of the parcels sent to the repartition topic.";
    parcels_unroutable_total: Counter [] "Parcels for a rule that this process does not have, as while rules are being changed in a group.";
    state_changes_total: Counter [] "Keys of state written to the changelog.";
    state_changes_bytes_total: Counter [] "Bytes of those: keys and values.";
    shards: Gauge ["worker", "state"] "Shards of a worker: running, or restoring (assigned, and being read from the changelog).";
    restored_records_total: Counter ["worker"] "Records of the changelog read to restore shards.";
    restore_seconds: Histogram ["worker"] "Time to restore one shard, with the wait for transactions that were open in its changelog.";
    records_consumed_bytes_total: Counter ["topic", "partition"] "Bytes of those records: keys, headers and values.";
    consumer_lag_records: Gauge ["topic", "partition"] "Records that are readable (up to the last stable offset) and not yet committed.";
    event_time_lag_seconds: Gauge ["topic", "partition"] "Wall clock less `published` of the newest event that was read.";
    watermark_timestamp_seconds: Gauge ["worker"] "Event time up to which a worker takes the stream to be complete, as a Unix time.";
    events_total: Counter ["outcome"] "Events by what became of them: processed, duplicate, late, from_the_future, skipped, lossy. Late, future and lossy events are processed as well.";
    geoip_lookups_total: Counter ["outcome"] "Client addresses looked up in the GeoIP database: found or missed.";
    geoip_database_build_timestamp_seconds: Gauge ["database"] "When a GeoIP database was built, as a Unix time.";
    geoip_reloads_total: Counter ["outcome"] "GeoIP databases read anew after a change: loaded or failed.";
    sessions: Gauge ["worker"] "Okta sessions held in state.";
    users: Gauge ["worker"] "Users held in state.";
    state_entries: Gauge ["worker", "table"] "Entries held in the other tables of state: habits, machines, principals, granters, causes, tokens, notices.";
    rule_matches_total: Counter ["rule"] "Events that matched, or windows that came true.";
    rule_exceptions_total: Counter ["rule"] "Matches that an exception of the rule took out; they are not among its matches.";
    rule_state_keys: Gauge ["rule", "worker"] "Keys held in a correlation's state.";
    rule_evictions_total: Counter ["rule"] "Keys or events that a correlation dropped at a bound.";
    rule_ungrouped_total: Counter ["rule"] "Events that a correlation could not use because a group-by field was missing.";
    alerts_total: Counter ["rule", "severity", "mode"] "Alerts committed, updates included.";
    alerts_suppressed_total: Counter ["rule"] "Satisfying windows folded into an alert that was raised before.";
    dead_letters_total: Counter ["reason"] "Records, or parts of them, sent to the dead-letter topic.";
    outputs_shrunk_total: Counter ["topic"] "Output records that the broker found too large and that were sent shortened.";
    state_evictions_total: Counter ["table"] "Entries dropped at a bound, by table: sessions, users, habits, machines, principals, granters, causes, tokens, notices, uuids, and what one user or token holds (user_sessions, user_habits, user_machines, granter_habits, token_sources).";
    invariant_violations_total: Counter [] "Invariants that did not hold; each is a mistake in the program.";
    batch_seconds: Histogram ["worker"] "Time the engine took for one batch.";
    transaction_seconds: Histogram ["worker"] "Time from the begin of a transaction to its end.";
    transactions_total: Counter ["outcome"] "Transactions by their end: committed, aborted, unknown, fenced.";
    batches_lost_total: Counter ["worker"] "Times a worker gave up a batch that it could not commit: its shards are restored from what was committed, and the records of the batch are read again.";
    worker_state: Gauge ["worker", "state"] "1 for the state a worker is in, 0 for the others.";
    rebalances_total: Counter ["kind"] "Partitions assigned, revoked or lost, counted by event.";
    broker_up: Gauge ["worker"] "1 while a worker reaches the cluster, 0 while it waits for it.";
    log_lines_total: Counter ["level"] "Facts written to the log, by level (error, warn, info).";
    log_lines_suppressed_total: Counter ["target"] "Repeated lines that were counted instead of logged.";
}

/// A family of metrics that can be made from a table row.
trait Family: Collector + Clone + Sized + 'static {
    fn build(name: &str, labels: &[&str], help: &str) -> prometheus::Result<Self>;
}

impl Family for IntCounterVec {
    fn build(name: &str, labels: &[&str], help: &str) -> prometheus::Result<Self> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Family for GaugeVec {
    fn build(name: &str, labels: &[&str], help: &str) -> prometheus::Result<Self> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Family for HistogramVec {
    fn build(name: &str, labels: &[&str], help: &str) -> prometheus::Result<Self> {
        Self::new(HistogramOpts::new(name, help).buckets(FAST.to_vec()), labels)
    }
}

fn make<F: Family>(registry: &Registry, name: &str, labels: &[&str], help: &str) -> Result<F, Failure> {
    let failed = |error: prometheus::Error| Failure::new(format!("cannot register {name}")).detail(error);
    let family = F::build(name, labels, help).map_err(failed)?;
    registry.register(Box::new(family.clone())).map_err(failed)?;
    Ok(family)
}

/// Records a time in a distribution.
pub(super) fn time(histogram: &Histogram, seconds: f64) {
    histogram.observe(seconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_their_kind() {
        for metric in METRICS {
            assert!(metric.name.starts_with(PREFIX), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            let counted = metric.name.ends_with("_total");
            assert_eq!(counted, metric.kind == Kind::Counter, "{}", metric.name);
            for label in metric.labels {
                assert!(!["user", "ip", "session", "login"].contains(label), "{}", metric.name);
            }
        }
    }

    #[test]
    fn every_row_registers_once() {
        let registry = Registry::new();
        assert!(Metrics::new(&registry).is_ok());
        assert!(Metrics::new(&registry).is_err(), "a second set under the same names must be refused");
    }
}

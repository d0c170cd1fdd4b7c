//! What does the engine say to rules and events?

use std::collections::BTreeSet;
use std::sync::Arc;

use oktawatch::config::{Config, Duration};
use oktawatch::engine::Shard;
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Activity, Alert, Input};
use oktawatch::rule::{self, RuleSet, Sources};

use crate::cluster::Cluster;
use crate::events::{Clock, topic};
use crate::reference::Satisfying;

/// Far enough after the last event for everything to be decided.
const LATER_MS: i64 = 3_600_000;

/// Partitions that shards wait for, whether or not anything comes by them.
const PARTITIONS: i32 = 3;

/// How the engine is told that nothing more comes.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// The recording is complete.
    Complete,
    /// Every partition is idle, and the wall clock goes on.
    Idle(i32),
}

pub fn compile(documents: &str) -> Result<Arc<RuleSet>, String> {
    match rule::compile(&Sources::of([("semantics.yml", documents)])) {
        Ok(rules) => Ok(Arc::new(rules)),
        Err(findings) => {
            let told = |finding: &rule::Diagnostic| format!("{}: {}", finding.code, finding.message);
            Err(findings.iter().map(told).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// All alerts that are raised, updates too.
pub fn alerts(
    rules: &Arc<RuleSet>,
    clock: Clock,
    batches: Vec<Vec<Input>>,
    last_ms: i64,
    end: End,
) -> Vec<Alert> {
    alerts_between(rules, clock, batches, last_ms, end, |_, _| ())
}

/// The same, with something done to the engine after every batch.
pub fn alerts_between(
    rules: &Arc<RuleSet>,
    clock: Clock,
    batches: Vec<Vec<Input>>,
    last_ms: i64,
    end: End,
    mut between: impl FnMut(&mut Shard, &Config),
) -> Vec<Alert> {
    let mut config = Config::default();
    config.time.allowed_lateness = Duration::millis(clock.lateness_ms());
    let mut shard = Shard::new(&config, Arc::clone(rules), Arc::new(GeoIp::default()));
    let mut alerts = Vec::new();
    for batch in batches.into_iter().chain(ending(last_ms, end)) {
        let effects = shard.step(batch);
        assert!(effects.dead_letters.is_empty(), "{:?}", effects.dead_letters);
        assert_eq!((effects.tally.late, effects.tally.from_the_future), (0, 0));
        assert!(effects.tally.evicted.is_empty() && effects.tally.evicted_state.is_empty());
        alerts.extend(effects.alerts);
        between(&mut shard, &config);
    }
    alerts
}

/// The same in several shards, between which everything is on its way for as long as the seed says.
pub fn alerts_of_shards(
    rules: &Arc<RuleSet>,
    clock: Clock,
    batches: Vec<Vec<Input>>,
    last_ms: i64,
    shards: u32,
    seed: u64,
) -> Vec<Alert> {
    let mut config = Config::default();
    config.time.allowed_lateness = Duration::millis(clock.lateness_ms());
    let geoip = Arc::new(GeoIp::default());
    let mut cluster = Cluster::new(&config, rules, &geoip, (&topic(), PARTITIONS), shards, seed);
    for input in batches.into_iter().flatten() {
        cluster.input(input);
        cluster.deliver_some();
    }
    for partition in 0..PARTITIONS {
        cluster.input(Input::Idle { topic: topic(), partition });
    }
    cluster.settle(last_ms + LATER_MS);
    cluster.alerts
}

fn ending(last_ms: i64, end: End) -> Vec<Vec<Input>> {
    match end {
        End::Complete => vec![vec![Input::Complete { upto_ms: last_ms + LATER_MS }]],
        End::Idle(partitions) => {
            let idle = (0..partitions).map(|partition| Input::Idle { topic: topic(), partition });
            let ticks = (1..=60).map(|minute| vec![Input::Tick { now_ms: last_ms + minute * LATER_MS / 60 }]);
            std::iter::once(idle.collect()).chain(ticks).collect()
        }
    }
}

/// What new alerts of a rule stand on.
pub fn raised(alerts: &[Alert], rule: &str) -> Vec<Satisfying> {
    let new = alerts.iter().filter(|alert| alert.activity == Activity::Create && *alert.rule.name == *rule);
    new.map(standing_on).collect()
}

pub fn standing_on(alert: &Alert) -> Satisfying {
    let key = alert.group.iter().map(|(_, value)| value.to_lowercase()).collect();
    Satisfying { key, time_ms: alert.fired_at_ms, uuid: alert.fired_by.to_string() }
}

/// The same without repetitions.
pub fn distinct(raised: &[Satisfying]) -> BTreeSet<Satisfying> {
    raised.iter().cloned().collect()
}

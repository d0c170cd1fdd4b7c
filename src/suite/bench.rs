//! What do the rules make of a test's events?

use std::sync::Arc;

use super::script::Script;
use super::template::START_MS;
use crate::config::{Config, RoleRange, Site};
use crate::engine::Shard;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::model::{Activity, Alert, Enriched, IpRole, Level, Mode, Shared};
use crate::rule::{InlineTest, RuleSet, Sources, compile};

/// The configuration of tests: the defaults, with a tenant, and with one site and one gateway, so that
/// rules which leave those out can be tested.
pub fn config() -> Config {
    let mut config = Config::default();
    "example".clone_into(&mut config.input.org);
    config.geoip.sites.push(Site {
        cidr: "192.0.2.0/24".to_owned(),
        name: "office".to_owned(),
        country: Some("PT".to_owned()),
        city: Some("Lisbon".to_owned()),
        lat: Some(38.72),
        lon: Some(-9.14),
    });
    config.geoip.roles.push(RoleRange {
        cidr: Some("198.51.100.254".to_owned()),
        agent: None,
        zone: None,
        role: IpRole::ProxyChain,
    });
    config
}

/// What every test runs with.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    config: Config,
    geoip: Arc<GeoIp>,
}

/// What came of one run.
#[derive(Debug)]
pub(super) struct Trial {
    /// New alerts, in their order.
    pub(super) seen: Vec<Seen>,
    /// Every event as the rules saw it, if that was asked for.
    pub(super) enriched: Vec<Shared<Enriched>>,
    /// Why an event could not be read.
    pub(super) failure: Option<Failure>,
    pub(super) shard: Shard,
}

/// An alert that was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The rule's name.
    pub rule: String,
    /// The rule's id.
    pub rule_id: String,
    /// When it fired, ms since the test's start.
    pub at_ms: i64,
    /// Its group-by values.
    pub group: Vec<String>,
    /// What it is about.
    pub entity: String,
    /// How many events contributed.
    pub count: u64,
    /// Where it goes.
    pub mode: Mode,
    /// How bad.
    pub level: Level,
    /// The sentence a person reads first.
    pub sentence: String,
}

impl Seen {
    /// What tells it from the rule's other alerts: its group, or what it is about.
    pub fn key(&self) -> String {
        if self.group.is_empty() { self.entity.clone() } else { self.group.join(", ") }
    }
}

impl Bench {
    pub(super) fn new(config: Config, geoip: Arc<GeoIp>) -> Self {
        Self { config, geoip }
    }

    /// Runs a test in an engine of its own.
    pub(super) fn run(&self, script: &Script, rules: &Arc<RuleSet>) -> Trial {
        self.step(script, rules, &self.config)
    }

    /// As [`Bench::run`], and keeps every event as the rules saw it.
    pub(super) fn watch(&self, script: &Script, rules: &Arc<RuleSet>) -> Trial {
        let mut config = self.config.clone();
        // The engine hands out enriched events when there is a topic for them.
        "enriched".clone_into(&mut config.output.enriched);
        self.step(script, rules, &config)
    }

    fn step(&self, script: &Script, rules: &Arc<RuleSet>, config: &Config) -> Trial {
        let mut shard = Shard::new(config, Arc::clone(rules), Arc::clone(&self.geoip));
        let effects = shard.step(script.inputs());
        let failure = effects.dead_letters.first().map(|letter| {
            let what = format!("an event of the test cannot be read: {}", letter.reason.as_str());
            Failure::new(what).detail(&letter.detail)
        });
        let new = effects.alerts.iter().filter(|alert| alert.activity == Activity::Create);
        Trial { seen: new.map(seen).collect(), enriched: effects.enriched, failure, shard }
    }

    /// What a test sees of the rules of these files; `None` if they do not compile, or the test
    /// cannot be run.
    pub(super) fn tried(&self, script: &Script, sources: &Sources) -> Option<Vec<Seen>> {
        let rules = Arc::new(compile(sources).ok()?);
        let trial = self.run(script, &rules);
        trial.failure.is_none().then_some(trial.seen)
    }
}

fn seen(alert: &Alert) -> Seen {
    Seen {
        rule: alert.rule.name.to_string(),
        rule_id: alert.rule.id.clone(),
        at_ms: alert.fired_at_ms - START_MS,
        group: alert.group.iter().map(|(_, value)| value.clone()).collect(),
        entity: alert.entity.value.clone(),
        count: alert.count,
        mode: alert.rule.mode,
        level: alert.rule.level,
        sentence: alert.sentence.clone(),
    }
}

/// The scripts of tests.
///
/// # Errors
/// The name of a test whose events cannot be written, and why.
pub(super) fn scripts<'t>(tests: impl Iterator<Item = &'t InlineTest>) -> Result<Vec<Script>, Failure> {
    let script = |test: &InlineTest| {
        Script::of(test)
            .map_err(|failure| Failure { primary: format!("{}: {}", test.name, failure.primary), ..failure })
    };
    tests.map(script).collect()
}

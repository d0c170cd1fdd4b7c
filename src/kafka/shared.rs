//! What do all workers have in common?

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::clock;
use super::topics::{self, Trouble};
use crate::config::Config;
use crate::enrich::GeoIp;
use crate::rule::RuleSet;
use crate::telemetry::Telemetry;

/// What every worker reads and none owns.
#[derive(Debug)]
pub struct Shared {
    /// Every setting.
    pub config: Config,
    /// The rules that run; replaced whole, taken up by each worker between two steps.
    pub rules: ArcSwap<RuleSet>,
    /// The GeoIP databases; replaced and taken up likewise.
    pub geoip: ArcSwap<GeoIp>,
    /// Where facts go.
    pub telemetry: Arc<Telemetry>,
    stop: AtomicBool,
    /// When the stop was asked for, ms of the steady clock.
    stop_ms: AtomicI64,
    /// How many shards there are, once the topics were found or created; asked under the lock, so that one
    /// worker does it.
    shards: Mutex<Option<u32>>,
}

impl Shared {
    /// The common part of workers that begin with these.
    pub fn new(config: Config, rules: Arc<RuleSet>, geoip: Arc<GeoIp>, telemetry: Arc<Telemetry>) -> Self {
        Self {
            config,
            rules: ArcSwap::new(rules),
            geoip: ArcSwap::new(geoip),
            telemetry,
            stop: AtomicBool::new(false),
            stop_ms: AtomicI64::new(i64::MAX),
            shards: Mutex::new(None),
        }
    }

    /// Replaces the rules. Metrics know the new ones before any worker counts for them.
    pub fn set_rules(&self, rules: Arc<RuleSet>) {
        self.telemetry.set_rules(&rules.infos);
        self.rules.store(rules);
    }

    /// Asks every worker to finish its batch and leave the group.
    pub fn stop(&self) {
        self.stop_ms.store(clock::steady_ms(), Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        self.telemetry.health().drain();
    }

    /// Whether the workers were asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether they were asked so long ago that even an unfinished batch is given up: nothing of it
    /// is committed, so the next start reads its records again.
    pub fn is_overdue(&self, patience_ms: i64) -> bool {
        self.is_stopping() && clock::steady_ms() - self.stop_ms.load(Ordering::Relaxed) >= patience_ms
    }

    /// Makes sure once that the topics are there, and says how many shards there are.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn ensure_topics(&self) -> Result<u32, Trouble> {
        let mut known = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shards) = *known {
            return Ok(shards);
        }
        let shards = topics::ensure(&self.config, &self.telemetry)?;
        *known = Some(shards);
        Ok(shards)
    }
}

//! What happens to an event, from its bytes to the alerts it completes?

use std::sync::Arc;

use crate::config::Config;
use crate::enrich::GeoIp;
use crate::model::{Effects, Input};
use crate::rule::RuleSet;

/// One shard: all state of some keys, changed by [`Shard::step`] and nothing else.
#[derive(Debug)]
pub struct Shard {}

impl Shard {
    /// An empty shard. It reads no clock, no file and no environment: all comes through `step`.
    pub fn new(_config: &Config, _rules: Arc<RuleSet>, _geoip: Arc<GeoIp>) -> Self {
        Self {}
    }

    /// Takes a batch in its order and says what is to be done, all of it in one transaction.
    pub fn step(&mut self, _batch: Vec<Input>) -> Effects {
        Effects::default()
    }

    /// Replaces the GeoIP databases between two steps.
    pub fn set_geoip(&mut self, _geoip: Arc<GeoIp>) {}
}

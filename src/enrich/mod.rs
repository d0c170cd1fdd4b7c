//! What does an event mean beside what it says?

use std::sync::Arc;

use crate::config;
use crate::error::Failure;
use crate::model::{Enriched, Event, FieldTable, Observation, Tally};

/// The loaded GeoIP databases and site ranges: immutable, replaced whole when a file changes.
#[derive(Debug, Default)]
pub struct GeoIp {}

impl GeoIp {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// A file that cannot be read or is not a database of the right kind.
    pub fn open(_config: &config::GeoIp) -> Result<Self, Failure> {
        Ok(Self {})
    }
}

/// The stateless part: place, ip facts, decoded risk and behaviours, the actor's key.
#[derive(Debug)]
pub struct Observer {}

impl Observer {
    /// An observer over these databases.
    pub fn new(_table: Arc<FieldTable>, _geoip: Arc<GeoIp>) -> Self {
        Self {}
    }

    /// Replaces the databases; cached locations are forgotten.
    pub fn set_geoip(&mut self, _geoip: Arc<GeoIp>) {}

    /// Says of one event what can be said of it alone.
    pub fn observe(&mut self, event: Event, _tally: &mut Tally) -> Observation {
        Observation { event, place: None, actor_key: Default::default() }
    }
}

/// The stateful part: sessions, users, travel.
#[derive(Debug)]
pub struct Context {}

impl Context {
    /// An empty state.
    pub fn new(_table: Arc<FieldTable>, _limits: &config::Limits) -> Self {
        Self {}
    }

    /// Takes the event into the state and says what the state makes of it.
    pub fn enrich(&mut self, observation: Observation, late: bool, _tally: &mut Tally) -> Enriched {
        Enriched { observation, session: None, user: None, travel: None, late }
    }

    /// How many sessions are held.
    pub fn sessions(&self) -> usize {
        0
    }

    /// How many users are held.
    pub fn users(&self) -> usize {
        0
    }

    /// Forgets what no event after the watermark can need.
    pub fn expire(&mut self, _watermark_ms: i64, _tally: &mut Tally) {}
}

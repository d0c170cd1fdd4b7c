//! How does what was found become something a SIEM reads?

use std::sync::Arc;

use uuid::Uuid;

use crate::config;
use crate::model::{Alert, Enriched, Evidence, FieldId, FieldTable, Header};

/// A record to produce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRecord {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<Header>,
    /// Its value.
    pub payload: Vec<u8>,
}

/// The id of an alert: UUIDv5 of rule id, key and the event that first fired it.
pub fn id(_rule_id: &str, _key: &str, _first_uuid: &str) -> Uuid {
    Uuid::nil()
}

/// What an alert keeps of an event: `reads` are the fields of the rule that matched it.
pub fn evidence(_table: &FieldTable, _reads: &[FieldId], _event: &Enriched) -> Evidence {
    Evidence::default()
}

/// Gives alerts the shape of the configured format.
#[derive(Debug)]
pub struct Renderer {}

impl Renderer {
    /// A renderer for these settings.
    pub fn new(_output: &config::Output) -> Self {
        Self {}
    }

    /// The record of an alert.
    pub fn alert(&self, _alert: &Alert) -> OutRecord {
        OutRecord { topic: Arc::from(""), key: None, headers: Vec::new(), payload: Vec::new() }
    }
}

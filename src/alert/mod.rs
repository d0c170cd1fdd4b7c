//! How does what was found become something a SIEM reads?

mod evidence;
mod id;
mod mask;
mod mask_json;
mod sentence;

#[cfg(test)]
#[path = "../../tests/alerts/samples.rs"]
mod samples;

use std::sync::Arc;

pub use evidence::evidence;
pub use id::{id, identify};
pub use sentence::{duration, sentence};

use crate::config;
#[cfg(test)]
use crate::model;
use crate::model::{Alert, DeadLetter, Enriched, FieldTable, Header};

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

    /// The record of what could not be understood.
    pub fn dead_letter(&self, _letter: &DeadLetter) -> OutRecord {
        OutRecord { topic: Arc::from(""), key: None, headers: Vec::new(), payload: Vec::new() }
    }

    /// The record of an event with what was added.
    pub fn enriched(&self, _event: &Enriched, _table: &FieldTable) -> OutRecord {
        OutRecord { topic: Arc::from(""), key: None, headers: Vec::new(), payload: Vec::new() }
    }
}

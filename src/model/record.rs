//! What does a source hand over, before anything of it was understood?

use std::sync::Arc;

/// A record as a forwarder wrote it.
#[derive(Clone, Debug, Default)]
pub struct RawRecord {
    /// Where it stands; for files, the path and the number of the record.
    pub position: Position,
    /// The record's own timestamp, ms since the epoch (Kafka's CreateTime), not the event's time.
    pub timestamp_ms: Option<i64>,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's headers, in their order.
    pub headers: Vec<Header>,
    /// The value: one envelope with any number of events.
    pub payload: Vec<u8>,
}

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value, as bytes.
    pub value: Vec<u8>,
}

/// Where a record stands: enough to fetch it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Kafka topic, or the path of a file.
    pub topic: Arc<str>,
    /// Kafka partition; 0 for files.
    pub partition: i32,
    /// Kafka offset, or the record's number within its file, from 0.
    pub offset: i64,
    /// Which event of the record this is, from 0: an envelope may hold several.
    pub index: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self { topic: Arc::from(""), partition: 0, offset: 0, index: 0 }
    }
}

//! How do a forwarder's bytes become Okta events?
//!
//! Bytes → [`envelope`]s opened one after another → the event's JSON → [`event`], whose values are
//! [`extract`]ed along the [`trie`] of the fields this run reads.

mod absent;
mod decode;
#[cfg(test)]
mod differential;
mod envelope;
mod event;
mod extract;
mod org;
mod parser;
mod room;
mod scan;
mod trie;
mod visit;
mod words;

use std::sync::Arc;

use self::envelope::Opener;
use self::event::Decoder;
pub use self::room::Room;
use crate::model::{DeadLetter, DeadLetterReason, Event, FieldTable, RawRecord};

/// Settings of a [`Reader`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant all events belong to, over whatever the envelope says.
    pub org: Option<Arc<str>>,
    /// Record header that names the tenant.
    pub org_header: Option<String>,
    /// Whether events keep their JSON.
    pub keep_raw: bool,
    /// A larger record is a dead letter.
    pub max_record_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { org: None, org_header: None, keep_raw: false, max_record_bytes: crate::limits::RECORD_BYTES }
    }
}

/// What one record gave.
#[derive(Debug, Default)]
pub struct Read {
    /// Its events, in their order.
    pub events: Vec<Event>,
    /// What of it could not be understood.
    pub dead_letters: Vec<DeadLetter>,
    /// Elements that are not log events on purpose (another sourcetype's records).
    pub skipped: u64,
}

/// Reads records into events.
#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
    options: Options,
}

impl Reader {
    /// A reader that extracts the fields of `table`.
    pub fn new(table: Arc<FieldTable>, options: Options) -> Self {
        Self { decoder: Decoder::new(&table), options }
    }

    /// Unwraps and decodes one record. Never fails: what it cannot read is a dead letter.
    ///
    /// Every record gives at least one event, dead letter or skipped element; a record without
    /// content (a tombstone, an empty page) is skipped. `Position::index` numbers all of them in
    /// their order, so that an event keeps its number when a neighbour is bad.
    pub fn read(&self, record: &RawRecord) -> Read {
        self.read_in(record, &mut Room::default())
    }

    /// The same in working memory that is used again: what it holds makes no difference.
    pub fn read_in(&self, record: &RawRecord, room: &mut Room) -> Read {
        if record.payload.len() > self.options.max_record_bytes {
            return self.too_large(record);
        }
        Opener::open(&self.decoder, &self.options, record, room)
    }

    fn too_large(&self, record: &RawRecord) -> Read {
        let (size, most) = (record.payload.len(), self.options.max_record_bytes);
        let dead_letter = DeadLetter {
            position: record.position.clone(),
            timestamp_ms: record.timestamp_ms,
            reason: DeadLetterReason::TooLarge,
            detail: format!("The record has {size} bytes; at most {most} are read."),
            payload: record.payload.clone(),
            key: record.key.clone(),
        };
        Read { dead_letters: vec![dead_letter], ..Read::default() }
    }
}

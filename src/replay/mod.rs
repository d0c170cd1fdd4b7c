//! How are recorded events judged as if they arrived now, in the order in which they happened?
//!
//! Everything is read first, then sorted by `published` and uuid: in a replay nothing is late, and
//! the input alone moves time. The engine is the one that runs against Kafka.

mod files;
mod profile;

use std::path::PathBuf;

use crate::engine::Shard;
use crate::error::Failure;
use crate::model::{DeadLetter, Effects, Event, Input};
use crate::source::Reader;

pub use profile::{Cost, SAMPLE, profile};

/// Events judged in one step.
const BATCH: usize = 1_000;

/// What files held.
#[derive(Debug, Default)]
pub struct Recording {
    /// The events, in event-time order.
    pub events: Vec<Event>,
    /// What could not be understood.
    pub dead_letters: Vec<DeadLetter>,
    /// Elements that are not log events on purpose.
    pub skipped: u64,
    /// Records read.
    pub records: u64,
}

/// Reads files (plain, gzip or zstd; `-` is stdin) and sorts their events by time.
///
/// # Errors
/// A file that cannot be read; what cannot be understood in it is a dead letter instead.
pub fn read(files: &[PathBuf], reader: &Reader) -> Result<Recording, Failure> {
    let mut recording = Recording::default();
    for file in files {
        files::records(file, |record| {
            let read = reader.read(&record);
            recording.records += 1;
            recording.skipped += read.skipped;
            recording.events.extend(read.events);
            recording.dead_letters.extend(read.dead_letters);
        })?;
    }
    recording.events.sort_by(|a, b| (a.published_ms, &a.uuid).cmp(&(b.published_ms, &b.uuid)));
    Ok(recording)
}

/// Judges events in their order; each step's effects go to `sink`.
///
/// # Errors
/// Whatever `sink` fails with.
pub fn judge(
    events: Vec<Event>,
    shard: &mut Shard,
    mut sink: impl FnMut(Effects) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let last_ms = events.last().map(|event| event.published_ms);
    // Nothing comes after the recording, so all that ended within it can be decided.
    let end = last_ms.map(|upto_ms| Input::Complete { upto_ms });
    let mut events = events.into_iter().map(Input::Event).chain(end).peekable();
    while events.peek().is_some() {
        let batch = events.by_ref().take(BATCH).collect();
        sink(shard.step(batch))?;
    }
    Ok(())
}

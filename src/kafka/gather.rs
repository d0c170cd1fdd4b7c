//! When is a batch full?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};

use crate::config;
use crate::model::{Header, Position, RawRecord};

/// How long a worker with nothing to do waits for a record before it looks after other things.
const IDLE_POLL: Duration = Duration::from_millis(100);

/// Records on their way into one batch.
#[derive(Debug)]
pub struct Gathering {
    /// The records, in the order in which they came.
    pub records: Vec<RawRecord>,
    bytes: usize,
    first: Option<Instant>,
    /// When the batch before was full.
    since: Instant,
    interval: Duration,
    most_records: usize,
    most_bytes: usize,
}

impl Gathering {
    /// An empty batch under these limits, where the one before was full at that time.
    pub fn new(engine: &config::Engine, since: Instant) -> Self {
        Self {
            records: Vec::new(),
            bytes: 0,
            first: None,
            since,
            interval: engine.commit_interval.as_std(),
            most_records: engine.commit_records,
            most_bytes: engine.commit_bytes.as_bytes(),
        }
    }

    /// Takes a record in.
    pub fn push(&mut self, record: RawRecord, now: Instant) {
        self.bytes += size(&record);
        self.first.get_or_insert(now);
        self.records.push(record);
    }

    /// Whether nothing more should go in.
    pub fn is_full(&self, now: Instant) -> bool {
        let due = self.first.is_some_and(|first| now.duration_since(first) >= self.interval);
        due || self.records.len() >= self.most_records || self.bytes >= self.most_bytes
    }

    /// Whether there is no reason to wait for more, where all that has come is in it: what came while the batch
    /// before was delivered has waited already.
    pub fn is_due(&self, now: Instant) -> bool {
        !self.records.is_empty() && now.saturating_duration_since(self.since) >= self.interval
    }

    /// How long to wait for the next record.
    pub fn patience(&self, now: Instant) -> Duration {
        match self.first {
            None => IDLE_POLL,
            Some(_) => self.interval.saturating_sub(now.saturating_duration_since(self.since)).min(IDLE_POLL),
        }
    }
}

/// Bytes of key, headers and value.
pub fn size(record: &RawRecord) -> usize {
    let headers: usize = record.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    record.payload.len() + record.key.as_ref().map_or(0, Vec::len) + headers
}

/// Records that stand behind one another and are of one partition, together: the client hands them
/// over so, and what is the same for all of them is done once.
pub fn runs(records: &[RawRecord]) -> impl Iterator<Item = &[RawRecord]> {
    records.chunk_by(|one, next| {
        let (one, next) = (&one.position, &next.position);
        one.partition == next.partition && Arc::ptr_eq(&one.topic, &next.topic)
    })
}

/// Brings a batch into the order of time, by the records' timestamps, and leaves each partition in its own.
///
/// A backlog comes partition by partition. Taken so, events of one key that lie in several partitions would be
/// hours out of order, and windows would have to be held for as long as the last partition is behind.
pub fn in_time(records: Vec<RawRecord>) -> Vec<RawRecord> {
    let mut reached: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
    let mut times = Vec::with_capacity(records.len());
    for run in runs(&records) {
        let Some(Position { topic, partition, .. }) = run.first().map(|record| &record.position) else {
            continue;
        };
        let reached = reached.entry((Arc::clone(topic), *partition)).or_insert(i64::MIN);
        times.extend(run.iter().map(|record| {
            *reached = record.timestamp_ms.unwrap_or(i64::MIN).max(*reached);
            *reached
        }));
    }
    let mut timed: Vec<(i64, RawRecord)> = times.into_iter().zip(records).collect();
    timed.sort_by_key(|(time_ms, _)| *time_ms);
    timed.into_iter().map(|(_, record)| record).collect()
}

/// The record as the engine takes it.
pub fn raw(topic: Arc<str>, message: &BorrowedMessage<'_>) -> RawRecord {
    let headers = message.headers().map(|headers| {
        let header = |header: rdkafka::message::Header<'_, &[u8]>| Header {
            name: header.key.to_owned(),
            value: header.value.unwrap_or_default().to_vec(),
        };
        headers.iter().map(header).collect()
    });
    RawRecord {
        position: Position { topic, partition: message.partition(), offset: message.offset(), index: 0 },
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Engine, Size};
    use crate::kafka::clock;

    fn record(bytes: usize) -> RawRecord {
        RawRecord { payload: vec![0; bytes], ..RawRecord::default() }
    }

    fn gathering(records: usize, bytes: usize, since: Instant) -> Gathering {
        let engine = Engine {
            commit_interval: config::Duration::millis(30),
            commit_records: records,
            commit_bytes: Size::bytes(bytes),
            ..Engine::default()
        };
        Gathering::new(&engine, since)
    }

    #[test]
    fn a_batch_is_full_at_its_records_or_its_bytes_whichever_is_first() {
        let now = clock::instant();
        let mut by_records = gathering(2, 1_000, now);
        by_records.push(record(1), now);
        assert!(!by_records.is_full(now));
        by_records.push(record(1), now);
        assert!(by_records.is_full(now));
        let mut by_bytes = gathering(100, 1_000, now);
        by_bytes.push(record(999), now);
        assert!(!by_bytes.is_full(now));
        by_bytes.push(record(1), now);
        assert!(by_bytes.is_full(now));
    }

    #[test]
    fn time_counts_from_the_first_record_and_never_fills_an_empty_batch() {
        let start = clock::instant();
        let later = start + Duration::from_secs(60);
        let mut batch = gathering(100, 1_000, start);
        assert!(!batch.is_full(later) && !batch.is_due(later));
        assert_eq!(batch.patience(later), IDLE_POLL);
        batch.push(record(1), later);
        assert!(!batch.is_full(later));
        assert!(!batch.is_full(later + Duration::from_millis(29)));
        assert!(batch.is_full(later + Duration::from_millis(30)));
    }

    #[test]
    fn batches_follow_each_other_at_the_interval_however_long_one_took() {
        let start = clock::instant();
        let at = |ms| start + Duration::from_millis(ms);
        let mut batch = gathering(100, 1_000, start);
        batch.push(record(1), at(12));
        assert!(!batch.is_due(at(12)));
        assert_eq!(batch.patience(at(12)), Duration::from_millis(18));
        assert!(batch.is_due(at(30)));
        assert_eq!(batch.patience(at(50)), Duration::ZERO);
        let mut after_a_long_one = gathering(100, 1_000, start);
        after_a_long_one.push(record(1), at(80));
        assert!(after_a_long_one.is_due(at(80)), "it came while the batch before was delivered");
        assert!(!after_a_long_one.is_full(at(80)), "more of what has come goes in");
    }

    #[test]
    fn a_batch_is_taken_in_the_order_of_time_and_each_partition_in_its_own() {
        let topic: Arc<str> = Arc::from("t");
        let record = |partition, offset, timestamp_ms| RawRecord {
            position: Position { topic: Arc::clone(&topic), partition, offset, index: 0 },
            timestamp_ms,
            ..RawRecord::default()
        };
        let batch = [(0, 1, Some(10)), (0, 2, Some(30)), (0, 3, Some(20)), (0, 4, None), (1, 7, Some(5))];
        let later = [(1, 8, Some(25)), (1, 9, Some(30))];
        let records = batch.into_iter().chain(later).map(|(part, at, ms)| record(part, at, ms)).collect();
        let taken =
            in_time(records).into_iter().map(|record| (record.position.partition, record.position.offset));
        let expected = [(1, 7), (0, 1), (1, 8), (0, 2), (0, 3), (0, 4), (1, 9)];
        assert_eq!(taken.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_size_of_a_record_holds_all_of_it() {
        let mut whole = record(10);
        whole.key = Some(vec![0; 3]);
        whole.headers = vec![Header { name: "ab".to_owned(), value: vec![0; 4] }];
        assert_eq!(size(&whole), 19);
    }
}

//! How far is each partition read, and which have fallen quiet?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Source;
use crate::model::RawRecord;

/// The partitions of one worker.
#[derive(Debug, Default)]
pub struct Positions {
    /// Topics that are read, so that a record's topic costs no new text; the input's come first.
    topics: Vec<Arc<str>>,
    inputs: usize,
    partitions: BTreeMap<(Arc<str>, i32), Place>,
}

/// How far one partition is.
#[derive(Debug)]
struct Place {
    /// Offset of the record to read next.
    next: i64,
    /// The last offset that was committed as the next one, or where the group began.
    committed: i64,
    /// Offset up to which the client has fetched and handed over everything, markers of
    /// transactions included; known from its statistics, so somewhat old.
    fetched: Option<i64>,
    /// That has been so since the last statistics, and no record came.
    is_still: bool,
    /// When its last record came, ms of the steady clock.
    active_ms: i64,
    /// When it was last asked whether it is read to its end.
    asked_ms: i64,
    /// The engine knows that it is idle.
    idle: bool,
    /// It is one of an input topic.
    is_input: bool,
}

/// What became of records that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// For each, whether it was not read before.
    pub is_new: Vec<bool>,
    /// The offset to read next.
    pub next: i64,
}

impl Read {
    /// How many were read before.
    pub fn again(&self) -> usize {
        self.is_new.iter().filter(|is_new| !**is_new).count()
    }
}

/// A partition that may have fallen idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
    /// Everything before this offset is read.
    pub next: i64,
}

impl Positions {
    /// The positions of a worker that reads these topics of the input, and others.
    pub fn new(topics: &[String]) -> Self {
        Self {
            topics: topics.iter().map(|name| Arc::from(name.as_str())).collect(),
            inputs: topics.len(),
            partitions: BTreeMap::new(),
        }
    }

    /// Whether a topic is one of the input.
    pub fn is_input(&self, topic: &str) -> bool {
        self.topics.iter().take(self.inputs).any(|input| **input == *topic)
    }

    /// The shared name of a topic.
    pub fn topic(&mut self, name: &str) -> Arc<str> {
        if let Some(topic) = self.topics.iter().find(|topic| topic.as_ref() == name) {
            return Arc::clone(topic);
        }
        let topic: Arc<str> = Arc::from(name);
        self.topics.push(Arc::clone(&topic));
        topic
    }

    /// The partition is read by the worker from now on, from this offset.
    pub fn add(&mut self, topic: Arc<str>, partition: i32, next: i64, now_ms: i64) {
        let place = Place {
            next,
            committed: next,
            fetched: None,
            is_still: false,
            active_ms: now_ms,
            asked_ms: now_ms,
            idle: false,
            is_input: self.is_input(&topic),
        };
        self.partitions.insert((topic, partition), place);
    }

    /// The partition went elsewhere.
    pub fn remove(&mut self, topic: &Arc<str>, partition: i32) {
        self.partitions.remove(&(Arc::clone(topic), partition));
    }

    /// The worker's partitions, in their order.
    pub fn assigned(&self) -> impl Iterator<Item = (&Arc<str>, i32)> {
        self.partitions.keys().map(|(topic, partition)| (topic, *partition))
    }

    /// Records were read that stand behind one another in one partition, some perhaps again: the client may
    /// go back to where it began if it could not read there at first.
    ///
    /// # Errors
    /// The partition is not one of the worker's.
    pub fn read(&mut self, run: &[RawRecord], now_ms: i64) -> Result<Read, Source> {
        let Some(first) = run.first() else { return Ok(Read::default()) };
        let key = (Arc::clone(&first.position.topic), first.position.partition);
        let Some(place) = self.partitions.get_mut(&key) else { return Err(key) };
        let is_new = run.iter().map(|record| {
            let is_new = record.position.offset >= place.next;
            place.next = place.next.max(record.position.offset + 1);
            is_new
        });
        let is_new = is_new.collect();
        place.is_still = false;
        place.active_ms = now_ms;
        place.idle = false;
        Ok(Read { is_new, next: place.next })
    }

    /// The next offset to read of every partition.
    pub fn offsets(&self) -> Vec<(Arc<str>, i32, i64)> {
        let next = |((topic, partition), place): (&(Arc<str>, i32), &Place)| {
            (Arc::clone(topic), *partition, place.next)
        };
        self.partitions.iter().map(next).collect()
    }

    /// These offsets were committed.
    pub fn committed(&mut self, offsets: &[(Arc<str>, i32, i64)]) {
        for (topic, partition, next) in offsets {
            if let Some(place) = self.partitions.get_mut(&(Arc::clone(topic), *partition)) {
                place.committed = *next;
            }
        }
    }

    /// The client has fetched and handed over everything before this offset.
    pub fn fetched(&mut self, topic: &Arc<str>, partition: i32, offset: i64) {
        if let Some(place) = self.partitions.get_mut(&(Arc::clone(topic), partition)) {
            place.is_still = place.fetched.replace(offset) == Some(offset);
        }
    }

    /// Goes beyond markers of transactions at the ends of partitions where nothing more comes, and says
    /// whether there were any. They are no records, but they have offsets: who compares those with the
    /// end of a partition would see a lag for ever.
    pub fn skip_markers(&mut self) -> bool {
        let mut any = false;
        for place in self.partitions.values_mut().filter(|place| place.is_still) {
            if let Some(fetched) = place.fetched.filter(|fetched| *fetched > place.next) {
                place.next = fetched;
                any = true;
            }
        }
        any
    }

    /// Records between what is committed and an end.
    pub fn lag(&self, topic: &Arc<str>, partition: i32, end: i64) -> Option<i64> {
        let place = self.partitions.get(&(Arc::clone(topic), partition))?;
        Some((end - place.committed).max(0))
    }

    /// Partitions without a record for so long that they may be idle; each is named again only
    /// after a while, as asking the cluster costs a round trip.
    pub fn quiet(&mut self, idle_ms: i64, now_ms: i64) -> Vec<Quiet> {
        let again_ms = idle_ms.max(1_000);
        let mut quiet = Vec::new();
        for ((topic, partition), place) in &mut self.partitions {
            let silent = now_ms - place.active_ms >= idle_ms;
            if place.is_input && silent && !place.idle && now_ms - place.asked_ms >= again_ms {
                place.asked_ms = now_ms;
                let next = place.next.max(place.fetched.unwrap_or_default());
                quiet.push(Quiet { topic: Arc::clone(topic), partition: *partition, next });
            }
        }
        quiet
    }

    /// The engine was told that the partition is idle.
    pub fn idle(&mut self, topic: &Arc<str>, partition: i32) {
        if let Some(place) = self.partitions.get_mut(&(Arc::clone(topic), partition)) {
            place.idle = true;
        }
    }

    /// The cluster was away: silence until now says nothing.
    pub fn disturbed(&mut self, now_ms: i64) {
        for place in self.partitions.values_mut() {
            place.active_ms = place.active_ms.max(now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Position;

    fn positions() -> (Positions, Arc<str>) {
        let mut positions = Positions::new(&["t".to_owned()]);
        let topic = positions.topic("t");
        positions.add(Arc::clone(&topic), 0, 3, 0);
        (positions, topic)
    }

    fn record(topic: &Arc<str>, offset: i64) -> RawRecord {
        let position = Position { topic: Arc::clone(topic), partition: 0, offset, index: 0 };
        RawRecord { position, ..RawRecord::default() }
    }

    #[test]
    fn what_is_committed_is_the_offset_after_the_last_record_across_gaps() {
        let (mut positions, topic) = positions();
        assert_eq!(positions.offsets(), [(Arc::clone(&topic), 0, 3)]);
        positions.read(&[record(&topic, 4)], 0).unwrap();
        positions.read(&[record(&topic, 9)], 0).unwrap();
        assert_eq!(positions.offsets(), [(Arc::clone(&topic), 0, 10)]);
    }

    #[test]
    fn what_was_read_before_is_told_from_what_is_new() {
        let (mut positions, topic) = positions();
        let offsets = [3, 4, 0, 1, 4, 5];
        let run: Vec<RawRecord> = offsets.iter().map(|offset| record(&topic, *offset)).collect();
        let read = positions.read(&run, 0).unwrap();
        assert_eq!(read.is_new, [true, true, false, false, false, true]);
        assert_eq!((read.again(), read.next), (3, 6));
    }

    #[test]
    fn a_record_of_a_partition_that_went_elsewhere_moves_nothing() {
        let (mut positions, topic) = positions();
        positions.remove(&topic, 0);
        assert_eq!(positions.read(&[record(&topic, 4)], 0), Err((Arc::clone(&topic), 0)));
        assert!(positions.offsets().is_empty());
    }

    #[test]
    fn lag_is_never_negative_and_unknown_where_nothing_is_read() {
        let (mut positions, topic) = positions();
        assert_eq!((positions.lag(&topic, 0, 100), positions.lag(&topic, 1, 100)), (Some(97), None));
        positions.committed(&[(Arc::clone(&topic), 0, 40)]);
        assert_eq!(positions.lag(&topic, 0, 100), Some(60));
        assert_eq!(positions.lag(&topic, 0, 39), Some(0));
    }

    #[test]
    fn a_partition_is_quiet_after_its_time_until_it_is_idle_or_a_record_comes() {
        let (mut positions, topic) = positions();
        assert!(positions.quiet(30_000, 29_999).is_empty());
        assert_eq!(positions.quiet(30_000, 30_000).len(), 1);
        assert!(positions.quiet(30_000, 30_001).is_empty(), "asked again too soon");
        assert_eq!(positions.quiet(30_000, 60_000).len(), 1);
        positions.fetched(&topic, 0, 7);
        assert_eq!(positions.quiet(30_000, 90_000)[0].next, 7, "markers count as read");
        positions.idle(&topic, 0);
        assert!(positions.quiet(30_000, 120_000).is_empty());
        positions.read(&[record(&topic, 0)], 120_000).unwrap();
        assert_eq!(positions.quiet(30_000, 150_000).len(), 1);
    }

    #[test]
    fn markers_at_the_end_are_passed_once_nothing_more_comes() {
        let (mut positions, topic) = positions();
        positions.read(&[record(&topic, 4)], 0).unwrap();
        positions.fetched(&topic, 0, 6);
        assert!(!positions.skip_markers(), "a record may be on its way");
        positions.fetched(&topic, 0, 6);
        assert!(positions.skip_markers());
        assert_eq!(positions.offsets(), [(Arc::clone(&topic), 0, 6)]);
        assert!(!positions.skip_markers(), "there is nothing new to commit");
        positions.read(&[record(&topic, 6)], 0).unwrap();
        positions.fetched(&topic, 0, 6);
        assert_eq!(positions.offsets(), [(topic, 0, 7)], "it never goes back");
    }

    #[test]
    fn only_the_input_falls_idle() {
        let (mut positions, _) = positions();
        let other = positions.topic("repartition");
        positions.add(other, 0, 0, 0);
        assert_eq!(positions.quiet(30_000, 30_000).len(), 1);
        assert_eq!(positions.offsets().len(), 2);
    }

    #[test]
    fn silence_during_an_outage_does_not_count() {
        let (mut positions, _) = positions();
        positions.disturbed(29_000);
        assert!(positions.quiet(30_000, 40_000).is_empty());
        assert_eq!(positions.quiet(30_000, 59_000).len(), 1);
    }
}

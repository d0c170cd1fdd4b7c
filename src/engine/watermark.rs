//! Up to when have all events come?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::state::{Corrupt, Durable, Reader, Writer};
use crate::{config, durable};

/// What is known of one input partition's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The highest `published` so far; `None` before the first event.
    pub(super) highest_ms: Option<i64>,
    /// It is read to its end and quiet: it holds nothing back until its next record.
    pub(super) idle: bool,
}

impl Progress {
    /// A record was read, whose latest event has this time. A partition that has only had records
    /// without events (of another source, say) holds nothing back.
    pub(super) fn record(&mut self, latest_ms: Option<i64>) {
        match latest_ms {
            None => self.idle |= self.highest_ms.is_none(),
            Some(_) => self.idle = false,
        }
        self.highest_ms = self.highest_ms.max(latest_ms);
    }
}

/// Whether an event is further ahead of the wall clock than clocks differ. Without ticks there is no
/// clock to compare with.
pub(super) fn is_ahead(published_ms: i64, now_ms: Option<i64>, skew_ms: i64) -> bool {
    now_ms.is_some_and(|now_ms| published_ms > now_ms.saturating_add(skew_ms))
}

durable!(Progress { highest_ms, idle });

/// The time of a shard: the minimum of its input partitions' time.
///
/// A partition's time is its highest `published` less the allowed lateness. The shard's never goes
/// back, whatever partitions come and go; while none has had an event it stays, and while all are
/// idle it follows the wall clock to what waits for it.
#[derive(Debug)]
pub(super) struct Watermark {
    topics: BTreeMap<Arc<str>, BTreeMap<i32, Progress>>,
    lateness_ms: i64,
    skew_ms: i64,
    now_ms: Option<i64>,
    reached_ms: Option<i64>,
}

impl Watermark {
    pub(super) fn new(time: &config::Time) -> Self {
        Self {
            topics: BTreeMap::new(),
            lateness_ms: time.allowed_lateness.as_millis(),
            skew_ms: time.max_clock_skew.as_millis(),
            now_ms: None,
            reached_ms: None,
        }
    }

    /// Writes what was told of time, with this as the wall clock; what the configuration says is not part
    /// of it.
    pub(super) fn write(&self, now_ms: Option<i64>, out: &mut Writer<'_>) {
        self.topics.write(out);
        now_ms.write(out);
        self.reached_ms.write(out);
    }

    /// Goes on where a watermark was written. It is not less than it was, however late a partition's
    /// events may be by now.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Corrupt> {
        self.topics = Durable::read(from)?;
        self.now_ms = Durable::read(from)?;
        self.reached_ms = Durable::read(from)?;
        Ok(())
    }

    /// The wall clock. While every partition is idle, the watermark follows it at the distance of the
    /// allowed lateness, but only as far as something waits to be decided: a collector that catches
    /// up after an outage must not find its events late for nothing.
    pub(super) fn tick(&mut self, now_ms: i64, waited_for_ms: Option<i64>) {
        self.now_ms = Some(now_ms);
        let Some(waited_for_ms) = waited_for_ms.filter(|_| self.is_idle()) else { return };
        let follows_ms = now_ms.saturating_sub(self.lateness_ms).min(waited_for_ms);
        self.reached_ms = self.reached_ms.max(Some(follows_ms));
    }

    /// Nothing of an instant or before comes any more.
    pub(super) fn complete(&mut self, upto_ms: i64) {
        self.reached_ms = self.reached_ms.max(Some(upto_ms.saturating_add(1)));
    }

    fn is_idle(&self) -> bool {
        !self.topics.is_empty() && self.partitions().all(|(.., idle)| idle)
    }

    /// The last tick.
    pub(super) fn now_ms(&self) -> Option<i64> {
        self.now_ms
    }

    /// Events before it are late.
    pub(super) fn reached_ms(&self) -> Option<i64> {
        self.reached_ms
    }

    /// Whether an event is further ahead of the wall clock than clocks differ.
    pub(super) fn is_from_the_future(&self, published_ms: i64) -> bool {
        is_ahead(published_ms, self.now_ms, self.skew_ms)
    }

    /// A record of the partition was read, whose latest event has this time.
    pub(super) fn record(&mut self, topic: &Arc<str>, partition: i32, latest_ms: Option<i64>) {
        let progress = self.partition(topic, partition);
        let before = *progress;
        progress.record(latest_ms);
        if *progress != before {
            self.advance();
        }
    }

    /// Whoever reads the partition says how far it is. What it said before still holds: whoever reads it
    /// next knows less at first.
    pub(super) fn read(&mut self, topic: &Arc<str>, partition: i32, highest_ms: Option<i64>, idle: bool) {
        let progress = self.partition(topic, partition);
        progress.highest_ms = progress.highest_ms.max(highest_ms);
        progress.idle = idle;
        self.advance();
    }

    /// The partition is read from now on: nothing is late before its first event.
    pub(super) fn assigned(&mut self, topic: &Arc<str>, partition: i32) {
        self.partition(topic, partition).idle = false;
    }

    /// The partition holds nothing back until its next record.
    pub(super) fn idle(&mut self, topic: &Arc<str>, partition: i32) {
        self.partition(topic, partition).idle = true;
        self.advance();
    }

    /// The partition is read by another member.
    pub(super) fn revoked(&mut self, topic: &Arc<str>, partition: i32) {
        if let Some(partitions) = self.topics.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.topics.remove(topic);
            }
        }
        self.advance();
    }

    /// Each partition with its own watermark (`None` before its first event) and whether it is idle.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (&Arc<str>, i32, Option<i64>, bool)> {
        let lateness_ms = self.lateness_ms;
        self.topics.iter().flat_map(move |(topic, partitions)| {
            partitions.iter().map(move |(partition, progress)| {
                let watermark_ms =
                    progress.highest_ms.map(|highest_ms| highest_ms.saturating_sub(lateness_ms));
                (topic, *partition, watermark_ms, progress.idle)
            })
        })
    }

    fn partition(&mut self, topic: &Arc<str>, partition: i32) -> &mut Progress {
        self.topics.entry(Arc::clone(topic)).or_default().entry(partition).or_default()
    }

    fn advance(&mut self) {
        // `None`, of a partition without events yet, is less than any time and holds back.
        let lowest =
            self.partitions().filter(|(.., idle)| !idle).map(|(_, _, watermark_ms, _)| watermark_ms).min();
        self.reached_ms = self.reached_ms.max(lowest.flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Duration;

    fn watermark() -> Watermark {
        Watermark::new(&config::Time {
            allowed_lateness: Duration::millis(10),
            max_clock_skew: Duration::millis(5),
            ..config::Time::default()
        })
    }

    fn topic() -> Arc<str> {
        Arc::from("okta-events")
    }

    #[test]
    fn the_slowest_partition_holds_back() {
        let mut watermark = watermark();
        watermark.record(&topic(), 0, Some(100));
        assert_eq!(watermark.reached_ms(), Some(90));
        watermark.record(&topic(), 1, Some(150));
        watermark.record(&topic(), 0, Some(120));
        assert_eq!(watermark.reached_ms(), Some(110));
        watermark.record(&topic(), 0, Some(170));
        assert_eq!(watermark.reached_ms(), Some(140));
    }

    #[test]
    fn it_never_goes_back() {
        let mut watermark = watermark();
        watermark.record(&topic(), 0, Some(100));
        watermark.record(&topic(), 0, Some(50));
        watermark.record(&topic(), 1, Some(20));
        watermark.assigned(&topic(), 2);
        assert_eq!(watermark.reached_ms(), Some(90));
    }

    #[test]
    fn an_assigned_partition_holds_back_until_its_first_event() {
        let mut watermark = watermark();
        watermark.assigned(&topic(), 0);
        watermark.assigned(&topic(), 1);
        watermark.record(&topic(), 0, Some(1_000));
        assert_eq!(watermark.reached_ms(), None);
        watermark.record(&topic(), 1, Some(100));
        assert_eq!(watermark.reached_ms(), Some(90));
    }

    #[test]
    fn an_idle_or_revoked_partition_holds_nothing_back_until_its_next_record() {
        let mut watermark = watermark();
        for partition in 0..3 {
            watermark.record(&topic(), partition, Some(100));
        }
        watermark.record(&topic(), 0, Some(500));
        watermark.idle(&topic(), 1);
        watermark.revoked(&topic(), 2);
        assert_eq!(watermark.reached_ms(), Some(490));
        watermark.record(&topic(), 1, Some(600));
        watermark.record(&topic(), 0, Some(700));
        assert_eq!(watermark.reached_ms(), Some(590));
        watermark.idle(&topic(), 0);
        watermark.idle(&topic(), 1);
        assert_eq!(watermark.reached_ms(), Some(590));
    }

    #[test]
    fn a_partition_without_events_holds_nothing_back() {
        let mut watermark = watermark();
        watermark.assigned(&topic(), 0);
        watermark.assigned(&topic(), 1);
        watermark.record(&topic(), 0, Some(100));
        watermark.record(&topic(), 1, None);
        assert_eq!(watermark.reached_ms(), Some(90));
        watermark.record(&topic(), 1, Some(150));
        watermark.record(&topic(), 1, None);
        watermark.record(&topic(), 0, Some(200));
        assert_eq!(watermark.reached_ms(), Some(140));
    }

    #[test]
    fn while_all_are_idle_it_follows_the_clock_to_what_waits() {
        let mut watermark = watermark();
        watermark.record(&topic(), 0, Some(100));
        watermark.tick(5_000, Some(300));
        assert_eq!(watermark.reached_ms(), Some(90), "the partition is not idle");
        watermark.idle(&topic(), 0);
        watermark.tick(5_000, None);
        assert_eq!(watermark.reached_ms(), Some(90), "nothing waits");
        watermark.tick(250, Some(300));
        assert_eq!(watermark.reached_ms(), Some(240));
        watermark.tick(5_000, Some(300));
        assert_eq!(watermark.reached_ms(), Some(300));
    }

    #[test]
    fn a_recording_says_up_to_when_it_is_complete() {
        let mut watermark = watermark();
        watermark.record(&topic(), 0, Some(100));
        watermark.complete(100);
        assert_eq!(watermark.reached_ms(), Some(101));
        watermark.complete(50);
        assert_eq!(watermark.reached_ms(), Some(101));
    }

    #[test]
    fn the_future_is_known_only_where_there_is_a_clock() {
        let mut watermark = watermark();
        assert!(!watermark.is_from_the_future(i64::MAX));
        watermark.tick(1_000, None);
        assert!(!watermark.is_from_the_future(1_005));
        assert!(watermark.is_from_the_future(1_006));
    }
}

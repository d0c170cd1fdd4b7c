//! What is told of a bucket that is above the habit?

use super::bucket::Reached;
use super::firing::Firing;
use super::habits::{Asked, Entity};
use super::series::Stamp;
use super::shown::select;
use super::table::Spec;
use crate::model::{Tally, Window};
use crate::rule::{BaselineTest, Correlation};

/// What is the same for all events at which one bucket came true.
pub(super) struct FireBucket<'a> {
    pub(super) test: &'a BaselineTest,
    pub(super) spec: &'a Spec,
    pub(super) arrived: Stamp,
    pub(super) now_ms: Option<i64>,
}

impl FireBucket<'_> {
    /// What is to be told of an event at which the bucket came true; `None` if it is only counted.
    pub(super) fn fire(
        &self,
        entity: &mut Entity,
        number: i64,
        reached: &Reached,
        asked: &Asked,
        correlation: &Correlation,
        tally: &mut Tally,
    ) -> Option<Firing> {
        let bucket = &entity.buckets.get(&number)?.bucket;
        let last = bucket.get(reached.place)?;
        let (stamp, event) = (last.stamp, last.event.clone());
        // The middle of a full bucket is not kept to be shown; the event that arrived always is.
        let decided = bucket.gallery.get(stamp).or_else(|| bucket.gallery.get(self.arrived))?;
        let verdict = self.spec.verdict(&mut entity.episodes, stamp.time_ms, self.now_ms, tally)?;
        // A bucket holds its first instant; windows begin after their start.
        let (start_ms, end_ms) = (self.test.start_ms(number) - 1, self.test.start_ms(number + 1) - 1);
        let kept = bucket.gallery.window(start_ms, stamp);
        let names = correlation.group_by.iter().map(|field| field.name.clone());
        let own = decided.own().cloned();
        Some(Firing {
            rule: self.spec.rule,
            key: entity.key.hash,
            org: own.as_ref().and_then(|own| own.org.clone()),
            group: names.zip(entity.key.values.iter().map(ToString::to_string)).collect(),
            uuid: decided.uuid().clone(),
            fired_at_ms: decided.stamp.time_ms,
            last_ms: stamp.time_ms,
            event,
            measured: self.test.measured(reached.figure, Some(asked)),
            count: bucket.count(reached.place),
            first_seen_ms: bucket.first_ms().unwrap_or(stamp.time_ms),
            shown: select(kept, decided.uuid(), self.spec.info.evidence_max),
            decided: own,
            window: Window { start_ms, end_ms, timespan_ms: self.test.bucket_ms },
            may_be_low: bucket.is_cut,
            verdict,
        })
    }
}

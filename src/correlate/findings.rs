//! What was found of one entity, and what of it counts?

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::episode::Episodes;
use super::firing::Feed;
use super::key::Key;
use super::measure::Timespan;
use super::points::{Points, Worth};
use super::remembered::Remembered;
use super::series::Stamp;
use super::shown::{Gallery, Shown};
use super::table::Spec;
use crate::durable;
use crate::model::{Enriched, Shared};
use crate::rule::RiskTest;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// One entity.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) key: Key,
    /// Matches that wait, by the event that decided them.
    open: BTreeMap<Stamp, Found>,
    pub(super) points: Points,
    /// When a match of each rule and each of its own keys last counted.
    pub(super) last: Remembered<Own>,
    pub(super) gallery: Gallery,
    pub(super) episodes: Episodes,
    pub(super) lost_upto_ms: i64,
    pub(super) newest_ms: i64,
    pub(super) planned_ms: Option<i64>,
}

/// A rule's place among those taken, with what its own alerts are held together by.
pub(super) type Own = (u32, u128);

/// The matches that one event decided.
#[derive(Debug)]
pub(super) struct Found {
    by: SmallVec<[Own; 1]>,
    pub(super) shown: Shown,
    pub(super) event: Option<Shared<Enriched>>,
}

durable!(Found { by, shown, event });

impl Entity {
    /// Nothing was found of it yet.
    pub(super) fn new(key: Key, half_life_ms: Option<i64>) -> Self {
        Self {
            key,
            open: BTreeMap::new(),
            points: Points::new(half_life_ms),
            last: Remembered::default(),
            gallery: Gallery::default(),
            episodes: Episodes::default(),
            lost_upto_ms: i64::MIN,
            newest_ms: i64::MIN,
            planned_ms: None,
        }
    }

    /// Writes all of it.
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let Self { key, open, points, last, gallery, episodes, lost_upto_ms, newest_ms, planned_ms } = self;
        key.write(out);
        open.write(out);
        points.write(out);
        last.write(out);
        gallery.write(out);
        episodes.write(out);
        lost_upto_ms.write(out);
        newest_ms.write(out);
        planned_ms.write(out);
    }

    /// Reads it again, given what matches are worth.
    pub(super) fn read(worths: &[Worth], from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            key: Key::read(from)?,
            open: Durable::read(from)?,
            points: Points::read(worths, from)?,
            last: Remembered::read(from)?,
            gallery: Gallery::read(from)?,
            episodes: Episodes::read(from)?,
            lost_upto_ms: i64::read(from)?,
            newest_ms: i64::read(from)?,
            planned_ms: Durable::read(from)?,
        })
    }

    /// Takes a match.
    pub(super) fn take(&mut self, stamp: Stamp, feed: &Feed<'_>, spec: &Spec) {
        let new = || {
            let shown = Shown::new(stamp, feed.matched);
            Found { by: SmallVec::new(), shown, event: spec.passed(&feed.matched.event) }
        };
        let found = self.open.entry(stamp).or_insert_with(new);
        found.shown.add(&feed.matched.evidence);
        let own = (u32::try_from(feed.branch).unwrap_or(u32::MAX), feed.matched.key);
        if !found.by.contains(&own) {
            found.by.push(own);
        }
        self.newest_ms = self.newest_ms.max(stamp.time_ms);
    }

    /// The watermark at which the first match that waits can be decided.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.open.first_key_value().map(|(stamp, _)| stamp.time_ms.saturating_add(1))
    }

    /// Counts the matches of the first event that waits, as far as they count.
    pub(super) fn count(&mut self, test: &RiskTest, worths: &[Worth], timespan: Timespan) -> Option<Found> {
        let (stamp, mut found) = self.open.pop_first()?;
        self.points.forget(timespan.start(stamp.time_ms), worths);
        self.gallery.forget(timespan.start(stamp.time_ms));
        // Rules in their order, whichever matched first.
        found.by.sort_unstable();
        let mut counts = false;
        for own in &found.by {
            let branch = own.0 as usize;
            let (Some(weight), Some(worth)) = (test.weights.get(branch), worths.get(branch)) else {
                continue;
            };
            if weight.suppress_ms > 0 {
                let last_ms = self.last.get(*own);
                if last_ms.is_some_and(|last_ms| stamp.time_ms - last_ms < weight.suppress_ms) {
                    continue;
                }
                self.last.note(*own, stamp.time_ms);
            }
            self.points.add(stamp, own.0, worth);
            counts = true;
        }
        if counts {
            self.gallery.put(&found.shown);
            self.gallery.thin(Stamp::LAST);
        }
        Some(found)
    }

    /// Goes back to the bounds; gives how much had to go.
    pub(super) fn shrink(&mut self, most: usize, worths: &[Worth]) -> u64 {
        let mut gone = 0;
        while self.open.len() > most {
            let first = self.open.pop_first();
            self.lost_upto_ms = self.lost_upto_ms.max(first.map_or(i64::MIN, |(stamp, _)| stamp.time_ms));
            gone += 1;
        }
        while self.points.len() > most {
            self.lost_upto_ms = self.lost_upto_ms.max(self.points.take_oldest(worths).unwrap_or(i64::MIN));
            gone += 1;
        }
        gone + self.last.shrink(most).map_or(0, |lost| lost.count)
    }

    /// Until when it is needed, as far as is known; ms.
    pub(super) fn needed_ms(
        &self,
        timespan: Timespan,
        thinned: Option<i64>,
        alerts: Option<i64>,
    ) -> Option<i64> {
        let counted = self.points.first_ms().map(|_| timespan.end(self.newest_ms));
        let open = self.open.last_key_value().map(|(stamp, _)| timespan.end(stamp.time_ms));
        counted.max(open).max(thinned).max(alerts)
    }
}

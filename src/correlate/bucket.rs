//! What does one bucket of an entity come to, event by event?

use hashbrown::HashMap;

use super::distinct::Values;
use super::firing::Feed;
use super::series::{Occurrence, Series, Stamp};
use super::shown::{Gallery, Shown};
use crate::model::{Enriched, Shared};
use crate::state::{Corrupt, Durable, Reader, Writer};

/// A bucket that events may still come into.
///
/// Each event has a figure of its own: that of the bucket up to it. The events themselves are held as
/// long as a late one may still come before them and raise their figures.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// Events, each with how much the figure rises by it.
    series: Series<u64>,
    /// Where each value was first seen, if distinct values count.
    values: HashMap<u64, Stamp, foldhash::fast::FixedState>,
    /// The figure, and the number, of the events that are no longer held.
    passed: (u64, u64),
    /// The last of them.
    passed_upto: Option<Stamp>,
    /// The figure of all.
    pub(super) figure: u64,
    pub(super) gallery: Gallery,
    first_ms: Option<i64>,
    /// Nothing of it is judged before the buckets before it are over.
    pub(super) waits: bool,
    /// Something of it was dropped at a bound.
    pub(super) is_cut: bool,
    /// Values for which there was no room, and that nobody has counted yet.
    pub(super) left_out: u64,
}

/// An event at which the bucket came true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) place: usize,
    pub(super) figure: u64,
}

impl Durable for Bucket {
    fn write(&self, out: &mut Writer<'_>) {
        let Self { series, values, passed, passed_upto, figure, gallery, first_ms, waits, .. } = self;
        let Self { is_cut, left_out: _, .. } = self;
        series.write(out);
        // In an order of their own, so that the same is always written the same.
        let mut values: Vec<(u64, Stamp)> = values.iter().map(|(value, first)| (*value, *first)).collect();
        values.sort_unstable();
        values.write(out);
        passed.write(out);
        passed_upto.write(out);
        figure.write(out);
        gallery.write(out);
        first_ms.write(out);
        waits.write(out);
        is_cut.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let series = Series::read(from)?;
        let values: Vec<(u64, Stamp)> = Durable::read(from)?;
        Ok(Self {
            series,
            values: values.into_iter().collect(),
            passed: Durable::read(from)?,
            passed_upto: Durable::read(from)?,
            figure: u64::read(from)?,
            gallery: Gallery::read(from)?,
            first_ms: Durable::read(from)?,
            waits: bool::read(from)?,
            is_cut: bool::read(from)?,
            left_out: 0,
        })
    }
}

impl Bucket {
    /// An empty one.
    pub(super) fn new(waits: bool) -> Self {
        Self { waits, ..Self::default() }
    }

    /// Takes an event; with the values it shows, if distinct values count. Gives its place if
    /// anything changed by it.
    pub(super) fn take(
        &mut self,
        stamp: Stamp,
        values: Option<&Values>,
        most: usize,
        feed: &Feed<'_>,
        passed: impl FnOnce() -> Option<Shared<Enriched>>,
    ) -> Option<usize> {
        let (place, is_new) = match self.series.find(stamp) {
            Ok(place) => (place, false),
            Err(place) => {
                self.series.insert(place, Occurrence { stamp, mark: 0, satisfied: false, event: passed() });
                (place, true)
            }
        };
        self.first_ms = Some(self.first_ms.map_or(stamp.time_ms, |first_ms| first_ms.min(stamp.time_ms)));
        self.gallery.add(Shown::new(stamp, feed.matched));
        let rises = match values {
            None => self.count_one(is_new),
            Some(values) => values.iter().map(|value| self.show(*value, stamp, most)).sum(),
        };
        if let Some(occurrence) = self.series.get_mut(place) {
            occurrence.mark += rises;
        }
        (is_new || rises > 0).then_some(place)
    }

    fn count_one(&mut self, is_new: bool) -> u64 {
        self.figure += u64::from(is_new);
        u64::from(is_new)
    }

    /// An event shows a value: by how much the figure rises there.
    fn show(&mut self, value: u64, stamp: Stamp, most: usize) -> u64 {
        let is_full = self.values.len() >= most;
        match self.values.get_mut(&value) {
            Some(first) if *first <= stamp => return 0,
            Some(first) => {
                let later = std::mem::replace(first, stamp);
                let place = self.series.find(later).ok();
                if let Some(occurrence) = place.and_then(|place| self.series.get_mut(place)) {
                    occurrence.mark = occurrence.mark.saturating_sub(1);
                    self.figure = self.figure.saturating_sub(1);
                }
            }
            None if is_full => {
                self.is_cut = true;
                self.left_out += 1;
                return 0;
            }
            None => {
                self.values.insert(value, stamp);
            }
        }
        self.figure += 1;
        1
    }

    /// Adds the events from a place on at which the figure has come to `least`, each once.
    pub(super) fn judge(&mut self, from: usize, least: u64, reached: &mut Vec<Reached>) {
        let rises = (from..self.series.len()).filter_map(|place| self.series.get(place));
        let mut figure = self.figure.saturating_sub(rises.map(|occurrence| occurrence.mark).sum());
        for place in from..self.series.len() {
            let Some(occurrence) = self.series.get_mut(place) else { return };
            figure += occurrence.mark;
            // Those after one that came true have come true as well.
            if std::mem::replace(&mut occurrence.satisfied, figure >= least) {
                occurrence.satisfied = true;
                return;
            }
            if figure >= least {
                reached.push(Reached { place, figure });
            }
        }
    }

    /// Lets go of the events that nothing can come before any more, and of the oldest beyond a bound;
    /// gives how many of these there were.
    pub(super) fn pass(&mut self, watermark_ms: Option<i64>, most: usize) -> u64 {
        while self.series.oldest().zip(watermark_ms).is_some_and(|(oldest_ms, ms)| oldest_ms < ms) {
            self.pass_oldest();
        }
        let mut gone = 0;
        while self.series.len() > most {
            self.pass_oldest();
            self.is_cut = true;
            gone += 1;
        }
        gone
    }

    fn pass_oldest(&mut self) {
        if let Some(oldest) = self.series.pop_oldest() {
            self.passed = (self.passed.0 + oldest.mark, self.passed.1 + 1);
            self.passed_upto = Some(oldest.stamp);
        }
    }

    /// Keeps no more to be shown than is wanted; what is not judged yet must be there.
    pub(super) fn thin(&mut self) {
        let judged = if self.waits { self.passed_upto } else { Some(Stamp::LAST) };
        if let Some(judged) = judged {
            self.gallery.thin(judged);
        }
    }

    /// The event at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Occurrence<u64>> {
        self.series.get(place)
    }

    /// How many events there are up to one.
    pub(super) fn count(&self, place: usize) -> u64 {
        self.passed.1 + place as u64 + 1
    }

    /// Its first event, ms.
    pub(super) fn first_ms(&self) -> Option<i64> {
        self.first_ms
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    const MANY: usize = 100;
    const NONE: [i64; 0] = [];

    fn stamp(time_ms: i64) -> Stamp {
        Stamp::new(time_ms, "u")
    }

    /// Takes an event with these values, and gives the times at which the figure came to three.
    fn take(bucket: &mut Bucket, time_ms: i64, values: Option<&[u64]>) -> Vec<i64> {
        let matched = samples::bare(time_ms, "u");
        let feed = Feed { matched: &matched, branch: 0, watermark_ms: None, now_ms: None };
        let values = values.map(Values::from_slice);
        let mut reached = Vec::new();
        if let Some(place) = bucket.take(stamp(time_ms), values.as_ref(), MANY, &feed, || None) {
            bucket.judge(place, 3, &mut reached);
        }
        reached.iter().map(|reached| bucket.get(reached.place).unwrap().stamp.time_ms).collect()
    }

    #[test]
    fn every_event_from_the_third_on_comes_true_once() {
        let mut bucket = Bucket::default();
        let mut came = |time_ms| take(&mut bucket, time_ms, None);
        assert_eq!([came(10), came(20), came(30), came(40)], [vec![], vec![], vec![30], vec![40]]);
        assert_eq!(came(15), [20], "the second is the third now");
        assert_eq!(came(35), [35]);
        assert_eq!(came(35), NONE, "it counts once");
        assert_eq!(came(5), [15]);
    }

    #[test]
    fn distinct_values_count_where_they_are_first_seen() {
        let mut bucket = Bucket::default();
        let mut came = |time_ms, values: &[u64]| take(&mut bucket, time_ms, Some(values));
        assert_eq!(came(10, &[1]), NONE);
        assert_eq!(came(20, &[1]), NONE);
        assert_eq!(came(30, &[2]), NONE);
        assert_eq!(came(40, &[1]), NONE);
        assert_eq!(came(50, &[3]), [50]);
        assert_eq!(came(35, &[3]), [35, 40], "the third value is seen earlier now");
        assert_eq!(came(12, &[3, 2]), [12, 20, 30]);
        assert_eq!(bucket.figure, 3);
    }

    #[test]
    fn what_has_passed_goes_on_counting() {
        let mut bucket = Bucket::default();
        for time_ms in [10, 20] {
            take(&mut bucket, time_ms, None);
        }
        assert_eq!(bucket.pass(Some(20), MANY), 0);
        assert_eq!(bucket.pass(None, 0), 1);
        assert!(bucket.is_cut);
        assert_eq!(take(&mut bucket, 30, None), [30]);
        assert_eq!((bucket.count(0), bucket.first_ms()), (3, Some(10)));
    }

    #[test]
    fn no_more_values_are_held_than_the_bound() {
        let mut bucket = Bucket::default();
        let all: Vec<u64> = (0..150).collect();
        take(&mut bucket, 10, Some(&all));
        assert_eq!((bucket.figure, bucket.is_cut), (100, true));
    }
}

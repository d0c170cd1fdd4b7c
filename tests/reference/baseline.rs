//! `baseline`: at which events is a bucket far above its entity's habit?

use std::collections::BTreeSet;

use super::event::Occurrence;

const WEEK_MS: i64 = 7 * 24 * 3_600_000;

#[derive(Clone, Debug)]
pub struct Baseline {
    /// Distinct values of the field count; without, events.
    pub distinct: Option<String>,
    pub bucket_ms: i64,
    pub history_ms: i64,
    pub deviations: i64,
    pub floor: i64,
    pub min_history_ms: i64,
    /// Only buckets at the same hour of the week.
    pub hours_of_week: bool,
}

impl Baseline {
    /// An event that lacks the field is none of the rule's.
    pub fn satisfied(&self, events: &[Occurrence<'_>]) -> Vec<usize> {
        let has_field = |occurrence: &Occurrence<'_>| {
            self.distinct.as_ref().is_none_or(|field| !occurrence.event.values(field).is_empty())
        };
        let places: Vec<usize> = (0..events.len()).filter(|place| has_field(&events[*place])).collect();
        let own: Vec<Occurrence<'_>> = places.iter().map(|place| events[*place].clone()).collect();
        (0..own.len()).filter(|place| self.is_high(&own, *place)).map(|place| places[place]).collect()
    }

    fn is_high(&self, events: &[Occurrence<'_>], place: usize) -> bool {
        let bucket = self.bucket(&events[place]);
        let first = self.bucket(&events[0]);
        let running = self.metric(&events[..=place], bucket);
        let earliest = (bucket - self.history_ms / self.bucket_ms).max(first);
        let same_hour = |other: &i64| !self.hours_of_week || (bucket - other) * self.bucket_ms % WEEK_MS == 0;
        let history: Vec<i64> =
            (earliest..bucket).filter(same_hour).map(|other| self.metric(events, other)).collect();
        running >= self.floor
            && self.exceeds(running, &history)
            && bucket * self.bucket_ms - events[0].time_ms() >= self.min_history_ms
    }

    fn bucket(&self, occurrence: &Occurrence<'_>) -> i64 {
        occurrence.time_ms().div_euclid(self.bucket_ms)
    }

    /// Counted from the events of the bucket.
    fn metric(&self, events: &[Occurrence<'_>], bucket: i64) -> i64 {
        let inside = events.iter().filter(|occurrence| self.bucket(occurrence) == bucket);
        let count = match &self.distinct {
            None => inside.count(),
            Some(field) => {
                inside.flat_map(|occurrence| occurrence.event.values(field)).collect::<BTreeSet<_>>().len()
            }
        };
        count as i64
    }

    /// `running > mean + deviations * sd`, in whole numbers: times the number of buckets on both
    /// sides, and squared.
    fn exceeds(&self, running: i64, history: &[i64]) -> bool {
        if history.is_empty() {
            return running > 0;
        }
        let buckets = history.len() as i64;
        let sum: i64 = history.iter().sum();
        let squares: i64 = history.iter().map(|count| count * count).sum();
        let above = buckets * running - sum;
        above > 0 && above * above > self.deviations * self.deviations * (buckets * squares - sum * sum)
    }
}

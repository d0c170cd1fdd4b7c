//! How many distinct values does a window hold, without counting them anew for each event?
//!
//! A [`Frame`] lies over a stretch of the series and counts the values inside. Moving it costs as
//! much as it moves: one step for an event in order, as many as the event is out of order else.

use hashbrown::HashMap;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use super::measure::{Timespan, reaches};
use super::series::Series;

/// The distinct values of one event, as hashes; nearly always one.
pub(super) type Values = SmallVec<[u64; 1]>;

/// A counted value's hash, case aside, as everywhere in rules.
pub(super) fn value(text: &str) -> u64 {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return xxh3_64(text.as_bytes());
    }
    xxh3_64(text.to_lowercase().as_bytes())
}

/// The values of the events from `start` up to, not with, `end`, and how often each is there.
#[derive(Debug, Default)]
pub(super) struct Frame {
    start: usize,
    end: usize,
    counts: HashMap<u64, u32, foldhash::fast::FixedState>,
}

impl Frame {
    /// An event was put to a place.
    pub(super) fn inserted(&mut self, series: &Series<Values>, place: usize) {
        if place < self.start {
            self.start += 1;
            self.end += 1;
        } else if place < self.end {
            self.end += 1;
            self.add(values(series, place));
        }
    }

    /// An event at a place got more values.
    pub(super) fn grown(&mut self, place: usize, more: &[u64]) {
        if (self.start..self.end).contains(&place) {
            self.add(more);
        }
    }

    /// The oldest event, with these values, was taken out.
    pub(super) fn removed(&mut self, values: &[u64]) {
        if self.start > 0 {
            self.start -= 1;
            self.end -= 1;
        } else if self.end > 0 {
            self.end -= 1;
            self.take(values);
        }
    }

    /// Measures the windows that hold the event at `place`, from the one that ends with it on.
    pub(super) fn judge(
        &mut self,
        series: &Series<Values>,
        timespan: Timespan,
        place: usize,
        judged: &mut dyn FnMut(usize, f64),
    ) {
        let mut last = place;
        while reaches(series, timespan, place, last) {
            self.move_to(series, timespan, last);
            judged(last, self.counts.len() as f64);
            last += 1;
        }
    }

    /// Lays the frame over the window that ends with an event.
    fn move_to(&mut self, series: &Series<Values>, timespan: Timespan, last: usize) {
        while self.start > 0 && reaches(series, timespan, self.start - 1, last) {
            self.start -= 1;
            self.add(values(series, self.start));
        }
        while self.end <= last {
            self.add(values(series, self.end));
            self.end += 1;
        }
        while self.end > last + 1 {
            self.end -= 1;
            self.take(values(series, self.end));
        }
        while !reaches(series, timespan, self.start, last) {
            self.take(values(series, self.start));
            self.start += 1;
        }
    }

    fn add(&mut self, values: &[u64]) {
        for value in values {
            *self.counts.entry(*value).or_default() += 1;
        }
    }

    fn take(&mut self, values: &[u64]) {
        for value in values {
            if let Some(count) = self.counts.get_mut(value) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(value);
                }
            }
        }
    }
}

fn values(series: &Series<Values>, place: usize) -> &[u64] {
    series.get(place).map_or(&[], |occurrence| &occurrence.mark)
}

/// Adds the values that are not there yet, and says which those were.
pub(super) fn merge(series: &mut Series<Values>, place: usize, more: Values) -> Values {
    let Some(occurrence) = series.get_mut(place) else { return Values::new() };
    let new: Values = more.into_iter().filter(|value| !occurrence.mark.contains(value)).collect();
    occurrence.mark.extend_from_slice(&new);
    new
}

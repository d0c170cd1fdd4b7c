//! What does one entity do in a bucket of time, and what would be too much?

use std::collections::BTreeMap;

use super::bucket::{Bucket, Reached};
use super::episode::Episodes;
use super::habit::{Habit, Usual};
use super::key::Key;
use super::lives::Lives;
use crate::durable;
use crate::model::Measured;
use crate::rule::BaselineTest;

/// One entity.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) key: Key,
    pub(super) lives: Lives,
    pub(super) habit: Habit,
    /// The buckets that events may still come into, by number.
    pub(super) buckets: BTreeMap<i64, Open>,
    pub(super) episodes: Episodes,
    pub(super) planned_ms: Option<i64>,
}

/// A bucket that events may still come into, with what it must come to, once that is known.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) bucket: Bucket,
    asked: Option<Asked>,
}

/// What a bucket must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Since when the entity is known, ms.
    since_ms: i64,
    pub(super) usual: Usual,
    /// `None` if the entity is not known long enough.
    pub(super) least: Option<u64>,
}

durable!(Entity { key, lives, habit, buckets, episodes, planned_ms });
durable!(Open { bucket, asked });
durable!(Asked { since_ms, usual, least });

impl Open {
    /// An empty one.
    pub(super) fn new(waits: bool) -> Self {
        Self { bucket: Bucket::new(waits), asked: None }
    }
}

impl Entity {
    /// It has done nothing yet.
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            lives: Lives::default(),
            habit: Habit::default(),
            buckets: BTreeMap::new(),
            episodes: Episodes::default(),
            planned_ms: None,
        }
    }

    /// The instant at which the first bucket that waits can be judged.
    pub(super) fn next_due_ms(&self, test: &BaselineTest) -> Option<i64> {
        let waits = self.buckets.iter().find(|(_, open)| open.bucket.waits);
        waits.map(|(number, _)| test.start_ms(*number))
    }

    /// Judges a bucket from a place on. The buckets before it are over.
    pub(super) fn judge(
        &mut self,
        number: i64,
        from: usize,
        test: &BaselineTest,
        reached: &mut Vec<Reached>,
    ) -> Option<Asked> {
        self.close_before(number);
        let open = self.buckets.get_mut(&number)?;
        let since_ms = open.bucket.first_ms().map_or(i64::MAX, |first_ms| self.lives.since(first_ms));
        let known = open.asked.filter(|asked| asked.since_ms == since_ms);
        let from = if known.is_some() { from } else { 0 };
        let asked = known.unwrap_or_else(|| test.asked(number, since_ms, &mut self.habit));
        open.asked = Some(asked);
        open.bucket.waits = false;
        if let Some(least) = asked.least {
            open.bucket.judge(from, least, reached);
        }
        Some(asked)
    }

    /// The buckets before one are over.
    pub(super) fn close_before(&mut self, number: i64) {
        while let Some(first) = self.buckets.first_entry().filter(|first| *first.key() < number) {
            let (number, open) = first.remove_entry();
            self.habit.close(number, open.bucket.figure);
        }
    }
}

impl BaselineTest {
    /// The number of the bucket that holds an instant.
    pub(super) fn number(&self, time_ms: i64) -> i64 {
        time_ms.div_euclid(self.bucket_ms)
    }

    /// When a bucket begins.
    pub(super) fn start_ms(&self, number: i64) -> i64 {
        number.saturating_mul(self.bucket_ms)
    }

    /// What a bucket must come to, given what the entity did before.
    fn asked(&self, number: i64, since_ms: i64, habit: &mut Habit) -> Asked {
        let first = (number - self.buckets).max(self.number(since_ms)).min(number);
        let usual = habit.usual(number, first, self.step);
        let is_known = self.start_ms(number).saturating_sub(since_ms) >= self.min_history_ms;
        let least = is_known.then(|| usual.least_exceeding(self.thousandths).max(self.floor));
        Asked { since_ms, usual, least }
    }

    /// What an alert tells of a figure.
    pub(super) fn measured(&self, figure: u64, asked: Option<&Asked>) -> Vec<Measured> {
        let of = self.distinct.as_ref().map(|counted| format!("distinct {}", counted.name));
        let what = format!("{} per {}", of.as_deref().unwrap_or("events"), length(self.bucket_ms));
        let required = match asked {
            Some(asked) if asked.least.is_some() => self.required(&asked.usual),
            _ => format!(">= {}, known for {}", self.floor, length(self.min_history_ms)),
        };
        vec![Measured { what, observed: figure as f64, required }]
    }

    /// `> 12.4 and >= 5 (mean 4.1, sd 2.8, 3 deviations over 14d)`
    fn required(&self, usual: &Usual) -> String {
        let deviations = self.thousandths as f64 / 1_000.0;
        let (mean, deviation) = (usual.mean(), usual.deviation());
        let span_ms = i64::try_from(usual.buckets).unwrap_or(i64::MAX).saturating_mul(self.bucket_ms);
        let over = match self.step {
            1 => length(span_ms),
            _ => format!("{} weeks", usual.buckets),
        };
        format!(
            "> {:.1} and >= {} (mean {mean:.1}, sd {deviation:.1}, {deviations} deviations over {over})",
            mean + deviations * deviation,
            self.floor
        )
    }
}

/// The shortest way to write a length of time.
fn length(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m")];
    let unit = units.iter().find(|(scale, _)| ms >= *scale && ms % scale == 0);
    unit.map_or_else(|| format!("{}s", ms / 1_000), |(scale, unit)| format!("{}{unit}", ms / scale))
}

//! At which hours does a user work?
//!
//! Hours are UTC, apart for the five working days and for the weekend. Each counts the days on which the
//! user did something in it, and counts half after [`limits::HOURS_FADE_DAYS`].

use super::act::DAY_S;
use crate::limits;
use crate::state::{Corrupt, Durable, Reader, Writer};

/// An hour in seconds.
const HOUR_S: i64 = 3_600;

/// Hours of a day.
const HOURS: usize = 24;

/// Times all counts are halved at once; after that, nothing is left of them.
const HALVINGS: i64 = 8;

/// When one user does something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours {
    /// The day (UTC, since the epoch) of the latest act, and its hours with one, as bits.
    today: Option<(i64, u32)>,
    /// The day from which counts were last halved.
    faded_day: i64,
    /// Days with an act.
    days: u8,
    /// Days with an act in each hour: working days, weekend.
    counts: [[u8; HOURS]; 2],
}

/// A moment as habits see it.
#[derive(Clone, Copy, Debug)]
struct Moment {
    day: i64,
    weekend: usize,
    hour: usize,
}

impl Moment {
    fn of(at_s: i64) -> Self {
        let day = at_s.div_euclid(DAY_S);
        // The epoch was a Thursday.
        let weekend = usize::from((day + 3).rem_euclid(7) >= 5);
        let hour = usize::try_from(at_s.rem_euclid(DAY_S) / HOUR_S).unwrap_or_default();
        Self { day, weekend, hour }
    }

    fn bit(self) -> u32 {
        1 << self.hour
    }
}

impl Hours {
    /// Whether the user is known well enough, and did hardly ever do something at this hour or one beside
    /// it: on fewer than one day in twenty, today not counted.
    pub fn is_unusual(&self, at_s: i64) -> bool {
        let moment = Moment::of(at_s);
        let today = self.today.filter(|(day, _)| *day == moment.day).map_or(0, |(_, bits)| bits);
        let days = self.days.saturating_sub(u8::from(today != 0));
        let beside = [HOURS - 1, 0, 1].map(|step| (moment.hour + step) % HOURS);
        let counts = self.counts.get(moment.weekend);
        let count = |hour: usize| {
            let count = counts.and_then(|counts| counts.get(hour)).copied().unwrap_or_default();
            u32::from(count.saturating_sub(u8::from(today >> hour & 1 == 1)))
        };
        days >= limits::HOURS_LEARNT_DAYS && beside.into_iter().map(count).sum::<u32>() * 20 < u32::from(days)
    }

    /// Whether an act changes what is known.
    pub fn changes(&self, at_s: i64) -> bool {
        let moment = Moment::of(at_s);
        self.today
            .is_none_or(|(day, bits)| day < moment.day || (day == moment.day && bits & moment.bit() == 0))
    }

    /// Takes in an act. One of a day that is over says nothing any more.
    pub fn learn(&mut self, at_s: i64) {
        if !self.changes(at_s) {
            return;
        }
        let moment = Moment::of(at_s);
        if self.today.is_none_or(|(day, _)| day < moment.day) {
            self.fade(moment.day);
            self.today = Some((moment.day, 0));
            self.days = self.days.saturating_add(1);
        }
        if let Some((_, bits)) = &mut self.today {
            *bits |= moment.bit();
        }
        let count = self.counts.get_mut(moment.weekend).and_then(|counts| counts.get_mut(moment.hour));
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
    }

    fn fade(&mut self, day: i64) {
        if self.today.is_none() {
            self.faded_day = day;
        }
        let halvings = day.saturating_sub(self.faded_day) / limits::HOURS_FADE_DAYS;
        self.faded_day = self.faded_day.saturating_add(halvings.saturating_mul(limits::HOURS_FADE_DAYS));
        let shift = u32::try_from(halvings.min(HALVINGS)).unwrap_or_default();
        let half = |count: &mut u8| *count = count.checked_shr(shift).unwrap_or(0);
        self.counts.iter_mut().flatten().for_each(half);
        half(&mut self.days);
    }
}

impl Durable for Hours {
    /// Only hours with something in them.
    fn write(&self, out: &mut Writer<'_>) {
        self.today.is_some().write(out);
        let Some((day, bits)) = self.today else { return };
        day.write(out);
        bits.write(out);
        day.wrapping_sub(self.faded_day).write(out);
        self.days.write(out);
        for counts in &self.counts {
            let there = |(hour, count): (usize, &u8)| u64::from(*count > 0) << hour;
            out.number(counts.iter().enumerate().map(there).sum());
            counts.iter().filter(|count| **count > 0).for_each(|count| count.write(out));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let mut hours = Self::default();
        if !bool::read(from)? {
            return Ok(hours);
        }
        let day = i64::read(from)?;
        hours.today = Some((day, Durable::read(from)?));
        hours.faded_day = day.wrapping_sub(i64::read(from)?);
        hours.days = Durable::read(from)?;
        for counts in &mut hours.counts {
            let there = from.number()?;
            for (hour, count) in counts.iter_mut().enumerate() {
                if there >> hour & 1 == 1 {
                    *count = Durable::read(from)?;
                }
            }
        }
        Ok(hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldTable;
    use crate::state::{Names, whole, written};

    /// A Monday.
    const MONDAY: i64 = 20_458;

    fn at(day: i64, hour: i64) -> i64 {
        (MONDAY + day) * DAY_S + hour * HOUR_S
    }

    /// Who worked from nine to five for so many working days.
    fn worker(days: i64) -> Hours {
        let mut hours = Hours::default();
        for day in (0..days).filter(|day| day % 7 < 5) {
            (9..18).for_each(|hour| hours.learn(at(day, hour)));
        }
        hours
    }

    #[test]
    fn an_hour_far_from_the_usual_ones_is_unusual_once_they_are_known() {
        assert!(!worker(11).is_unusual(at(14, 3)), "nine days");
        let hours = worker(12);
        assert!(hours.is_unusual(at(14, 3)));
        for usual in [8, 9, 12, 17, 18] {
            assert!(!hours.is_unusual(at(14, usual)), "{usual}");
        }
        assert!(hours.is_unusual(at(14, 19)) && hours.is_unusual(at(14, 7)));
        assert!(hours.is_unusual(at(19, 12)), "on a Saturday");
    }

    #[test]
    fn it_stays_unusual_for_the_rest_of_the_night_and_not_for_who_does_it_often() {
        let mut hours = worker(26);
        hours.learn(at(28, 3));
        assert!(hours.is_unusual(at(28, 3)), "today's own count for nothing");
        for day in 29..33 {
            hours.learn(at(day, 3));
        }
        assert!(!hours.is_unusual(at(35, 3)));
    }

    #[test]
    fn one_act_in_an_hour_is_enough_and_a_day_that_is_over_says_nothing() {
        let mut hours = worker(12);
        let before = hours.clone();
        assert!(!hours.changes(at(11, 17)) && !hours.changes(at(10, 3)));
        hours.learn(at(11, 17));
        hours.learn(at(10, 3));
        assert_eq!(hours, before);
    }

    #[test]
    fn what_was_long_ago_counts_for_less_and_then_for_nothing() {
        let mut hours = worker(26);
        assert!(hours.is_unusual(at(28, 3)));
        hours.learn(at(28 + 9 * limits::HOURS_FADE_DAYS, 12));
        assert!(!hours.is_unusual(at(29 + 9 * limits::HOURS_FADE_DAYS, 3)), "nothing is known any more");
    }

    #[test]
    fn it_is_read_as_it_was_written_in_few_bytes() {
        let table = FieldTable::default();
        for hours in [Hours::default(), worker(12), worker(60)] {
            let bytes = written(&table, |out| hours.write(out));
            assert!(bytes.len() <= 32, "{}", bytes.len());
            assert_eq!(whole(&table, &mut Names::default(), &bytes, Hours::read).unwrap(), hours);
        }
    }
}

//! Which part of an instant does a rule compare?
//!
//! Parts are those of the clock and the calendar in UTC: the minute of the hour, the hour of the day,
//! the day of the month, the week of the year by ISO 8601 (it begins on a Monday, and the first one has
//! the year's first Thursday), the month and the year.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::tz::Offset;

const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;

/// A part of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl TimePart {
    /// The part of an instant; none outside the calendar.
    pub(super) fn of(self, ms: i64) -> Option<i64> {
        let date = || {
            let instant = Timestamp::from_millisecond(ms).ok()?;
            Some(Offset::UTC.to_datetime(instant).date())
        };
        match self {
            Self::Minute => Some(ms.div_euclid(MS_PER_MINUTE).rem_euclid(60)),
            Self::Hour => Some(ms.div_euclid(MS_PER_HOUR).rem_euclid(24)),
            Self::Day => date().map(|date| i64::from(date.day())),
            Self::Week => date().map(|date| i64::from(date.iso_week_date().week())),
            Self::Month => date().map(|date| i64::from(date.month())),
            Self::Year => date().map(|date| i64::from(date.year())),
        }
    }

    /// What it may be.
    pub(super) fn range(self) -> RangeInclusive<i64> {
        match self {
            Self::Minute => 0..=59,
            Self::Hour => 0..=23,
            Self::Day => 1..=31,
            Self::Week => 1..=53,
            Self::Month => 1..=12,
            Self::Year => 1..=9999,
        }
    }

    /// Its modifier.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [TimePart; 6] =
        [TimePart::Minute, TimePart::Hour, TimePart::Day, TimePart::Week, TimePart::Month, TimePart::Year];

    fn parts(instant: &str) -> [i64; 6] {
        let ms = instant.parse::<Timestamp>().unwrap().as_millisecond();
        ALL.map(|part| part.of(ms).unwrap())
    }

    #[test]
    fn parts_are_those_of_the_calendar_in_utc() {
        assert_eq!(parts("2026-08-13T15:58:20.353Z"), [58, 15, 13, 33, 8, 2026]);
        assert_eq!(parts("2026-08-14T01:30:00+03:00"), [30, 22, 13, 33, 8, 2026]);
        assert_eq!(parts("1969-12-31T23:59:59Z"), [59, 23, 31, 1, 12, 1969]);
    }

    #[test]
    fn a_week_belongs_to_the_year_of_its_thursday() {
        assert_eq!(parts("2027-01-01T00:00:00Z")[3], 53);
        assert_eq!(parts("2027-01-04T00:00:00Z")[3], 1);
        assert_eq!(parts("2024-12-30T00:00:00Z")[3], 1);
    }

    proptest! {
        #[test]
        fn a_part_is_always_within_its_range(ms in -62_000_000_000_000_i64..250_000_000_000_000) {
            let date = Offset::UTC.to_datetime(Timestamp::from_millisecond(ms).unwrap());
            for part in ALL {
                let value = part.of(ms).unwrap();
                prop_assert!(part.range().contains(&value), "{part:?} {value}");
            }
            prop_assert_eq!(TimePart::Hour.of(ms), Some(i64::from(date.hour())));
            prop_assert_eq!(TimePart::Minute.of(ms), Some(i64::from(date.minute())));
        }
    }
}

//! Which instant does a value name, in milliseconds since the epoch?

use super::Value;

const MS_PER_DAY: i64 = 86_400_000;

/// Reads an instant: text in one of the forms that Okta and collectors write, or a number of seconds or
/// milliseconds.
///
/// Text is RFC 3339 with any number of fraction digits (`03.49Z` is 490 ms), `T` or a space before
/// the time, and `Z`, an offset or nothing (then UTC) behind it. An instant that no calendar can
/// write is none: whatever is computed of it later stays far from the ends of the integers.
pub fn instant_ms(value: Value<'_>) -> Option<i64> {
    let ms = match value {
        Value::Text(text) => fixed_form(text.as_bytes()).or_else(|| any_form(text)),
        Value::Integer(number) => Some(epoch_integer(number)),
        Value::Number(seconds) => epoch_number(seconds),
        Value::Boolean(_) | Value::Container => None,
    };
    ms.filter(|ms| jiff::Timestamp::from_millisecond(*ms).is_ok())
}

/// Seconds up to the year 5138, milliseconds from 1973 on: the two ranges do not meet.
fn epoch_integer(number: i64) -> i64 {
    const FIRST_MS: u64 = 100_000_000_000;
    if number.unsigned_abs() < FIRST_MS { number.saturating_mul(1000) } else { number }
}

fn epoch_number(seconds: f64) -> Option<i64> {
    let ms = if seconds.abs() < 1e11 { seconds * 1000.0 } else { seconds };
    (ms.abs() < 1e15).then(|| ms.round() as i64)
}

/// `2026-08-13T15:58:20.353Z` and its neighbours, without a general parser.
fn fixed_form(text: &[u8]) -> Option<i64> {
    let (head, tail) = text.split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] =
        *head
    else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    let valid = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction_ms, zone) = fraction(tail)?;
    let offset_minutes = offset(zone)?;
    let minutes = hour * 60 + minute - offset_minutes;
    Some(days_since_epoch(year, month, day) * MS_PER_DAY + minutes * 60_000 + second * 1000 + fraction_ms)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// The fraction in whole milliseconds, and what stands behind it.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', rest)) = tail.split_first() else { return Some((0, tail)) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (digits, zone) = rest.split_at_checked(digits)?;
    let place = |index: usize| digits.get(index).copied().and_then(digit).unwrap_or_default();
    Some((place(0) * 100 + place(1) * 10 + place(2), zone))
}

/// Minutes east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    let minutes = (hours <= 23 && minutes <= 59).then_some(hours * 60 + minutes)?;
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(-minutes),
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; March is the first month, so that the
/// leap day is the last day of a year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn any_form(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Some(zoned.timestamp().as_millisecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        instant_ms(Value::Text(text))
    }

    #[test]
    fn every_spelling_of_an_instant_is_the_same_instant() {
        let instant = Some(1_786_636_700_490);
        for text in [
            "2026-08-13T15:58:20.49Z",
            "2026-08-13T15:58:20.490Z",
            "2026-08-13T15:58:20.490999Z",
            "2026-08-13 15:58:20.490",
            "2026-08-13 15:58:20.490 UTC",
            "2026-08-13T17:58:20.490+02:00",
            "2026-08-13T08:58:20.490-0700",
            "2026-08-13t15:58:20,490z",
            "2026-08-13T15:58:20.490+00:00[UTC]",
        ] {
            assert_eq!(ms(text), instant, "{text}");
        }
        assert_eq!(ms("2026-08-13T15:58:20Z"), Some(1_786_636_700_000));
        assert_eq!(ms("Thu, 13 Aug 2026 15:58:20 +0000"), Some(1_786_636_700_000));
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds_by_their_size() {
        assert_eq!(instant_ms(Value::Integer(1_786_636_700)), Some(1_786_636_700_000));
        assert_eq!(instant_ms(Value::Integer(1_786_636_700_490)), Some(1_786_636_700_490));
        assert_eq!(instant_ms(Value::Number(1_786_636_700.49)), Some(1_786_636_700_490));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in ["", "yesterday", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-08-13", "20:00"] {
            let date_alone = text == "2026-08-13";
            assert_eq!(ms(text).is_some(), date_alone, "{text}");
        }
        assert_eq!(instant_ms(Value::Boolean(true)), None);
        assert_eq!(instant_ms(Value::Number(f64::NAN)), None);
    }

    #[test]
    fn a_number_beyond_the_calendar_is_none() {
        for number in [i64::MIN, i64::MIN + 1, i64::MAX, 300_000_000_000_000, -400_000_000_000_000] {
            assert_eq!(instant_ms(Value::Integer(number)), None, "{number}");
        }
        assert_eq!(instant_ms(Value::Number(9e14)), None);
        assert_eq!(ms("9999-12-31T23:59:59-23:59"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_number_is_read_without_a_panic(number: i64) {
            let ms = instant_ms(Value::Integer(number));
            proptest::prop_assert!(ms.is_none_or(|ms| ms.abs() < 1_000_000_000_000_000));
        }

        #[test]
        fn the_fixed_form_agrees_with_the_general_parser(ms in -62_000_000_000_000_i64..250_000_000_000_000) {
            let timestamp = jiff::Timestamp::from_millisecond(ms).unwrap();
            let text = format!("{timestamp:.3}");
            proptest::prop_assert_eq!(fixed_form(text.as_bytes()), Some(ms));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = ms(&text);
        }
    }
}
